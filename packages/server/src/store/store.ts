import type { AuditEvent } from '@signpost/contract'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'
import type { WrittenEvent } from './written-event.ts'

/** One SQL statement, compiled by Kysely (`query.compile()` gives `sql` and `parameters`). */
export interface Statement {
  sql: string
  parameters: readonly unknown[]
  /** Refuse the whole unit with `conflict` unless exactly so many rows were changed: the guard for what was read before. */
  expectRows?: number
}

/**
 * What is written together or not at all: changes and the audit events that tell of them. Many units share one commit;
 * one that fails is undone alone and does not touch the others.
 */
export interface WriteUnit {
  statements: readonly Statement[]
  events: readonly (AuditEvent | WrittenEvent)[]
}

/**
 * The database, on SQLite or PostgreSQL. Reads go through Kysely; every write goes through `commit`, which appends the
 * unit's audit events to this process's hash chain in the same transaction and resolves when the disk has it.
 */
export interface Store {
  readonly engine: 'sqlite' | 'postgres'
  readonly db: Kysely<Tables>
  /**
   * Rejects with `SignpostError` `conflict` (unique or foreign key violated, or `expectRows` not met) or
   * `record_unavailable` (disk full, database away): then nothing of the unit is there.
   */
  commit(unit: WriteUnit): Promise<void>
  /** The queries of the hot path, prepared once. Synchronous on SQLite. */
  readonly hot: HotQueries
  /** Is the database there and writable? Throws if not. */
  ping(): Promise<void>
  close(): Promise<void>
}

export type MaybePromise<T> = T | Promise<T>

export interface KeyRow {
  apiKeyId: string
  secretHash: string
  expiresAt: number | null
  principalId: string
  kind: 'user' | 'serviceAccount'
  username: string
  organisationRole: 'admin' | 'member'
  active: boolean
  pseudonym: string
  scid: string
}

export interface TargetRow {
  teamId: string
  team: string
  prefix: string
  /** The principal's role in the team; null: not a member. */
  role: 'viewer' | 'member' | 'admin' | null
  /** The team's connector, else the instance's default; null: there is none. */
  connectorId: string | null
  connectorVersion: number | null
  /** Policies as stored: JSON, empty for none. */
  teamPolicy: string
  connectorPolicy: string
  /** A move of the team that has switched to the new place, while writes into the old one may still come; null: none. */
  settlingMove: string | null
}

export interface HotQueries {
  findKey(apiKeyId: string): MaybePromise<KeyRow | undefined>
  findTarget(team: string, principalId: string): MaybePromise<TargetRow | undefined>
}
