import type { IssuedUrl } from '@signpost/contract'
import { formBody } from './form-body.ts'
import type { LiveUrl } from './live-url.ts'
import { backoffMs, sleep, type RetryPolicy } from './retry.ts'
import {
  errorOfRefusal,
  isDeadUrl,
  isPassingRefusal,
  readRefusal,
  type StoreRefusal,
} from './store-refusal.ts'
import { TransferError } from './transfer-error.ts'
import {
  bodySizeBytes,
  type TransferBody,
  type TransferRequest,
  type TransferResponse,
  type Transport,
} from './transport.ts'

export interface SendDeps {
  transport: Transport
  retry: RetryPolicy
  random: () => number
}

export interface SignedSend {
  url: LiveUrl
  /** Beside those that the URL came with. */
  headers?: Readonly<Record<string, string>>
  body?: TransferBody | undefined
  onProgress?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
  /** Success beside the URL's own `successStatuses`. */
  alsoSuccess?: readonly number[]
}

/** A fresh URL that is refused too may still be one of a credential that has just been changed; after that it is final. */
const freshUrlsMax = 2

/**
 * Sends one request with a URL that lives. A dead URL is replaced without counting as a try; a passing failure
 * (no answer, 5xx, 429) is tried again with growing waits. The caller owns the body of the answer.
 *
 * @throws TransferError, SignpostError (the question for a new URL was refused), or the signal's reason
 */
export async function sendSigned(
  deps: SendDeps,
  send: SignedSend,
): Promise<{ response: TransferResponse; issued: IssuedUrl }> {
  let freshUrls = 0
  for (let attempt = 0; ;) {
    send.signal?.throwIfAborted()
    const issued = await send.url.get()
    const answer = await sendOnce(deps.transport, issued, send)
    if ('response' in answer) return { response: answer.response, issued }
    send.onProgress?.(0)
    const { error, refusal } = answer
    if (refusal && isDeadUrl(refusal) && freshUrls < freshUrlsMax) {
      freshUrls += 1
      send.url.drop(issued)
      if (freshUrls > 1) await sleep(backoffMs(deps.retry, 0, deps.random), send.signal)
      continue
    }
    // A store may hang up on a dead URL before the body is through, and a browser hides refusals without CORS headers.
    if (!refusal && attempt > 0) send.url.drop(issued)
    if (attempt >= deps.retry.retries || (refusal && !isPassingRefusal(refusal))) throw error
    await sleep(backoffMs(deps.retry, attempt, deps.random), send.signal)
    attempt += 1
  }
}

type Answer = { response: TransferResponse } | { error: TransferError; refusal?: StoreRefusal }

async function sendOnce(transport: Transport, issued: IssuedUrl, send: SignedSend): Promise<Answer> {
  let response: TransferResponse
  try {
    response = await transport.send(await requestOf(issued, send))
  } catch (error) {
    if (error instanceof TransferError && error.code === 'network') return { error }
    throw error
  }
  if (issued.successStatuses.includes(response.status) || send.alsoSuccess?.includes(response.status)) {
    return { response }
  }
  const refusal = await readRefusal(response)
  send.signal?.throwIfAborted()
  return { error: errorOfRefusal(refusal, issued), refusal }
}

async function requestOf(issued: IssuedUrl, send: SignedSend): Promise<TransferRequest> {
  const { method, url, fields } = issued
  const { body, onProgress, signal } = send
  const headers = { ...issued.headers, ...send.headers }
  if (method !== 'POST')
    return { method, url, headers, signal, ...(body ? { body } : {}), ...(onProgress ? { onProgress } : {}) }
  const form = await formBody(fields ?? {}, body)
  const sizeBytes = body ? bodySizeBytes(body) : 0
  const own = (bytes: number) => onProgress?.(Math.max(0, Math.min(sizeBytes, bytes - form.headBytes)))
  return {
    method,
    url,
    headers: { ...headers, 'content-type': form.contentType },
    body: form.body,
    signal,
    ...(onProgress ? { onProgress: own } : {}),
  }
}
