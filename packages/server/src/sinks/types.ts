/** What sinks are given, and what they answer. They keep nothing between two deliveries. */
import type { AuditEvent, AuditSinkSettings } from '@signpost/contract'

export type SettingsOf<Kind extends AuditSinkSettings['kind']> = Extract<AuditSinkSettings, { kind: Kind }>

export interface SinkEvent {
  chain: string
  seq: number
  hash: string
  /** The event as it was written. */
  text: string
  event: AuditEvent
}

/** Events of one chain, in order: the same events by the same name, however often they are sent. */
export interface SinkBatch {
  /** Stable: `<chain>-<first>-<last>`. */
  id: string
  events: readonly SinkEvent[]
}

/** Opened. */
export interface SinkSecrets {
  signing?: string | undefined
  /** For a day it signs beside the new one. ms since the epoch. */
  previousSigning?: { secret: string; until: number }
  headers?: Record<string, string> | undefined
  clientKey?: string | undefined
}

/** Sentences hold no secrets, and nothing that a receiver answered. */
export type Delivery =
  | { ok: true; rejected: number; note: string | null }
  | { ok: false; problem: string; retryAfterSeconds?: number; isTooLarge?: boolean }

export interface SinkDeps {
  /** ms since the epoch */
  clock: () => number
  /** Nothing internal unless it is allowed, no redirects, small answers, in time. */
  guardedFetch: (allowInternal: boolean) => typeof fetch
  /** All addresses of a name. */
  lookup: (hostname: string) => Promise<readonly { address: string; family: number }[]>
}

export const delivered: Delivery = { ok: true, rejected: 0, note: null }
