import type { KeyKind } from '@signpost/contract'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import type { BrokerDeps, Caller, Handlers } from '../broker/deps.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import type { Metrics } from './metrics.ts'

/** What the HTTP side stands on. */
export interface HttpDeps {
  handlers: Handlers
  broker: BrokerDeps
  /** The Authorization header -> who calls; throws `unauthenticated`. */
  authenticate: (authorization: string | undefined, call: CallContext) => Principal | Promise<Principal>
  /** A token that came by another way (cookie, link) -> whose it is; `kinds` are those that may come so. */
  authenticateToken: (
    token: string,
    kinds: readonly KeyKind[],
    call: CallContext,
  ) => Principal | Promise<Principal>
  metrics: Metrics
  log: FastifyBaseLogger
  version: string
  settings: HttpSettings
  /** Existing protocols that are served beside the API. */
  protocols?: readonly Protocol[]
}

/** Adds the routes of a protocol. `callerOf`: whose bearer key a request came with, in its header unless told; a cookie never counts. */
export type Protocol = (
  server: FastifyInstance,
  callerOf: (request: FastifyRequest, authorization?: string) => Promise<Caller>,
) => void

export interface HttpSettings {
  trustedProxies: readonly string[]
  corsOrigins: readonly string[]
  /** Requests a minute of one principal, by whichever of its API keys; 0: no limit. */
  rateLimitPerMinute: number
  /** Failed authentications a minute of one address; 0: no limit. */
  rateLimitFailedAuthPerMinute: number
  bodyBytesMax: number
  connectionsMax: number
  requestSecondsMax: number
  metricsPublic: boolean
  /** PEM. */
  tls?: { cert: string; key: string }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the caller is known. */
    caller: Caller | null
  }
  interface FastifyContextConfig {
    /** The operation's id, for log and metrics. */
    operation?: string
  }
}
