import {
  IngestedLog,
  operations,
  SignpostError,
  type CallInput,
  type ErrorCode,
  type IngestAccessLogInput,
  type Operation,
  type OperationId,
  type Operations,
  type Reply,
} from '@signpost/contract'
import { errorOfResponse } from './api-error.ts'
import { operationUrl, type RawInput } from './api-request.ts'
import type { TokenSource } from './exchanged-token.ts'
import { parseNdjson } from './ndjson.ts'
import { backoffMs, sleep, type RetryPolicy } from './retry.ts'
import { isLastingCause, noAnswerText } from './network-cause.ts'
import { TransferError } from './transfer-error.ts'

/** Operations that answer line by line. */
export type StreamedOperationId = {
  [Id in OperationId]: Operations[Id] extends { stream: true } ? Id : never
}[OperationId]
export type PlainOperationId = Exclude<OperationId, StreamedOperationId>

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** For creating calls; made up where it is left out, so that a try after a lost answer is safe. At most 255 characters. */
  idempotencyKey?: string
}

export interface ApiClient {
  /** @throws SignpostError, TransferError (`network`, `bad_reply`), or the signal's reason */
  call: <Id extends PlainOperationId>(
    id: Id,
    input: CallInput<Id>,
    options?: CallOptions,
  ) => Promise<Reply<Id>>
  /** One item a line. Tried again only until the first line. */
  stream: <Id extends StreamedOperationId>(
    id: Id,
    input: CallInput<Id>,
    options?: CallOptions,
  ) => AsyncGenerator<Reply<Id>, void, void>
  /** Hands in a log file of a bucket, as it comes, packed or not. Never tried again: the bytes are gone. */
  ingestLog: (
    query: IngestAccessLogInput,
    bytes: AsyncIterable<Uint8Array>,
    options?: { signal?: AbortSignal | undefined },
  ) => Promise<IngestedLog>
}

export interface ApiClientDeps {
  url: string
  token: string | (() => string | Promise<string>) | TokenSource | undefined
  userAgent: string | undefined
  fetch: typeof fetch
  retry: RetryPolicy
  random: () => number
  newId: () => string
  /** Asked before each further try; false gives up. */
  mayRetry: (error: Error, attempt: number) => boolean
}

/** No operation of the contract: its body is no JSON. */
const ingestLogPath = { path: '/v1/access-logs' }

/** Passing states of server or bucket; all others will not change by asking again. */
const passing: ReadonlySet<ErrorCode> = new Set(['rate_limited', 'record_unavailable', 'bucket_unreachable'])
const retryAfterSecondsMax = 60

