/** Moves bytes between this client and a store. Two stand: `fetch` and `XMLHttpRequest` in browsers, `node:http` in Node. */
export interface Transport {
  /**
   * Sends one request. Any HTTP answer resolves, whatever its status; a redirect is an answer, and is not followed.
   * Rejects with the signal's reason when it aborts, else with `TransferError` `network`.
   */
  send(request: TransferRequest): Promise<TransferResponse>
  /** MD5 of a body, where the platform has it. */
  md5?(body: TransferBody, signal?: AbortSignal): Promise<Uint8Array>
  /** Closes connections that are kept open. */
  close?(): void
}

export interface TransferRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  url: string
  headers: Readonly<Record<string, string>>
  body?: TransferBody
  /** Bytes of the body that have been handed to the network so far. */
  onProgress?: (bytes: number) => void
  signal?: AbortSignal | undefined
}

/** What can be sent, and sent again. */
export type TransferBody =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'blob'; blob: Blob }
  | { kind: 'file'; file: ReadableFile; start: number; sizeBytes: number }

/** The part of `node:fs/promises`' FileHandle that is used. */
export interface ReadableFile {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

export interface TransferResponse {
  status: number
  /** Null when absent, or when the browser may not show it (see `crossOrigin`). */
  header(name: string): string | null
  /** The answer came from another origin than the page's: headers that CORS does not expose are hidden. */
  crossOrigin: boolean
  body: TransferResponseBody
}

/** To be read once, or discarded: else its connection stays taken. */
export interface TransferResponseBody {
  chunks(): AsyncIterable<Uint8Array>
  /**
   * Faster than `chunks`, where there is one: gives what has gathered while the last write went on. The chunks are
   * the transport's again as soon as `write` resolves.
   */
  drain?(write: (chunks: Uint8Array[], bytes: number) => Promise<void>): Promise<void>
  discard(): void
}

export function bodySizeBytes(body: TransferBody): number {
  switch (body.kind) {
    case 'bytes':
      return body.bytes.byteLength
    case 'blob':
      return body.blob.size
    case 'file':
      return body.sizeBytes
  }
}

/** The first bytes of a body as text, for an error's details; the rest is dropped. */
export async function readText(body: TransferResponseBody, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for await (const chunk of body.chunks()) {
      text += decoder.decode(chunk.subarray(0, bytesMax - bytes), { stream: true })
      bytes += chunk.byteLength
      if (bytes >= bytesMax) break
    }
  } catch {
    // A cut-off explanation is better than none.
  }
  body.discard()
  return text
}
