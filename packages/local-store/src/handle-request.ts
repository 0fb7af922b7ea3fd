/** One request from its first line to its record in the access log. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessLogRecord } from './access-log.ts'
import { requesterArn } from './access-log.ts'
import type { AuthenticateDeps, Authentication } from './authenticate.ts'
import { authenticate } from './authenticate.ts'
import { mayTouchBucket, requireBucket } from './bucket-operations.ts'
import type { Call, Reply, StoreDeps } from './call.ts'
import { corsHeaders, preflight } from './cors.ts'
import type { RequestHeaders } from './request-headers.ts'
import { readRequestHeaders } from './request-headers.ts'
import type { RequestTarget } from './request-target.ts'
import { parseRequestTarget } from './request-target.ts'
import { postObject } from './post-object.ts'
import { errorReply, sendReply } from './respond.ts'
import { refuseSettings } from './object-headers.ts'
import { routeOf } from './route.ts'
import { S3Error } from './s3-error.ts'

export interface HandleDeps extends StoreDeps, AuthenticateDeps {
  /** False while too many requests are in progress. */
  hasRoom: () => boolean
  /** Told of what no client caused. */
  reportError: (error: unknown) => void
}

/** What is known so far; the log record is made of it, however far the request came. */
interface Progress {
  headers: RequestHeaders
  target: RequestTarget | null
  auth: Authentication | null
  operation: string | null
  /** Taken at once: a connection that is gone has no address any more. */
  remoteIp: string
}

/** Unread bytes of a refused body that are still taken in, so that the client gets to read the refusal. */
const LEFTOVER_BYTES_MAX = 64 * 1024 ** 2
const LEFTOVER_MS_MAX = 30_000

export async function handleRequest(
  deps: HandleDeps,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const startedAt = performance.now()
  const time = deps.clock()
  const remoteIp = (request.socket.remoteAddress ?? '-').replace(/^::ffff:/, '')
  const progress: Progress = { headers: new Map(), target: null, auth: null, operation: null, remoteIp }
  const method = request.method ?? 'GET'
  const url = request.url ?? '/'
  const ids = {
    requestId: randomBytes(8).toString('hex').toUpperCase(),
    hostId: randomBytes(24).toString('base64'),
  }
  const context = { method, ...ids, resource: url.split('?')[0] ?? '/' }
  let turnedAt: number | null = null
  const invite = () => {
    if (expectsContinue) response.writeContinue()
    expectsContinue = false
  }
  let reply: Reply
  try {
    reply = await answer(deps, request, progress, ids.requestId, invite)
    turnedAt = performance.now()
  } catch (error) {
    if (!(error instanceof S3Error) && !request.destroyed) deps.reportError(error)
    reply = errorReply(refusalOf(request, error), context)
  }
  const bucket = progress.target?.bucket ?? null
  if (method !== 'OPTIONS') {
    const cors = corsHeaders(deps, bucket, method, progress.headers)
    reply = { ...reply, headers: { ...reply.headers, ...cors } }
  }
  // Its body was never asked for: what comes next on this connection could be that or a new request.
  if (expectsContinue) reply = { ...reply, headers: { ...reply.headers, connection: 'close' } }
  limitLeftover(request)
  const writeLog = (sent: Reply, bytesSent: number) => {
    const times = { time, startedAt, turnedAt }
    deps.accessLog.write({ ...recordOf(request, progress, sent, times), ...ids, bytesSent }, sent.batch)
  }
  await sendReply(response, reply, { ...context, writeLog })
}

function recordOf(
  request: IncomingMessage,
  progress: Progress,
  sent: Reply,
  times: { time: number; startedAt: number; turnedAt: number | null },
): Omit<AccessLogRecord, 'requestId' | 'hostId' | 'bytesSent'> {
  const method = request.method ?? 'GET'
  const scope = `${/^[A-Z]+$/.test(method) ? method : 'OTHER'}.${scopeOf(progress.target)}`
  return {
    bucket: progress.target?.bucket ?? null,
    time: times.time,
    remoteIp: progress.remoteIp,
    requester: progress.auth === null ? null : requesterArn(progress.auth.credential.accessKeyId),
    operation: progress.operation ?? `REST.${scope}`,
    key: progress.target?.key ?? null,
    method,
    url: request.url ?? '/',
    httpVersion: request.httpVersion,
    status: sent.status,
    errorCode: sent.errorCode ?? null,
    objectSizeBytes: sent.objectSizeBytes ?? null,
    totalMilliseconds: Math.round(performance.now() - times.startedAt),
    turnAroundMilliseconds: times.turnedAt === null ? null : Math.round(times.turnedAt - times.startedAt),
    referer: progress.headers.get('referer') ?? null,
    userAgent: progress.headers.get('user-agent') ?? null,
    authenticationType: attemptedType(progress),
    hostHeader: progress.headers.get('host') ?? null,
  }
}