export function createApiClient(deps: ApiClientDeps): ApiClient {
  const base = baseUrl(deps.url)

  async function request(id: OperationId, input: RawInput, options: CallOptions): Promise<Response> {
    const operation: Operation = operations[id]
    const url = operationUrl(base, operation, input)
    const { signal } = options
    const key = operation.idempotent ? (options.idempotencyKey ?? deps.newId()) : undefined
    let hasNewToken = false
    for (let attempt = 0; ; attempt += 1) {
      signal?.throwIfAborted()
      let token: string | undefined
      const error = await tokenOf(deps.token, signal)
        .then((found) => {
          token = found
          return send(url, operation, input, { token, key }, signal)
        })
        .then(
          async (response) => (response.ok ? response : await errorOfResponse(response, url)),
          (cause: unknown) => networkError(url, cause, signal),
        )
      if (!(error instanceof Error)) return error
      // An access token ends with its rule; another one may be had by now.
      if (!hasNewToken && isUnknown(error) && typeof deps.token === 'object' && token !== undefined) {
        deps.token.forget(token)
        hasNewToken = true
        attempt -= 1
        continue
      }
      if (attempt > 0 && operation.method === 'DELETE' && isGone(error))
        return new Response(null, { status: 204 })
      if (attempt >= deps.retry.retries || !isPassing(error) || !deps.mayRetry(error, attempt)) throw error
      await sleep(waitMs(error, attempt), signal)
    }
  }

  async function send(
    url: string,
    operation: Operation,
    input: RawInput,
    { token, key }: { token: string | undefined; key: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    return await deps.fetch(url, {
      method: operation.method,
      headers: {
        accept: operation.stream ? 'application/x-ndjson' : 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(operation.body ? { 'content-type': 'application/json' } : {}),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(deps.userAgent === undefined ? {} : { 'user-agent': deps.userAgent }),
      },
      ...(operation.body ? { body: JSON.stringify(input.body) } : {}),
      ...(signal ? { signal } : {}),
    })
  }

  function waitMs(error: Error, attempt: number): number {
    const asked = error instanceof SignpostError ? error.retryAfterSeconds : undefined
    const backoff = backoffMs(deps.retry, attempt, deps.random)
    return asked === undefined ? backoff : Math.max(backoff, Math.min(asked, retryAfterSecondsMax) * 1000)
  }

  return {
    async ingestLog(query, bytes, { signal } = {}) {
      const url = operationUrl(base, ingestLogPath, { query })
      const token = await tokenOf(deps.token, signal)
      const request: RequestInit & { duplex: 'half' } = {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/octet-stream',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(deps.userAgent === undefined ? {} : { 'user-agent': deps.userAgent }),
        },
        body: bytes as unknown as ReadableStream,
        duplex: 'half',
        ...(signal ? { signal } : {}),
      }
      const response = await deps.fetch(url, request).catch((cause: unknown) => {
        throw networkError(url, cause, signal)
      })
      if (!response.ok) throw await errorOfResponse(response, url)
      const parsed = IngestedLog.safeParse(await response.json())
      if (!parsed.success) throw badReply('ingestLog', parsed.error)
      return parsed.data
    },
    async call(id, input, options = {}) {
      const response = await request(id, input as RawInput, options)
      const operation: Operation = operations[id]
      if (!operation.reply) {
        await response.body?.cancel()
        return undefined as never
      }
      const reply: unknown = await response.json().catch((cause: unknown) => {
        throw options.signal?.aborted ? cause : badReply(id, cause)
      })
      return parseReply(id, operation, reply) as never
    },
    async *stream(id, input, options = {}) {
      const response = await request(id, input as RawInput, options)
      if (!response.body) return
      try {
        for await (const line of parseNdjson(response.body)) {
          yield parseReply(id, operations[id], line) as never
        }
      } catch (cause) {
        if (cause instanceof TransferError) throw cause
        throw networkError(response.url, cause, options.signal)
      }
    },
  }
}

/** The exchange is for all who wait for it; who gives up leaves it to the others. */
async function tokenOf(
  token: ApiClientDeps['token'],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (typeof token === 'function') return token()
  if (typeof token !== 'object') return token
  if (!signal) return token.get()
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(signal.reason as Error)
  signal.addEventListener('abort', leave, { once: true })
  return Promise.race([token.get(), left.promise]).finally(() => signal.removeEventListener('abort', leave))
}

function isUnknown(error: Error): boolean {
  return error instanceof SignpostError && error.code === 'unauthenticated'
}

export function baseUrl(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text)
    if (url.protocol === 'https:' || url.protocol === 'http:') return url
  }
  throw new SignpostError('invalid', '"url" must be the http(s) address of a Signpost server', {
    field: 'url',
  })
}

function parseReply(id: OperationId, operation: Operation, reply: unknown): unknown {
  const parsed = operation.reply?.safeParse(reply)
  if (parsed && !parsed.success) throw badReply(id, parsed.error)
  return parsed?.data
}

function badReply(id: OperationId | 'ingestLog', cause: unknown): TransferError {
  return new TransferError(
    'bad_reply',
    `The answer to ${id} is not what this version of the SDK understands`,
    {
      peer: 'signpost',
      cause,
    },
  )
}

/** An aborted call fails with the signal's own reason; all else is the network's. */
function networkError(url: string, cause: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return signal.reason as Error
  if (cause instanceof SignpostError || cause instanceof TransferError) return cause
  return new TransferError('network', noAnswerText(url, cause), { peer: 'signpost', cause })
}

function isPassing(error: Error): boolean {
  if (error instanceof SignpostError) return passing.has(error.code)
  if (!(error instanceof TransferError)) return false
  if (error.code === 'network') return !isLastingCause(error.cause)
  return [502, 503, 504].includes(error.status ?? 0)
}

function isGone(error: Error): boolean {
  return error instanceof SignpostError && error.code === 'not_found'
}
