/** POST /oidc/token: tokens for tokens, and for confirmed logins. Its answers are those of RFC 6749 §5, not problem details. */
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { grants, type IssuedToken } from '../broker/token-grants.ts'
import { callerAddress } from './address.ts'
import { callContextOf, createLimiter, tooMany } from './authenticated.ts'
import type { HttpDeps } from './deps.ts'
import { acceptForms } from './form-body.ts'
import { loggedRequest, logRefusal, refusalOf } from './problem.ts'

export function addTokenRoutes(server: FastifyInstance, deps: HttpDeps): void {
  const waitAfterFailure = createLimiter(deps.settings.rateLimitFailedAuthPerMinute, deps)
  void server.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) => sendError(error, request, reply))
    scope.post('/oidc/token', { config: { operation: 'token' } }, async (request, reply) => {
      const form = formOf(request.body)
      const grant = grants.get(form.get('grant_type') ?? '')
      if (!grant) return refuse(reply, 'unsupported_grant_type', `grant_type: must be one of ${names}.`)
      const address = callerAddress(request)
      const call = callContextOf(request.id, address, request.headers['user-agent'])
      const issued = await grant(deps.broker, form, call)
      if (!('error' in issued)) return send(reply, 200, answerOf(issued))
      // As failed authentications are: counted after the fact, so that others behind the address go on.
      const wait = waits.has(issued.error) ? 0 : waitAfterFailure(address)
      if (wait === 0) return refuse(reply, issued.error, issued.description)
      throw tooMany('Too many failed authentications from this address; wait.', wait)
    })
  })
}

const names = [...grants.keys()].join(', ')

/** RFC 8628 §3.5: no failures, but how the grant goes. */
const waits = new Set(['authorization_pending', 'slow_down'])

/** RFC 6749 §3.2: an empty field counts as left out, and none may come twice. */
function formOf(body: unknown): ReadonlyMap<string, string> {
  if (!(body instanceof URLSearchParams))
    throw new SignpostError('invalid', 'Send the fields as content-type: application/x-www-form-urlencoded.')
  const form = new Map<string, string>()
  for (const [name, value] of body) {
    if (value === '') continue
    if (form.has(name)) throw new SignpostError('invalid', 'A field of the form comes twice.')
    form.set(name, value)
  }
  return form
}

/** RFC 6749 §5.1. */
function answerOf(issued: IssuedToken): Record<string, unknown> {
  return {
    access_token: issued.accessToken,
    token_type: 'Bearer',
    expires_in: issued.expiresInSeconds,
    ...(issued.issuedTokenType === undefined ? {} : { issued_token_type: issued.issuedTokenType }),
    ...(issued.scope === undefined ? {} : { scope: issued.scope }),
  }
}

/** Clients take any 4xx but 429 as final, so what may pass is answered with 429 or 5xx. */
function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers, unexpected } = refusalOf(error, request.id)
  logRefusal(error, loggedRequest(request), problem, unexpected)
  const passes = problem.status === 429 || problem.status >= 500
  reply.headers(headers)
  if (unexpected) return refuse(reply, 'server_error', problem.detail, 500)
  return passes
    ? refuse(reply, 'temporarily_unavailable', sentenceOf(problem.code, problem.detail), problem.status)
    : refuse(reply, 'invalid_request', problem.detail)
}

/** Where an issuer is, and why it cannot be reached, is for who manages it. */
function sentenceOf(code: string, detail: string): string {
  return code === 'identity_unavailable'
    ? 'The keys of the issuer cannot be had at present; try again.'
    : detail
}

function refuse(reply: FastifyReply, error: string, description: string, status = 400): FastifyReply {
  return send(reply, status, { error, error_description: description })
}

/** RFC 6749 §5.1: no-store, which every answer has; HTTP/1.0 caches are told too. */
function send(reply: FastifyReply, status: number, body: Record<string, unknown>): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .header('pragma', 'no-cache')
    .send(JSON.stringify(body))
}
