import { noAnswerText } from './network-cause.ts'
import { TransferError } from './transfer-error.ts'
import type { TransferBody, TransferRequest, TransferResponse, Transport } from './transport.ts'
import { chunksOf } from './upload-source.ts'

/** Set by the browser itself from the body and the URL. */
const ownHeaders: ReadonlySet<string> = new Set(['content-length', 'host'])

/** Moves bytes by `fetch`; in a browser, an upload whose progress is watched goes by `XMLHttpRequest`, which alone tells it. */
export function createFetchTransport(deps: { fetch: typeof fetch }): Transport {
  return {
    async send(request) {
      if (request.body && request.onProgress && typeof XMLHttpRequest !== 'undefined')
        return sendByXhr(request)
      const response = await deps
        .fetch(request.url, {
          method: request.method,
          headers: headersOf(request),
          credentials: 'omit',
          redirect: 'manual',
          cache: 'no-store',
          ...(request.body ? { body: await plainBody(request.body) } : {}),
          ...(request.signal ? { signal: request.signal } : {}),
        })
        .catch((cause: unknown) => {
          throw noAnswer(request, cause)
        })
      return fetchResponse(request, response)
    },
  }
}

function headersOf(request: TransferRequest): [string, string][] {
  return Object.entries(request.headers).filter(([name]) => !ownHeaders.has(name.toLowerCase()))
}

async function plainBody(body: TransferBody): Promise<Blob | Uint8Array<ArrayBuffer>> {
  switch (body.kind) {
    case 'bytes':
      return body.bytes as Uint8Array<ArrayBuffer>
    case 'blob':
      // Of a typed Blob fetch would send the type, which the URL may not have signed.
      return body.blob.type === '' ? body.blob : body.blob.slice(0, body.blob.size, '')
    case 'file': {
      const bytes = new Uint8Array(body.sizeBytes)
      let filled = 0
      while (filled < bytes.byteLength) {
        const { bytesRead } = await body.file.read(
          bytes,
          filled,
          bytes.byteLength - filled,
          body.start + filled,
        )
        if (bytesRead === 0)
          throw new TransferError('source_changed', 'The file became shorter while it was read')
        filled += bytesRead
      }
      return bytes
    }
  }
}

function fetchResponse(request: TransferRequest, response: Response): TransferResponse {
  // `redirect: manual` hides all but the fact.
  const status = response.type === 'opaqueredirect' ? 307 : response.status
  return {
    status,
    header: (name) => response.headers.get(name),
    crossOrigin: isCrossOrigin(request.url),
    body: {
      async *chunks() {
        if (!response.body) return
        try {
          yield* chunksOf(response.body)
        } catch (cause) {
          throw noAnswer(request, cause)
        }
      },
      discard() {
        if (response.body && !response.body.locked) response.body.cancel().catch(() => {})
      },
    },
  }
}

async function sendByXhr(request: TransferRequest): Promise<TransferResponse> {
  const body = request.body ? await plainBody(request.body) : null
  const xhr = new XMLHttpRequest()
  await new Promise<void>((resolve, reject) => {
    const { signal } = request
    const abort = () => xhr.abort()
    if (signal?.aborted) return reject(signal.reason as Error)
    signal?.addEventListener('abort', abort, { once: true })
    xhr.addEventListener('loadend', () => signal?.removeEventListener('abort', abort))
    xhr.addEventListener('load', () => resolve())
    xhr.addEventListener('error', () => reject(noAnswer(request, new Error('the browser tells no reason'))))
    xhr.addEventListener('abort', () => reject(noAnswer(request, new Error('aborted'))))
    xhr.upload.addEventListener('progress', (event) => request.onProgress?.(event.loaded))
    xhr.open(request.method, request.url)
    xhr.responseType = 'arraybuffer'
    for (const [name, value] of headersOf(request)) xhr.setRequestHeader(name, value)
    xhr.send(body)
  })
  return {
    status: xhr.status,
    header: headerReader(xhr),
    crossOrigin: isCrossOrigin(request.url),
    body: {
      async *chunks() {
        yield new Uint8Array(xhr.response as ArrayBuffer)
      },
      discard() {},
    },
  }
}

/** `getResponseHeader` complains on the browser's console about each header that CORS hides; a look at all of them does not. */
function headerReader(xhr: XMLHttpRequest): (name: string) => string | null {
  const headers = new Headers()
  for (const line of xhr.getAllResponseHeaders().trim().split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return (name) => headers.get(name)
}

function isCrossOrigin(url: string): boolean {
  return typeof location !== 'undefined' && new URL(url).origin !== location.origin
}

/** A browser does not tell "not reached" from "answered, but not for this page". */
function noAnswer(request: TransferRequest, cause: unknown): Error {
  if (request.signal?.aborted) return request.signal.reason as Error
  if (cause instanceof TransferError) return cause
  const { origin } = new URL(request.url)
  const advice = isCrossOrigin(request.url)
    ? `. If ${origin} can be reached, the bucket's CORS rules do not allow ${request.method} from ${location.origin}`
    : ''
  return new TransferError('network', noAnswerText(request.url, cause) + advice, {
    peer: 'store',
    cause,
  })
}
