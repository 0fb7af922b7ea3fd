/**
 * Stage 1 of SigV4 and GOOG4: the request in the one form that signer and store both arrive at.
 * AWS: "Create a canonical request"; Google: "V4 signing process, canonical requests".
 */

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** One query parameter, name and value encoded with `encodeComponent`. */
export interface EncodedParameter {
  name: string
  value: string
}

export interface CanonicalHeaders {
  /** One `name:value\n` a header. */
  text: string
  /** The names, joined with `;`. */
  signedHeaders: string
}

export interface CanonicalRequestParts {
  method: string
  /** Encoded, with its leading slash. */
  path: string
  query: string
  headers: CanonicalHeaders
  /** Hex digest of the body, or the literal `UNSIGNED-PAYLOAD`. */
  payloadHash: string
}

export function canonicalRequest(parts: CanonicalRequestParts): string {
  const { method, path, query, headers, payloadHash } = parts
  return `${method}\n${path}\n${query}\n${canonicalEnd(headers, payloadHash)}`
}

/** What stands behind the query. */
export function canonicalEnd({ text, signedHeaders }: CanonicalHeaders, payloadHash: string): string {
  return `${text}\n${signedHeaders}\n${payloadHash}`
}

/** Sorts in place, by encoded name, then value. Encoded text is ASCII, so the order of UTF-16 units is the order of bytes. */
export function sortParameters(parameters: EncodedParameter[]): EncodedParameter[] {
  // Insertion sort: the list is short and comes nearly sorted, and Array.prototype.sort costs more than the signature's hash.
  for (let from = 1; from < parameters.length; from++) {
    const moving = parameters[from]!
    let to = from
    while (to > 0 && isAfter(parameters[to - 1]!, moving)) {
      parameters[to] = parameters[to - 1]!
      to--
    }
    parameters[to] = moving
  }
  return parameters
}

function isAfter(left: EncodedParameter, right: EncodedParameter): boolean {
  return left.name === right.name ? left.value > right.value : left.name > right.name
}

export function canonicalQuery(sorted: readonly EncodedParameter[]): string {
  let query = ''
  for (const { name, value } of sorted) query += query === '' ? `${name}=${value}` : `&${name}=${value}`
  return query
}

/** Headers with several values come as several entries, in the order sent. */
export function canonicalHeaders(
  entries: Iterable<readonly [name: string, value: string]>,
): CanonicalHeaders {
  const values = new Map<string, string>()
  for (const [name, value] of entries) {
    const lowerCase = name.toLowerCase()
    const earlier = values.get(lowerCase)
    const canonical = canonicalHeaderValue(value)
    values.set(lowerCase, earlier === undefined ? canonical : `${earlier},${canonical}`)
  }
  const names = [...values.keys()].sort()
  const text = names.map((name) => `${name}:${values.get(name)}\n`).join('')
  return { text, signedHeaders: names.join(';') }
}

/** Trimmed, and runs of blanks made one blank. */
function canonicalHeaderValue(value: string): string {
  return value.trim().replace(/\s{2,}/g, ' ')
}

/** A pre-signed request leaves its body open, unless the header that fixes the body's digest is signed with it. */
export function payloadHashOf(
  headers: Readonly<Record<string, string>> | undefined,
  headerName: string,
): string {
  if (headers === undefined) return UNSIGNED_PAYLOAD
  const name = Object.keys(headers).find((given) => given.toLowerCase() === headerName)
  return name === undefined ? UNSIGNED_PAYLOAD : headers[name]!.trim()
}