/** Throws S3Error for every refusal. */
async function answer(
  deps: HandleDeps,
  request: IncomingMessage,
  progress: Progress,
  requestId: string,
  invite: () => void,
): Promise<Reply> {
  const method = request.method ?? 'GET'
  const headers = readRequestHeaders(request.rawHeaders)
  progress.headers = headers
  const target = readTarget(request.url ?? '/', headers.get('host') ?? '', progress)
  if (!deps.hasRoom()) throw new S3Error('SlowDown')
  if (method === 'OPTIONS') {
    progress.operation = 'REST.OPTIONS.PREFLIGHT'
    return preflight(deps, target.bucket, headers)
  }
  if (isForm(method, target, headers)) {
    progress.operation = 'REST.POST.OBJECT'
    const { bucket } = target
    const form = { request, method, target, headers, requestId, invite, bucket }
    return postObject(deps, form, {
      authenticated: (auth) => void (progress.auth = auth),
      named: (key) => void (progress.target = { ...target, key }),
    })
  }
  // The name of the operation first, so that refusals are logged under it; its errors come after the signature's.
  const route = attempt(() => routeOf(method, target))
  if (route.value !== null) progress.operation = route.value.operation
  const auth = authenticate(deps, { method, target, headers })
  progress.auth = auth
  if (route.value === null) throw route.error
  const call: Call = { request, method, target, headers, auth, requestId, invite }
  if (method !== 'GET' && method !== 'HEAD') refuseSettings(call)
  if (route.value.scope === 'service') return route.value.run(deps, call)
  const bucket = target.bucket!
  if (!mayTouchBucket(auth.credential, bucket)) throw new S3Error('AccessDenied')
  if (route.value.scope === 'object') {
    requireBucket(deps, bucket)
    return route.value.run(deps, { ...call, bucket, key: target.key! })
  }
  if (route.value.makesBucket !== true) requireBucket(deps, bucket)
  const owner = headers.get('x-amz-expected-bucket-owner')
  if (owner !== undefined && owner !== '000000000000') throw new S3Error('AccessDenied')
  return route.value.run(deps, { ...call, bucket })
}

/** Where the query is refused, the log still tells of which object it was. */
function readTarget(url: string, host: string, progress: Progress): RequestTarget {
  try {
    return (progress.target = parseRequestTarget(url, host))
  } catch (error) {
    progress.target = attempt(() => parseRequestTarget(url.split('?', 1)[0]!, host)).value
    throw error
  }
}

/** A form for a bucket; with a signature in its headers or its URL it is one of the other POSTs. */
function isForm(
  method: string,
  target: RequestTarget,
  headers: RequestHeaders,
): target is RequestTarget & { bucket: string } {
  return (
    method === 'POST' &&
    target.bucket !== null &&
    target.key === null &&
    /^multipart\/form-data\b/i.test(headers.get('content-type') ?? '') &&
    !headers.has('authorization') &&
    !['delete', 'X-Amz-Signature'].some((name) => target.query.has(name))
  )
}

function attempt<Value>(work: () => Value): { value: Value; error: null } | { value: null; error: unknown } {
  try {
    return { value: work(), error: null }
  } catch (error) {
    return { value: null, error }
  }
}

function refusalOf(request: IncomingMessage, error: unknown): S3Error {
  if (error instanceof S3Error) return error
  // The client has gone in the middle of its body; nobody reads this, but the log tells it.
  return request.destroyed && !request.complete ? new S3Error('IncompleteBody') : new S3Error('InternalError')
}

function scopeOf(target: RequestTarget | null): string {
  return target === null || target.bucket === null ? 'SERVICE' : target.key === null ? 'BUCKET' : 'OBJECT'
}

function attemptedType(progress: Progress): 'QueryString' | 'AuthHeader' | null {
  // S3 documents no word for forms.
  if (progress.auth?.type === 'PostForm') return null
  if (progress.auth !== null) return progress.auth.type
  if (progress.headers.has('authorization')) return 'AuthHeader'
  return progress.target?.query.has('X-Amz-Signature') ? 'QueryString' : null
}

/** What is left of a body is read and dropped, so that the connection stays usable; here is the end of that patience. */
function limitLeftover(request: IncomingMessage): void {
  if (request.destroyed) return
  // An operation that stopped half-way has left the stream paused.
  request.resume()
  if (request.complete) return
  let bytes = 0
  const timer = setTimeout(() => request.destroy(), LEFTOVER_MS_MAX).unref()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LEFTOVER_BYTES_MAX) request.destroy()
  })
  const stop = () => clearTimeout(timer)
  request.on('end', stop).on('close', stop).on('error', stop)
}
