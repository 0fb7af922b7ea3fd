import { redactUrl } from './transfer-error.ts'

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing answers there (ECONNREFUSED): is it running, and are host and port right?',
  ENOTFOUND: 'there is no such host (ENOTFOUND)',
  EAI_AGAIN: 'the name of the host cannot be looked up at present (EAI_AGAIN)',
}

/** One sentence; of the URL nothing that is a credential. */
export function noAnswerText(url: string, cause: unknown): string {
  const code = codeOf(cause)
  const other = otherScheme(url, cause)
  if (other !== undefined) return other
  if (isBadPort(cause))
    return `Port ${new URL(url).port} is closed to HTTP clients (bad port): take another one`
  const reason = (code === undefined ? undefined : words[code]) ?? reasonOf(cause)
  return `No answer from ${redactUrl(url)}: ${reason}`
}

/** Will be the same at the next try: the scheme, the port or the certificate is wrong. */
export function isLastingCause(cause: unknown): boolean {
  const isBadCertificate = /CERT|UNABLE_TO_VERIFY/.test(codeOf(cause) ?? '')
  return isBadCertificate || isBadPort(cause) || isNoTls(cause) || isNoHttp(cause)
}

function otherScheme(url: string, cause: unknown): string | undefined {
  const { protocol, origin } = new URL(url)
  if (protocol === 'https:' && isNoTls(cause))
    return `the server at ${origin} does not speak TLS: try http://`
  if (protocol === 'http:' && isNoHttp(cause))
    return `the server at ${origin} does not speak plain HTTP: try https://`
  // A server of TLS may close without a word, and so may any other.
  if (protocol === 'http:' && codeOf(cause) === 'UND_ERR_SOCKET')
    return `No answer from ${redactUrl(url)}: the connection was closed; if the server speaks TLS, try https://`
  return undefined
}

/** OpenSSL's words, by way of `fetch` and of `node:https`, for an answer that is no TLS record. */
function isNoTls(cause: unknown): boolean {
  const code = codeOf(cause)
  if (code === 'EPROTO') return reasonOf(cause).includes('wrong version number')
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
}

/** `fetch` connects to no port of certain other protocols (Fetch Standard, "bad port"). */
function isBadPort(cause: unknown): boolean {
  return reasonOf(cause) === 'bad port'
}

/** The parser's words, by way of `fetch` and of `node:http`, for an answer such as a TLS alert. */
function isNoHttp(cause: unknown): boolean {
  return reasonOf(cause).includes('Expected HTTP/')
}

/** `fetch` says only "fetch failed"; what happened stands in its cause. */
function innerOf(cause: unknown): unknown {
  return cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
}

function codeOf(cause: unknown): string | undefined {
  const { code } = (innerOf(cause) ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function reasonOf(cause: unknown): string {
  const inner = innerOf(cause)
  return inner instanceof Error ? inner.message || (codeOf(cause) ?? inner.name) : String(inner)
}
