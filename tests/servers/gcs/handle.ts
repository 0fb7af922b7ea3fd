import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import { corsHeaders, preflight } from './cors.ts'
import { isForm, writeForm } from './form-routes.ts'
import { GcsRefusal, accessDenied } from './refusal.ts'
import { continueSession, sessionOf } from './resumable-routes.ts'
import { route } from './routes.ts'
import type { Store } from './store.ts'
import type { UsageRow } from './usage-log.ts'
import { decode, parseQuery, verifyGoog4 } from './verify.ts'
import type { SigningIdentities, VerifiedRequest } from './verify.ts'
import { xmlDocument } from './xml.ts'

export interface Access {
  method: string
  bucket: string
  /** Empty for the bucket itself. */
  key: string
}

export interface HandleDeps {
  store: Store
  identities: SigningIdentities
  /** Whether the identity has the right, as IAM would say. A signature alone gives none. */
  may: (identity: string, access: Access) => boolean
  logUsage: (row: UsageRow) => void
}

/** One request from its first byte to its line in the usage log. Never throws. */
export async function handle(
  deps: HandleDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  const target = readTarget(request)
  const rules = deps.store.buckets.get(target.bucket)?.cors ?? []
  let body = Buffer.alloc(0)
  const readWhole = async () => (body = await readBody(request, deps.store.maxBytes))
  const reply = await answer(deps, request, target, readWhole).catch(refusalReply)
  const requestId = randomBytes(16).toString('base64url')
  const cors = target.method === 'OPTIONS' ? {} : corsHeaders(rules, target.method, request.headers)
  const bytes = Buffer.from(reply.body ?? '')
  const length =
    reply.status === 204 || reply.status === 304 ? {} : { 'content-length': String(bytes.length) }
  const sentBytes = target.method === 'HEAD' ? 0 : bytes.length
  deps.logUsage({
    time_micros: String(Math.round(deps.store.nowMs() * 1000)),
    c_ip: request.socket.remoteAddress ?? '',
    c_ip_type: '1',
    c_ip_region: '',
    cs_method: target.method,
    cs_uri: request.url ?? '',
    sc_status: String(reply.status),
    cs_bytes: String(body.length),
    sc_bytes: String(sentBytes),
    time_taken_micros: String(Math.round((performance.now() - startedAt) * 1000)),
    cs_host: target.host,
    cs_referer: request.headers.referer ?? '',
    cs_user_agent: request.headers['user-agent'] ?? '',
    s_request_id: requestId,
    cs_operation: `${target.method}_${target.key === '' ? 'Bucket' : 'Object'}`,
    cs_bucket: target.bucket,
    cs_object: target.key,
  })
  response.writeHead(reply.status, {
    ...length,
    ...reply.headers,
    ...cors,
    'x-guploader-uploadid': requestId,
    server: 'signpost-test-gcs',
  })
  response.end(bytes)
}

interface Target extends Access {
  host: string
  origin: string
}

/** Path style on any host, virtual-hosted style on BUCKET.localhost. */
function readTarget(request: IncomingMessage): Target {
  const authority = request.headers.host ?? ''
  const host = authority.replace(/:\d+$/, '')
  const port = authority.slice(host.length)
  const method = request.method ?? ''
  const path = (request.url ?? '/').split('?')[0]!.slice(1)
  if (host.endsWith('.localhost')) {
    return {
      method,
      host,
      origin: `http://localhost${port}`,
      bucket: host.slice(0, -'.localhost'.length),
      key: safelyDecoded(path),
    }
  }
  const slash = path.indexOf('/')
  const [bucket, key] = slash < 0 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)]
  return {
    method,
    host,
    origin: `http://${authority}`,
    bucket: safelyDecoded(bucket),
    key: safelyDecoded(key),
  }
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // refused later, with an answer and a line in the log
  }
}

async function answer(
  deps: HandleDeps,
  request: IncomingMessage,
  target: Target,
  readWhole: () => Promise<Buffer>,
): Promise<Reply> {
  const { store } = deps
  if (target.method === 'OPTIONS')
    return preflight(store.buckets.get(target.bucket)?.cors ?? [], request.headers)
  const pairs = parseQuery(request.url ?? '/')
  decode((request.url ?? '/').split('?')[0]!)
  const { bucket, key, method, origin } = target
  const base = { store, method, origin, bucket, key, query: new Map(pairs), headers: request.headers }
  const session = sessionOf(base)
  if (session && !pairs.some(([name]) => /^x-goog-/i.test(name))) {
    if (method !== 'PUT' && method !== 'DELETE')
      throw new GcsRefusal(405, 'MethodNotAllowed', 'PUT or DELETE a session.')
    return continueSession({ ...base, body: await readWhole(), may: () => false }, session)
  }
  if (isForm(base, key)) return writeForm(deps, { ...base, body: await readWhole() })
  const verified = verify(deps, request, pairs)
  if (!deps.may(verified.identity, { method, bucket, key })) {
    throw accessDenied(`${verified.identity} does not have access to the Google Cloud Storage object.`)
  }
  const may = (access: Access) => deps.may(verified.identity, access)
  const call: Call = { ...base, body: await readWhole(), may }
  checkPayload(verified, call.body)
  return route(call)
}

function verify(
  deps: HandleDeps,
  request: IncomingMessage,
  pairs: readonly [string, string][],
): VerifiedRequest {
  if (!pairs.some(([name]) => /^x-goog-(algorithm|signature|credential)$/i.test(name))) {
    throw accessDenied('Anonymous caller does not have access to the Google Cloud Storage object.')
  }
  const raw = request.rawHeaders
  const headers = raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : [],
  )
  const wire = { method: request.method ?? '', target: request.url ?? '/', headers }
  return verifyGoog4(wire, deps.identities, deps.store.nowMs())
}

function checkPayload({ payloadSha256 }: VerifiedRequest, body: Buffer): void {
  if (payloadSha256 === undefined || payloadSha256 === 'UNSIGNED-PAYLOAD') return
  if (createHash('sha256').update(body).digest('hex') !== payloadSha256.toLowerCase()) {
    throw new GcsRefusal(400, 'XAmzContentSHA256Mismatch', 'The body does not have the hash that was signed.')
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > maxBytes)
      throw new GcsRefusal(400, 'EntityTooLarge', 'The body does not fit into this test server.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function refusalReply(error: unknown): Reply {
  if (!(error instanceof GcsRefusal))
    return xmlReply(
      500,
      xmlDocument('Error', [
        ['Code', 'InternalError'],
        ['Message', String(error)],
      ]),
    )
  const { status, code, message, elements } = error
  return xmlReply(
    status,
    xmlDocument('Error', [['Code', code], ['Message', message], ...Object.entries(elements)]),
  )
}
