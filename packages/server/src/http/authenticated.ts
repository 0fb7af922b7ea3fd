/** Before a body is read: who calls, and not too often. */
import type { CreateRateLimitOptions } from '@fastify/rate-limit'
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CallContext } from '../domain/principal.ts'
import { callerAddress } from './address.ts'
import type { HttpDeps } from './deps.ts'

const minuteMs = 60_000

/** A hook that sets `request.caller`. Counts are this process's: several replicas each allow the whole limit. */
export function createAuthentication(server: FastifyInstance, deps: HttpDeps) {
  const { rateLimitPerMinute, rateLimitFailedAuthPerMinute } = deps.settings
  const countRequest = counter(server, rateLimitPerMinute, {
    // Not the key: whoever reaches its limit could make itself another.
    keyGenerator: (request) => `principal ${request.caller?.principal.id}`,
    sentence: 'Too many requests of this user or service account; wait, or ask for many URLs in one batch.',
  })
  const countFailure = counter(server, rateLimitFailedAuthPerMinute, {
    keyGenerator: (request) => `address ${callerAddress(request)}`,
    sentence: 'Too many failed authentications from this address; wait.',
  })

  return async (request: FastifyRequest): Promise<void> => {
    const call = callContextOf(request)
    try {
      const principal = await deps.authenticate(request.headers.authorization, call)
      request.caller = { principal, call }
    } catch (error) {
      // Counted after the fact: behind one address there may be many, and a valid key of one must keep working.
      if (error instanceof SignpostError && error.code === 'unauthenticated') await countFailure?.(request)
      throw error
    }
    if (countRequest) await countRequest(request)
  }
}

/** Undefined: no limit. */
function counter(
  server: FastifyInstance,
  perMinute: number,
  { keyGenerator, sentence }: { keyGenerator: (request: FastifyRequest) => string; sentence: string },
): ((request: FastifyRequest) => Promise<void>) | undefined {
  if (perMinute === 0) return undefined
  const options: CreateRateLimitOptions = { max: perMinute, timeWindow: minuteMs, keyGenerator }
  const check = server.createRateLimit(options)
  return async (request) => {
    const count = await check(request)
    if (!count.isAllowed && count.isExceeded)
      throw new SignpostError('rate_limited', sentence, {
        retryAfterSeconds: Math.max(1, count.ttlInSeconds),
      })
  }
}

function callContextOf(request: FastifyRequest): CallContext {
  const agent = request.headers['user-agent']
  const call: CallContext = { requestId: request.id, address: callerAddress(request) }
  if (agent !== undefined) call.agent = agent.slice(0, 256)
  return call
}
