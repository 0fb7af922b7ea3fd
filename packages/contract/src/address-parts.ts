/** A bucket's address in its pieces. Own code: a URL parser reads `az://:key@account` and a `+` in a secret its own way. */
import { SignpostError } from './errors.ts'

export interface AddressParts {
  scheme: 's3' | 'cw' | 'gs' | 'az'
  /** What stands before the last `@` of the authority, decoded; undefined: there is no `@`. */
  user: string | undefined
  /** Behind the first `:` of it. */
  password: string | undefined
  /** Host, with its port where there is one. */
  host: string
  /** Decoded segments of the path. */
  segments: string[]
  query: ReadonlyMap<string, string>
}

const knownParameters = ['region', 'tls', 'endpoint', 'addressing']
const hostAndPort = /^(?:\[[\da-f:.]+\]|[\w.$-]+)(?::\d{1,5})?$/i

/** Errors name the rule and repeat nothing of the text: any piece of it may be a piece of a secret. */
export function addressProblem(rule: string): SignpostError {
  return new SignpostError('invalid', `address: ${rule}.`, { field: 'address' })
}

/** @throws SignpostError `invalid` with field `address` */
export function addressParts(text: string): AddressParts {
  const [, scheme, rest] = /^(s3|cw|gs|az):\/\/(.+)$/s.exec(text) ?? []
  if (scheme === undefined || rest === undefined)
    throw addressProblem('must begin with s3://, cw://, gs:// or az://')
  // eslint-disable-next-line no-control-regex
  if (/[\s\u0000-\u001f\u007f#]/.test(rest))
    throw addressProblem('must not hold blanks, line breaks or #; percent-encode the credential')
  const [location = '', queryText, ...more] = rest.split('?')
  if (more.length > 0) throw addressProblem('has more than one ?; percent-encode the credential (? as %3F)')
  const [authority = '', ...path] = location.split('/')
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  if (host === '') throw addressProblem('names no bucket')
  if (!hostAndPort.test(host))
    throw addressProblem(
      'what stands before the first / is no host and no bucket; percent-encode the credential (/ as %2F, @ as %40)',
    )
  const userinfo = at === -1 ? undefined : authority.slice(0, at)
  const colon = userinfo?.indexOf(':') ?? -1
  return {
    scheme: scheme as AddressParts['scheme'],
    user: userinfo === undefined ? undefined : decoded(colon === -1 ? userinfo : userinfo.slice(0, colon)),
    password: userinfo === undefined || colon === -1 ? undefined : decoded(userinfo.slice(colon + 1)),
    host,
    segments: segmentsOf(path),
    query: queryOf(queryText ?? ''),
  }
}

function segmentsOf(path: readonly string[]): string[] {
  const segments = path.at(-1) === '' ? path.slice(0, -1) : path
  if (segments.includes('')) throw addressProblem('the path must not hold // ')
  return segments.map(decoded)
}

function queryOf(text: string): Map<string, string> {
  const query = new Map<string, string>()
  for (const pair of text.split('&').filter((one) => one !== '')) {
    const [name = '', value = '', ...more] = pair.split('=')
    if (!knownParameters.includes(name) || more.length > 0)
      throw addressProblem(`after ? stand only ${knownParameters.join(', ')}, such as ?region=eu-central-1`)
    if (query.has(name)) throw addressProblem(`${name} stands twice after ?`)
    if (value !== '') query.set(name, decoded(value))
  }
  return query
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw addressProblem('holds a % that begins no percent-encoded character (a % itself is %25)')
  }
}
