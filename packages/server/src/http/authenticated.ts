/** Before a body is read: who calls, and not too often. */
import { SignpostError } from '@signpost/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../broker/deps.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import { callerAddress } from './address.ts'
import type { HttpDeps } from './deps.ts'
import { createRequestCounter } from './request-counter.ts'
import type { BrowserSessions } from './browser-sessions.ts'

/**
 * Who calls, and not too often: else throws, or rejects. At once where the answer is there at once: a promise for each
 * request would cost more than what it waits for.
 */
export type Admission = (
  authorization: string | undefined,
  call: CallContext,
  /** What a cookie says, where there is no such header. */
  session?: string,
) => Principal | Promise<Principal>

/** Counts are this process's: several replicas each allow the whole limit. */
export function createAdmission(deps: HttpDeps): Admission {
  const { rateLimitPerMinute, rateLimitFailedAuthPerMinute } = deps.settings
  const waitOf = createLimiter(rateLimitPerMinute, deps)
  const waitAfterFailure = createLimiter(rateLimitFailedAuthPerMinute, deps)
  const counted = (principal: Principal): Principal => {
    // Not by the key: whoever reaches its limit could make itself another.
    const wait = waitOf(principal.id)
    if (wait === 0) return principal
    throw tooMany(
      'Too many requests of this user or service account; wait, or ask for many URLs in one batch.',
      wait,
    )
  }
  const refuse = (error: unknown, { address }: CallContext): never => {
    // Counted after the fact: behind one address there may be many, and a valid key of one must keep working.
    const isFailure = error instanceof SignpostError && error.code === 'unauthenticated'
    const wait = isFailure ? waitAfterFailure(address) : 0
    throw wait === 0 ? error : tooMany('Too many failed authentications from this address; wait.', wait)
  }
  return (authorization, call, session) => {
    try {
      const found =
        session === undefined
          ? deps.authenticate(authorization, call)
          : deps.authenticateToken(session, sessionKinds, call)
      if (!(found instanceof Promise)) return counted(found)
      return found.then(counted).catch((error: unknown) => refuse(error, call))
    } catch (error) {
      return refuse(error, call)
    }
  }
}

const sessionKinds = ['session'] as const

/** With a callback, for the same reason. */
export type Authentication = (
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => void

/** A hook that sets `request.caller`. */
export function createAuthentication(admit: BrowserSessions['admit']): Authentication {
  return (request, _reply, done) => {
    const call = callContextOf(request.id, callerAddress(request), request.headers['user-agent'])
    const accept = (principal: Principal) => {
      request.caller = { principal, call }
      done()
    }
    let found: Principal | Promise<Principal>
    try {
      found = admit(request, call)
    } catch (error) {
      return done(error as Error)
    }
    if (found instanceof Promise) found.then(accept, done)
    else accept(found)
  }
}

/** For protocols whose clients are programs: by the header alone, or by what a protocol has read out of it. */
export function createBearerCaller(
  admit: Admission,
): (request: FastifyRequest, authorization?: string) => Promise<Caller> {
  return async (request, authorization = request.headers.authorization) => {
    const call = callContextOf(request.id, callerAddress(request), request.headers['user-agent'])
    return { principal: await admit(authorization, call), call }
  }
}

export function callContextOf(requestId: string, address: string, agent: string | undefined): CallContext {
  const call: CallContext = { requestId, address }
  if (agent !== undefined) call.agent = agent.slice(0, 256)
  return call
}

/** 0: no limit. */
export function createLimiter(perMinute: number, { broker }: HttpDeps): (who: string) => number {
  return perMinute === 0 ? () => 0 : createRequestCounter(perMinute, broker.clock)
}

export function tooMany(sentence: string, seconds: number): SignpostError {
  return new SignpostError('rate_limited', sentence, { retryAfterSeconds: seconds })
}
