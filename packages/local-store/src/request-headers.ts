/** The request's headers as one map, read from the raw list so that what is verified is what is used. */
import { S3Error } from './s3-error.ts'

export type RequestHeaders = ReadonlyMap<string, string>

/** Node drops or joins repeated headers by its own rules; a repeated one of these could be signed in one form and used in another. */
const ONCE =
  /^(?:host|authorization|date|expect|range|origin|content-(?!language).*|if-.*|cache-control|expires|x-amz-(?!meta-).*)$/

/** Names in lower case, values trimmed with runs of blanks made one (SigV4 "Trim"), repeated ones joined by a comma. Throws S3Error. */
export function readRequestHeaders(rawHeaders: readonly string[]): RequestHeaders {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    const value = rawHeaders[at + 1]!.trim().replace(/ +/g, ' ')
    const before = headers.get(name)
    if (before !== undefined && ONCE.test(name)) {
      throw new S3Error('InvalidArgument', 'A header occurs more than once.', { ArgumentName: name })
    }
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}
