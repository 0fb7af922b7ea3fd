import type { Address } from './address.ts'
import { createLiveUrl, type LiveUrl } from './live-url.ts'
import { backoffMs, sleep } from './retry.ts'
import { sendSigned } from './send-signed.ts'
import { redactUrl, TransferError } from './transfer-error.ts'
import type { TransferResponse } from './transport.ts'
import { audienceField, type TransferDeps } from './transfer-deps.ts'
import type { IssuedUrl } from '@signpost/contract'

export interface ObjectInfo {
  sizeBytes: number
  etag: string | null
  contentType: string | null
  lastModified: string | null
}

/** An object that is being read: its first bytes are on their way. */
export interface OpenObject extends ObjectInfo {
  /** Starts at byte 0 and ends before `firstEnd`. */
  first: TransferResponse
  firstEnd: number
  url: LiveUrl
}

export interface OpenObjectOptions {
  /** Bytes to ask for first; `null`: all. */
  firstBytes: number | null
  signal?: AbortSignal | undefined
  url?: IssuedUrl | undefined
}

/** Asks for a URL and for the object's first bytes; the answer tells its size and ETag. */
export async function openObject(
  deps: TransferDeps,
  address: Address,
  options: OpenObjectOptions,
): Promise<OpenObject> {
  const { signal } = options
  const ask = () =>
    deps.api.call(
      'issueUrl',
      { params: { team: address.team }, body: { action: 'read', key: address.key, ...audienceField(deps) } },
      { signal },
    )
  const url = createLiveUrl(ask, deps.clock, options.url)
  if (options.firstBytes === null) return openWhole(deps, url, signal)
  const headers = { range: `bytes=0-${options.firstBytes - 1}` }
  // 416: the object is empty.
  const { response } = await sendSigned(deps, { url, headers, signal, alsoSuccess: [206, 416] })
  if (response.status === 200) return openedWhole(url, response)
  const range = response.status === 206 ? parseContentRange(response.header('content-range')) : undefined
  // A browser may not see the range or the ETag: without them, pieces cannot be put together safely.
  if (range?.start !== 0 || (response.header('etag') === null && range.end < range.sizeBytes)) {
    response.body.discard()
    return openWhole(deps, url, signal)
  }
  return { ...infoOf(response), sizeBytes: range.sizeBytes, first: response, firstEnd: range.end, url }
}

async function openWhole(
  deps: TransferDeps,
  url: LiveUrl,
  signal: AbortSignal | undefined,
): Promise<OpenObject> {
  const { response } = await sendSigned(deps, { url, signal })
  return openedWhole(url, response)
}

function openedWhole(url: LiveUrl, first: TransferResponse): OpenObject {
  const length = first.header('content-length')
  const sizeBytes = length === null ? Number.NaN : Number(length)
  if (!Number.isSafeInteger(sizeBytes)) {
    first.body.discard()
    throw new TransferError('bad_reply', 'The store does not say how long the object is', { peer: 'store' })
  }
  return { ...infoOf(first), sizeBytes, first, firstEnd: sizeBytes, url }
}

function infoOf(response: TransferResponse): Omit<ObjectInfo, 'sizeBytes'> {
  return {
    etag: response.header('etag'),
    contentType: response.header('content-type'),
    lastModified: response.header('last-modified'),
  }
}

/** `bytes 0-99/1000` (RFC 9110 §14.4) as start and exclusive end. */
export function parseContentRange(
  text: string | null,
): { start: number; end: number; sizeBytes: number } | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? '')
  if (!match) return undefined
  return { start: Number(match[1]), end: Number(match[2]) + 1, sizeBytes: Number(match[3]) }
}

/** Bytes come in order; a write that takes its time holds the next one back. */
export type WriteChunks = (chunks: Uint8Array[], position: number) => Promise<void>

/**
 * Reads the bytes from `start` to `end`, going on where a connection broke. `first`, when given, is an answer that
 * starts at `start`.
 *
 * @throws TransferError `object_changed` when the object is another one by now
 */
export async function readRange(
  deps: TransferDeps,
  object: ObjectInfo & { url: LiveUrl },
  range: { start: number; end: number; first?: TransferResponse; signal?: AbortSignal | undefined },
  write: WriteChunks,
): Promise<void> {
  let position = range.start
  let response = range.first
  let failures = 0
  while (position < range.end || response) {
    response ??= await askRange(deps, object, position, range.end, range.signal)
    const before = position
    try {
      await drain(response, async (chunks, bytes) => {
        if (position + bytes > range.end) throw tooLong(object)
        await write(chunks, position)
        position += bytes
      })
      if (position < range.end) throw cutOff(position, range.end)
    } catch (error) {
      response.body.discard()
      if (!(error instanceof TransferError && error.code === 'network')) throw error
      if (position > before) failures = 0
      if (failures >= deps.retry.retries || (position > 0 && object.etag === null)) throw error
      await sleep(backoffMs(deps.retry, failures, deps.random), range.signal)
      failures += 1
    }
    response = undefined
  }
}

async function drain(
  response: TransferResponse,
  write: (chunks: Uint8Array[], bytes: number) => Promise<void>,
): Promise<void> {
  if (response.body.drain) return response.body.drain(write)
  for await (const chunk of response.body.chunks()) await write([chunk], chunk.byteLength)
}

async function askRange(
  deps: TransferDeps,
  object: ObjectInfo & { url: LiveUrl },
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<TransferResponse> {
  const headers = { range: `bytes=${start}-${end - 1}` }
  const { response, issued } = await sendSigned(deps, {
    url: object.url,
    headers,
    signal,
    alsoSuccess: [206, 416],
  })
  const wholeIsAsked = start === 0 && end === object.sizeBytes && response.status === 200
  const got = parseContentRange(response.header('content-range'))
  const same =
    response.header('etag') === object.etag &&
    (wholeIsAsked || (got?.start === start && got.end === end && got.sizeBytes === object.sizeBytes))
  if (same) return response
  response.body.discard()
  throw new TransferError(
    'object_changed',
    `${redactUrl(issued.url)} changed while it was read: read it again`,
    {
      peer: 'store',
      status: response.status,
      grantId: issued.grantId,
    },
  )
}

function cutOff(position: number, end: number): TransferError {
  return new TransferError('network', `The store's answer ended ${end - position} bytes too early`, {
    peer: 'store',
  })
}

function tooLong(object: ObjectInfo): TransferError {
  return new TransferError(
    'size_mismatch',
    `The store sends more than the ${object.sizeBytes} bytes of the object`,
    {
      peer: 'store',
    },
  )
}
