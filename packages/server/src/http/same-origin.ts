import type { IncomingHttpHeaders } from 'node:http'

/** Methods that change nothing (RFC 9110 §9.2.1): a page of another site may make a browser send these, and reads no answer. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser sends a cookie with whatever request it makes, whoever's page made it. So a cookie counts for what changes
 * something only where the browser itself says that a page of our own made the request; a program that says nothing has
 * bearer tokens.
 *
 * `Sec-Fetch-Site` (Fetch Metadata §2.4) decides where it is there: no page can set it. Else `Origin` (RFC 6454 §7).
 */
export function mayUseCookie(
  method: string,
  headers: IncomingHttpHeaders,
  ownOrigins: readonly string[],
): boolean {
  if (safeMethods.has(method)) return true
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin } = headers
  return origin !== undefined && ownOrigins.includes(origin)
}
