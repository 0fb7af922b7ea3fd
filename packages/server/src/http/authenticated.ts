/** Before a body is read: who calls, and not too often. */
import { SignpostError } from '@signpost/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CallContext, Principal } from '../domain/principal.ts'
import { callerAddress } from './address.ts'
import type { HttpDeps } from './deps.ts'
import { createRateLimit } from './rate-limits.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/**
 * A hook that sets `request.caller`. It stays synchronous where authentication is (an SQLite look-up), which spares the
 * hot path two turns of the event loop.
 */
export function createAuthentication(deps: HttpDeps): Hook {
  const { rateLimitPerMinute, rateLimitFailedAuthPerMinute } = deps.settings
  const perKey = createRateLimit(
    rateLimitPerMinute,
    deps.broker.clock,
    'Too many requests with this API key; wait, or ask for many URLs in one batch.',
  )
  // Counted after the fact: behind one address there may be many, and a valid key of one must keep working.
  const perAddress = createRateLimit(
    rateLimitFailedAuthPerMinute,
    deps.broker.clock,
    'Too many failed authentications from this address; wait.',
  )

  return (request, _reply, done) => {
    const call = callContextOf(request)
    const accept = (principal: Principal) => {
      perKey.take(principal.apiKeyId)
      request.caller = { principal, call }
    }
    const refuse = (error: unknown): Error => {
      try {
        if (error instanceof SignpostError && error.code === 'unauthenticated') perAddress.take(call.address)
        return asError(error)
      } catch (limited) {
        return asError(limited)
      }
    }
    const later = async (principal: Promise<Principal>) => {
      let refused: Error | undefined
      try {
        accept(await principal)
      } catch (error) {
        refused = refuse(error)
      }
      done(refused)
    }
    try {
      const principal = deps.authenticate(request.headers.authorization, call)
      if (!(principal instanceof Promise)) {
        accept(principal)
        return done()
      }
      void later(principal)
    } catch (error) {
      done(refuse(error))
    }
  }
}

export function callContextOf(request: FastifyRequest): CallContext {
  const agent = request.headers['user-agent']
  const call: CallContext = { requestId: request.id, address: callerAddress(request) }
  if (agent !== undefined) call.agent = agent.slice(0, 256)
  return call
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
