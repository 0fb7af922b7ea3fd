/**
 * `Content-Disposition` for a file name (RFC 6266 §4.1): an ASCII name for old clients, and the whole name in the
 * encoding of RFC 8187 for the others, which take the second.
 */
export function attachmentDisposition(fileName: string): string {
  // Quotes and backslashes would end or escape the quoted string; a path would be cut off by the browser.
  const ascii = fileName.replaceAll(/[^\x20-\x7e]|["\\/%]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeExtended(fileName)}`
}

/** RFC 8187 §3.2.1: `attr-char` stays. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
