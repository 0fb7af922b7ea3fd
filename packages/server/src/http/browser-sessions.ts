/** Who is logged in in a browser: a session in a cookie, instead of a token that a page would have to keep. */
import { SignpostError } from '@signpost/contract'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../broker/deps.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import { callerAddress } from './address.ts'
import { callContextOf, type Admission } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { mayUseCookie } from './same-origin.ts'
import { readCookie } from './session-cookie.ts'

export interface BrowserSessions {
  /** Cookies are for https alone. */
  secure: () => boolean
  /** Who calls, by the `Authorization` of a request or, where it has none, by its cookie. */
  admit(request: FastifyRequest, call: CallContext): Principal | Promise<Principal>
  /** Who is logged in; undefined: the request has no such cookie. Rejects with `unauthenticated` where it does not hold. */
  find(request: FastifyRequest): Promise<Caller | undefined>
}

export function createBrowserSessions(deps: HttpDeps, admit: Admission): BrowserSessions {
  const { broker, settings } = deps
  const secure = () => settings.tls !== undefined || broker.publicUrl().startsWith('https:')
  const sessionOf = ({ headers }: FastifyRequest) =>
    headers.authorization === undefined && headers.cookie !== undefined
      ? readCookie(headers.cookie, 'session', secure())
      : undefined
  const ownOrigins = ({ headers }: FastifyRequest) => [
    broker.publicUrl(),
    ...(headers.host === undefined ? [] : [`${settings.tls ? 'https' : 'http'}://${headers.host}`]),
  ]
  const refuse = async (call: CallContext): Promise<never> => {
    await broker.refusals.record(call, { reason: 'cross_site_request' })
    throw new SignpostError(
      'forbidden',
      'A login in a browser counts for pages of this server alone. Send an API key: Authorization: Bearer sp_...',
    )
  }
  const admitRequest: BrowserSessions['admit'] = (request, call) => {
    const session = sessionOf(request)
    if (session !== undefined && !mayUseCookie(request.method, request.headers, ownOrigins(request)))
      return refuse(call)
    return admit(request.headers.authorization, call, session)
  }
  return {
    secure,
    admit: admitRequest,
    async find(request) {
      const call = callContextOf(request.id, callerAddress(request), request.headers['user-agent'])
      if (sessionOf(request) === undefined) return undefined
      return { principal: await admitRequest(request, call), call }
    },
  }
}
