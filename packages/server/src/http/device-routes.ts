/** A login at a terminal: where it begins (RFC 8628 §3.1), and the page on which it is confirmed. */
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { beginDeviceLogin, decideDevice, devicePath, findWaitingDevice } from '../broker/device-login.ts'
import type { Caller } from '../broker/deps.ts'
import { siteOf } from '../domain/site-of.ts'
import { callerAddress } from './address.ts'
import { callContextOf, tooMany } from './authenticated.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { HttpDeps } from './deps.ts'
import { sendCodeForm, sendConfirmation, sendDecided } from './device-pages.ts'
import { acceptForms, formField } from './form-body.ts'
import { ifUnauthenticated, oneOf, sendPageProblem } from './login-routes.ts'
import { createRequestCounter } from './request-counter.ts'

/** Each makes a row, without a key. */
const beginsPerMinute = 30
/** RFC 8628 §5.1: codes are short, so nobody tries many. */
const triesPerMinute = 10

export function addDeviceRoutes(server: FastifyInstance, deps: HttpDeps, sessions: BrowserSessions): void {
  void server.register(async (scope) => {
    acceptForms(scope)
    addBeginning(scope, deps)
  })
  void server.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) => sendPageProblem(deps, error, request, reply))
    addConfirmation(scope, deps, sessions)
  })
}

function addBeginning(scope: FastifyInstance, { broker }: HttpDeps): void {
  const waitOf = createRequestCounter(beginsPerMinute, broker.clock)
  // What else the form says (`client_id`, `scope`) changes nothing: the token is for whatever the user may.
  scope.post('/oidc/device_authorization', { config: { operation: 'login' } }, async (request, reply) => {
    const address = callerAddress(request)
    const wait = waitOf(siteOf(address))
    if (wait > 0) throw tooMany('Too many logins were begun from this address; wait.', wait)
    const begun = await beginDeviceLogin(
      broker,
      callContextOf(request.id, address, request.headers['user-agent']),
    )
    return reply.header('content-type', 'application/json').send(
      JSON.stringify({
        device_code: begun.deviceCode,
        user_code: begun.userCode,
        verification_uri: begun.verificationUri,
        verification_uri_complete: `${begun.verificationUri}?user_code=${begun.userCode}`,
        expires_in: begun.expiresInSeconds,
        interval: begun.intervalSeconds,
      }),
    )
  })
}

type Query = Record<string, string | string[] | undefined>

const noSuchCode = 'No terminal waits with this code. Look at it again; after ten minutes, begin again there.'

function addConfirmation(scope: FastifyInstance, deps: HttpDeps, sessions: BrowserSessions): void {
  const { broker } = deps
  const config = { operation: 'login' }
  const waitOf = createRequestCounter(triesPerMinute, broker.clock)
  const countTry = ({ principal }: Caller) => {
    const wait = waitOf(principal.id)
    if (wait > 0) throw tooMany('Too many codes were tried; wait.', wait)
  }
  const loggedIn = async (request: FastifyRequest, reply: FastifyReply) => {
    const caller = await sessions.find(request).catch(ifUnauthenticated)
    if (!caller) await reply.redirect(`/login?return=${encodeURIComponent(request.raw.url!)}`, 303)
    return caller
  }
  /** Of this session and this code: a second lock beside the origin of the request. */
  const formToken = ({ principal }: Caller, userCode: string) =>
    broker.secretBox.fingerprint(JSON.stringify(['device form', principal.apiKeyId, userCode]))

  scope.get<{ Querystring: Query }>(devicePath, { config }, async (request, reply) => {
    const caller = await loggedIn(request, reply)
    if (!caller) return reply
    const typed = oneOf(request.query['user_code'])
    if (typed === undefined) return sendCodeForm(reply)
    countTry(caller)
    const device = await findWaitingDevice(broker, typed)
    if (!device) return sendCodeForm(reply, noSuchCode)
    const { username } = caller.principal
    return sendConfirmation(reply, device, { username, formToken: formToken(caller, device.userCode) })
  })
  scope.post(devicePath, { config }, async (request, reply) => {
    const caller = await loggedIn(request, reply)
    if (!caller) return reply
    countTry(caller)
    const { body } = request
    const userCode = formField(body, 'user_code') ?? ''
    const isOurs = broker.secretBox.isFingerprint(
      formField(body, 'form_token') ?? '',
      JSON.stringify(['device form', caller.principal.apiKeyId, userCode]),
    )
    const decision = formField(body, 'decision')
    if (!isOurs || (decision !== 'confirm' && decision !== 'refuse')) {
      await broker.refusals.record(caller.call, { type: 'auth.login', reason: 'form_not_of_this_session' })
      throw new SignpostError('forbidden', 'This form is not of your session: type the code again.')
    }
    await decideDevice(broker, caller, userCode, decision === 'confirm')
    return sendDecided(reply, decision === 'confirm')
  })
}
