/** Logging in and out in a browser: OpenID Connect, authorization code with PKCE. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  accountPath,
  beginLogin,
  finishLogin,
  loginProviders,
  loginSecondsMax,
  providerLogout,
} from '../broker/login.ts'
import { callbackPath } from '../broker/provider-record.ts'
import { logOut } from '../broker/sessions.ts'
import { SignpostError } from '@signpost/contract'
import { callerAddress } from './address.ts'
import { callContextOf, createLimiter, tooMany } from './authenticated.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { HttpDeps } from './deps.ts'
import { acceptForms } from './form-body.ts'
import { sendAccount, sendChoice, sendLoggedOut, sendLoginProblem } from './login-pages.ts'
import { loggedRequest, logRefusal, refusalOf } from './problem.ts'
import { clearCookie, readCookie, setCookie } from './session-cookie.ts'

export function addLoginRoutes(server: FastifyInstance, deps: HttpDeps, sessions: BrowserSessions): void {
  void server.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) => sendPageProblem(deps, error, request, reply))
    addLogin(scope, deps, sessions)
    addLogout(scope, deps, sessions)
  })
}

type Query = Record<string, string | string[] | undefined>

function addLogin(scope: FastifyInstance, deps: HttpDeps, sessions: BrowserSessions): void {
  const { broker } = deps
  const { secure } = sessions
  const waitAfterFailure = createLimiter(deps.settings.rateLimitFailedAuthPerMinute, deps)

  const begin = async (reply: FastifyReply, name: string, returnTo: string | undefined) => {
    const { url, sealed } = await beginLogin(broker, name, returnTo)
    const cookie = setCookie('login', secure(), { value: sealed, maxAgeSeconds: loginSecondsMax })
    return reply.header('set-cookie', cookie).redirect(url, 303)
  }
  scope.get<{ Querystring: Query }>('/login', { config: { operation: 'login' } }, async (request, reply) => {
    const returnTo = oneOf(request.query['return'])
    const providers = await loginProviders(broker)
    const [only, ...others] = providers
    if (only !== undefined && others.length === 0) return begin(reply, only, returnTo)
    return sendChoice(reply, providers, returnTo)
  })
  scope.get<{ Params: { provider: string }; Querystring: Query }>(
    '/login/:provider',
    { config: { operation: 'login' } },
    (request, reply) => begin(reply, request.params.provider, oneOf(request.query['return'])),
  )
  const finished = `${callbackPath}/:provider`
  const config = { operation: 'login' }
  scope.get<{ Params: { provider: string } }>(finished, { config }, async (request, reply) => {
    // Whatever comes of it: an answer of the provider is looked at once.
    reply.header('set-cookie', clearCookie('login', secure()))
    const call = callContextOf(request.id, callerAddress(request), request.headers['user-agent'])
    const before = await sessions.find(request).catch(() => undefined)
    try {
      const done = await finishLogin(broker, call, {
        sealed: readCookie(request.headers.cookie, 'login', secure()),
        cameTo: request.params.provider,
        search: new URL(request.raw.url!, 'http://here.invalid').search,
        sessionBefore: before?.principal.apiKeyId,
      })
      const maxAgeSeconds = (done.expiresAt - broker.clock()) / 1000
      reply.header('set-cookie', setCookie('session', secure(), { value: done.token, maxAgeSeconds }))
      return reply.redirect(done.returnTo, 303)
    } catch (error) {
      const isFailure = error instanceof SignpostError && error.status < 500
      const wait = isFailure ? waitAfterFailure(call.address) : 0
      throw wait === 0 ? error : tooMany('Too many failed logins from this address; wait.', wait)
    }
  })
}

function addLogout(scope: FastifyInstance, deps: HttpDeps, sessions: BrowserSessions): void {
  const { broker } = deps
  const config = { operation: 'logout' }
  scope.get(accountPath, { config: { operation: 'login' } }, async (request, reply) => {
    const caller = await sessions.find(request).catch(ifUnauthenticated)
    if (!caller) return reply.redirect(`/login?return=${encodeURIComponent(accountPath)}`, 303)
    return sendAccount(reply, caller.principal)
  })
  // Where identity providers send the browser after they have logged it out.
  scope.get('/logout', { config }, async (request, reply) => {
    const caller = await sessions.find(request).catch(ifUnauthenticated)
    return caller ? sendAccount(reply, caller.principal) : sendLoggedOut(reply, undefined)
  })
  scope.post('/logout', { config }, async (request, reply) => {
    const caller = await sessions.find(request).catch(ifUnauthenticated)
    // Without the cookie another site's page may have sent this: it is not to log anybody out.
    if (readCookie(request.headers.cookie, 'session', sessions.secure()) !== undefined)
      reply.header('set-cookie', clearCookie('session', sessions.secure()))
    if (!caller) return sendLoggedOut(reply, undefined)
    const cameBy = await logOut(broker, caller)
    return sendLoggedOut(reply, await providerLogout(broker, cameBy))
  })
}

/** Nobody is logged in: on a page that is no error. */
export function ifUnauthenticated(error: unknown): undefined {
  if (error instanceof SignpostError && error.code === 'unauthenticated') return undefined
  throw error
}

/** A page instead of problem+json: a person looks at it. */
export function sendPageProblem(
  { broker }: HttpDeps,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { problem, headers, unexpected } = refusalOf(error, request.id)
  logRefusal(error, loggedRequest(request), problem, unexpected)
  const { status, detail } = problem
  const path = request.raw.url!.split('?', 1)[0]!
  const isDevice = path.startsWith('/device')
  const again = isDevice ? '/device' : `${broker.publicUrl()}/login`
  const title = isDevice || status >= 500 ? 'That did not work' : 'You are not logged in'
  const { 'www-authenticate': _, ...others } = headers
  return sendLoginProblem(reply.headers(others), { title, status, detail, requestId: request.id, again })
}

/** The pages are not for programs: a parameter that is there twice is not there. */
export function oneOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
