import type { AuditEvent, KeyKind } from '@signpost/contract'
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'
import type { UnitPack } from './unit-pack.ts'
import type { WrittenEvent } from './written-event.ts'

/** One SQL statement, compiled by Kysely (`query.compile()` gives `sql` and `parameters`). */
export interface Statement {
  sql: string
  parameters: readonly unknown[]
  /** Refuse the whole unit with `conflict` unless exactly so many rows were changed: the guard for what was read before. */
  expectRows?: number
  /**
   * It takes of the budget with this id: PostgreSQL locks that row before the group's first unit, and a conflict by
   * `expectRows` is about the field `budget`.
   */
  budget?: string
  /** It changes nothing that the hot path reads (`hot-queries.ts`): what that has read is kept. */
  isCold?: true
}

/**
 * What is written together or not at all: changes and the audit events that tell of them. Many units share one commit;
 * one that fails is undone alone and does not touch the others.
 */
export interface WriteUnit {
  statements: readonly Statement[]
  events: readonly (AuditEvent | WrittenEvent)[]
  /** Events of the unit that are written out already, behind the others. Copied before `commit` answers. */
  pack?: UnitPack
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
  /**
   * The texts of the events of these grants' ids; whoever reads one looks at its type. In any order, and at once on SQLite: some
   * hundred at a time.
   */
  findGrants(grantIds: readonly string[]): MaybePromise<string[]>
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
  organisationRole: string
  /** Of a role of the organisation's own, JSON; null: a built-in one, or none. */
  organisationPermissions: string | null
  active: boolean
  pseudonym: string
  scid: string
  keyKind: KeyKind
  /** JSON; empty: whatever its owner may. */
  scope: string
  createdAt: number
  lastUsedAt: number | null
  /** It ends when it was not used for so long; null: it does not. */
  idleMs: number | null
}

export interface TargetRow {
  teamId: string
  team: string
  prefix: string
  /** The principal's role in the team; null: not a member. */
  role: string | null
  /** Of a role of the organisation's own, JSON; null: a built-in one, or none. */
  rolePermissions: string | null
  /** The team's connector, else the instance's default; null: there is none. */
  connectorId: string | null
  connectorVersion: number | null
  /** Policies as stored: JSON, empty for none. */
  teamPolicy: string
  connectorPolicy: string
  /** A move of the team that has switched to the new place, while writes into the old one may still come; null: none. */
  settlingMove: string | null
  /** JSON objects joined by commas (`domain/access-rules.ts`); null: none. */
  prefixRules: string | null
  /** Those that are about this principal, this team, both, or everybody. */
  restrictionRules: string | null
  /** Of this principal, and of this team. */
  budgetRules: string | null
}

export interface HotQueries {
  findKey(apiKeyId: string): MaybePromise<KeyRow | undefined>
  findTarget(team: string, principalId: string): MaybePromise<TargetRow | undefined>
}
