/** What a store answered, cut down to what the checks look at. Its sentences are never shown: they repeat URLs and keys. */

export interface StoreAnswer {
  status: number
  headers: Headers
  /** The beginning of the body. */
  text: string
  /** The store's own code, such as `AccessDenied`. */
  code: string | undefined
  /** Milliseconds from asking to the whole answer, and our clock in the middle. */
  tookMs: number
  askedAt: number
}

const TEXT_MAX = 64 * 1024

export async function answerOf(response: Response, begun: number, clock: () => number): Promise<StoreAnswer> {
  const text = await beginningOf(response)
  const tookMs = clock() - begun
  const { status, headers } = response
  return { status, headers, text, code: codeIn(text, headers), tookMs, askedAt: begun + tookMs / 2 }
}

/** Whoever answers could go on for ever. */
async function beginningOf(response: Response): Promise<string> {
  if (!response.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= TEXT_MAX) break
  }
  return Buffer.concat(chunks).subarray(0, TEXT_MAX).toString()
}

/** Azure tells it in a header too, which is all that an answer to HEAD has. */
function codeIn(text: string, headers: Headers): string | undefined {
  const code = /<Code>([\w.-]{1,64})<\/Code>/.exec(text)?.[1] ?? headers.get('x-ms-error-code') ?? undefined
  return code !== undefined && /^[\w.-]{1,64}$/.test(code) ? code : undefined
}

/** For the reader: `HTTP 403 AccessDenied`. */
export function named({ status, code }: StoreAnswer): string {
  return code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`
}

export function isHtml({ text, headers }: StoreAnswer): boolean {
  return /^\s*<(?:!doctype html|html)/i.test(text) || /text\/html/.test(headers.get('content-type') ?? '')
}
