/** Longer ones are left away: they stand in a cookie. */
const lengthMax = 1024
const base = 'http://here.invalid'

/**
 * Where a browser goes after a login: a path of this server and nothing else, whatever was asked for. Browsers take `//host`
 * and `/\host` for other hosts, and drop tabs and line breaks before they look.
 */
export function returnPath(asked: string | undefined, otherwise: string): string {
  if (asked === undefined || asked.length > lengthMax) return otherwise
  if (!/^\/(?!\/)[\x21\x23-\x5b\x5d-\x7e]*$/.test(asked)) return otherwise
  if (!URL.canParse(asked, base)) return otherwise
  const { origin, pathname, search } = new URL(asked, base)
  const isOurs = origin === base && !pathname.startsWith('//')
  // Those would begin again, or end what was just begun.
  const isLogin = /^\/(login|logout|oidc)(\/|$)/.test(pathname)
  return isOurs && !isLogin ? pathname + search : otherwise
}
