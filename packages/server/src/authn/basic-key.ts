/**
 * RFC 7617 §2: the key is the password of Basic, as bearer; the name is not looked at, since the key alone says whose it is.
 * `curl -u`, `.netrc`, rclone, W&B's clients and most libraries have no other way to send one. Anything else is answered as
 * it came.
 */
export function bearerOfBasic(authorization: string | undefined): string | undefined {
  const basic = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1]
  if (basic === undefined) return authorization
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? []
  return password === undefined ? authorization : `Bearer ${password}`
}
