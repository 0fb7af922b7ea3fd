/**
 * Cookies of this server. Under https they carry the prefix `__Host-`: a browser takes them from this host alone, over TLS
 * alone, and sends them nowhere else (RFC 6265bis §4.1.3.2).
 */

export type CookieUse = 'session' | 'login'

export function cookieName(use: CookieUse, secure: boolean): string {
  return `${secure ? '__Host-' : ''}signpost-${use}`
}

/**
 * Undefined: it is not there, or there more than once: then somebody else has set one of them, and nobody can tell which.
 */
export function readCookie(header: string | undefined, use: CookieUse, secure: boolean): string | undefined {
  if (header === undefined) return undefined
  const start = `${cookieName(use, secure)}=`
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
  return values.length === 1 ? values[0]!.slice(start.length) || undefined : undefined
}

/** `Lax`: it comes along when the identity provider sends the browser back, and with no request of another site's page. */
export function setCookie(
  use: CookieUse,
  secure: boolean,
  { value, maxAgeSeconds }: { value: string; maxAgeSeconds: number },
): string {
  const parts = [
    `${cookieName(use, secure)}=${value}`,
    'Path=/',
    `Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}`,
    'HttpOnly',
    'SameSite=Lax',
  ]
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ')
}

export function clearCookie(use: CookieUse, secure: boolean): string {
  return setCookie(use, secure, { value: '', maxAgeSeconds: 0 })
}
