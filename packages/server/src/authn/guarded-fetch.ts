/**
 * `fetch` for addresses that somebody else has named: issuers and what their documents point to. It reaches nothing inside
 * the network of the server, and waits for nobody.
 */
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { SignpostError } from '@signpost/contract'
import { isInternalAddress } from '../domain/internal-address.ts'

const bytesMaxDefault = 1024 * 1024
const timeoutMsDefault = 5000

export interface GuardedFetchDeps {
  /** All addresses of a name: `dns.promises.lookup` with `all`. */
  lookup: (hostname: string) => Promise<readonly { address: string; family: number }[]>
  bytesMax?: number
  /** For all of it, from the name's addresses to the last byte. */
  timeoutMs?: number
}

/** `allowInternal`: plain http and internal addresses too, for an issuer whose rule or provider says so. */
export type GuardedFetch = (allowInternal: boolean) => typeof fetch

/**
 * Rejects with `identity_unavailable`, whose sentence names the host and nothing else. A redirect is a failure: nobody has
 * said that its target may be asked.
 */
export function createGuardedFetch(deps: GuardedFetchDeps): GuardedFetch {
  return (allowInternal) => async (input, init) => {
    const asked = requestOf(input, init)
    const url = new URL(asked.url)
    requireAllowed(url, allowInternal)
    const body = Buffer.from(await asked.arrayBuffer())
    const deadline = AbortSignal.timeout(deps.timeoutMs ?? timeoutMsDefault)
    try {
      const response = await send(url, body, {
        method: asked.method,
        headers: headersOf(asked, body),
        // The address that was looked at is the one that is connected to: no second lookup can give another.
        lookup: checkedLookup(deps, allowInternal),
        agent: false,
        signal: AbortSignal.any([deadline, asked.signal]),
      })
      return await answerOf(url, response, deps.bytesMax ?? bytesMaxDefault)
    } catch (error) {
      if (error instanceof SignpostError) throw error
      if (asked.signal.aborted && !deadline.aborted) throw error
      throw unavailable(url, deadline.aborted ? 'does not answer in time' : 'cannot be reached', error)
    }
  }
}

/** An issuer's own document may hold an address that `fetch` has no request for, as one with a password in it: not repeated. */
function requestOf(...asked: ConstructorParameters<typeof Request>): Request {
  try {
    return new Request(...asked)
  } catch {
    throw new SignpostError('identity_unavailable', 'The issuer names an address that is not asked.')
  }
}

function requireAllowed(url: URL, allowInternal: boolean): void {
  const { protocol } = url
  if (protocol !== 'https:' && !(allowInternal && protocol === 'http:'))
    throw unavailable(url, 'is not asked without TLS')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (!allowInternal && isIP(host) !== 0 && isInternalAddress(host)) throw unavailable(url, internal)
}

const internal = 'has an internal address, which is asked only where allowInternal is set'

/** As Node calls it for names; an address as such does not pass here. */
function checkedLookup({ lookup }: GuardedFetchDeps, allowInternal: boolean): LookupFunction {
  const find = callbackify(async (hostname: string) => {
    const found = await lookup(hostname)
    if (!allowInternal && found.some(({ address }) => isInternalAddress(address)))
      throw new SignpostError('identity_unavailable', `${hostname} ${internal}.`)
    if (found[0] === undefined) throw new Error('the name has no address')
    return { all: [...found], first: found[0] }
  })
  return (hostname, options, done) =>
    find(hostname, (error, found) => {
      if (error) done(error, '', 0)
      else if (options.all === true) done(null, found.all)
      else done(null, found.first.address, found.first.family)
    })
}

function headersOf(asked: Request, body: Buffer): Record<string, string> {
  const sent: Record<string, string> = Object.fromEntries(asked.headers)
  // Nothing is unpacked here: a small answer could become a large one.
  sent['accept-encoding'] = 'identity'
  sent['connection'] = 'close'
  if (body.length > 0) sent['content-length'] = String(body.length)
  return sent
}

function send(url: URL, body: Buffer, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, resolve)
    request.on('error', reject)
    request.end(body)
  })
}

async function answerOf(url: URL, response: IncomingMessage, bytesMax: number): Promise<Response> {
  const refuse = (why: string) => {
    response.destroy()
    return unavailable(url, why)
  }
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) throw refuse('answers with a redirect, which is not followed')
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw refuse('answers in a packed form, which nobody asked for')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw refuse(`answers with more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  const headers = new Headers()
  for (const [name, values] of Object.entries(response.headersDistinct))
    for (const value of values ?? []) headers.append(name, value)
  const hasNoBody = status === 204 || status === 205
  return new Response(hasNoBody ? null : Buffer.concat(chunks), { status, headers })
}

function unavailable(url: URL, why: string, cause?: unknown): SignpostError {
  return new SignpostError('identity_unavailable', `${url.host || 'The issuer'} ${why}.`, { cause })
}
