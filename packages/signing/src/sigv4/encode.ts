/**
 * Percent-encoding of SigV4 and GOOG4 ("UriEncode" in AWS's signing guide): the UTF-8 bytes of everything but
 * `A-Z a-z 0-9 - . _ ~` become `%XX`, upper-case. A blank is `%20`, never `+`.
 */

const COMPONENT_AS_IT_IS = /^[A-Za-z0-9\-._~]*$/
const PATH_AS_IT_IS = /^[A-Za-z0-9\-._~/]*$/
/** What encodeURIComponent leaves alone (RFC 2396 marks) and the signing rules do not. */
const LEFT_BY_ECMASCRIPT = /[!'()*]/g

/** A query name or value. Lone surrogates have no UTF-8 form: check with `isWellFormed` first. */
export function encodeComponent(text: string): string {
  if (COMPONENT_AS_IT_IS.test(text)) return text
  return encodeURIComponent(text).replace(LEFT_BY_ECMASCRIPT, percentOf)
}

/** An object key. S3 encodes once and keeps every `/`; nothing is normalised (`//` stays). */
export function encodePath(key: string): string {
  if (PATH_AS_IT_IS.test(key)) return key
  return encodeComponent(key).replaceAll('%2F', '/')
}

function percentOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
