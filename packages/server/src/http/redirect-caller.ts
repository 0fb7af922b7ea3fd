/** Who asks the redirect gateway: clients there are of many kinds, and few can be taught a header. */
import { SignpostError } from '@signpost/contract'
import type { FastifyRequest } from 'fastify'
import { bearerOfBasic } from '../authn/basic-key.ts'
import type { Caller } from '../broker/deps.ts'
import { absentByLink, shownByLink } from '../broker/redirect-object.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import { callerAddress } from './address.ts'
import { callContextOf, createLimiter, tooMany, type Admission } from './authenticated.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { HttpDeps } from './deps.ts'

export interface RedirectCallers {
  /** By bearer token, by a key as the password of Basic or, where nothing is written, by the cookie of a login. */
  find(request: FastifyRequest): Promise<Caller>
  /** By a share link, which counts alone: whose browser it is opened in does not matter. */
  byLink(request: FastifyRequest, token: string): Promise<Caller>
  /** What somebody with a link is told of an error; all that is refused looks the same, and counts as a failure. */
  linkError(request: FastifyRequest, error: unknown): unknown
}

const linkKinds = ['shareLink'] as const

export function createRedirectCallers(
  deps: HttpDeps,
  admit: Admission,
  sessions: BrowserSessions,
): RedirectCallers {
  const { rateLimitPerMinute, rateLimitFailedAuthPerMinute } = deps.settings
  const waitOfLink = createLimiter(rateLimitPerMinute, deps)
  const waitAfterFailure = createLimiter(rateLimitFailedAuthPerMinute, deps)
  return {
    async find(request) {
      const call = callOf(request)
      return { principal: await principalOf(request, call, admit, sessions), call }
    },
    async byLink(request, token) {
      const call = callOf(request)
      const principal = await deps.authenticateToken(token, linkKinds, call)
      // Not by its maker: whoever has a link could use up what the maker may ask for.
      const wait = waitOfLink(principal.apiKeyId)
      if (wait > 0) throw tooMany('This link is used too often; wait.', wait)
      return { principal, call }
    },
    linkError(request, error) {
      const shown = shownByLink(error)
      const isRefused = shown instanceof SignpostError && shown.code === absentByLink().code
      const wait = isRefused ? waitAfterFailure(callerAddress(request)) : 0
      return wait === 0 ? shown : tooMany('Too many links from this address that lead nowhere; wait.', wait)
    },
  }
}

function principalOf(
  request: FastifyRequest,
  call: CallContext,
  admit: Admission,
  sessions: BrowserSessions,
): Principal | Promise<Principal> {
  const { authorization } = request.headers
  if (authorization !== undefined) return admit(bearerOfBasic(authorization), call)
  // A cookie reads, and writes nothing: a browser sends it along without being asked to.
  const mayUseCookie = request.method === 'GET' || request.method === 'HEAD'
  return mayUseCookie ? sessions.admit(request, call) : admit(undefined, call)
}

function callOf(request: FastifyRequest): CallContext {
  return callContextOf(request.id, callerAddress(request), request.headers['user-agent'])
}
