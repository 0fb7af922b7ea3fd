/** What users and groups have in common, so that one set of routes serves both. */
import type { AuditEventType } from '@signpost/contract'
import type { DirectoryCaller } from '../../broker/directory/gate.ts'
import type { BrokerDeps } from '../../broker/deps.ts'
import type { Resource, ResourceSchema } from './attributes.ts'

/** A resource with what it was read from. */
export interface Entry<Source = unknown> {
  id: string
  /** In full, but for what was not to be read. */
  resource: Resource
  /** Entity tag; undefined: not all of it was read. */
  version: string | undefined
  source: Source
}

export interface Reading {
  deps: BrokerDeps
  by: DirectoryCaller
  /** Where this server's SCIM begins, without a slash at its end. */
  base: string
  /** Attributes that cost something to read, and are not wanted. */
  without?: ReadonlySet<string>
}

/** Values that resources must have, by names of attributes that an index looks up. */
export type Narrowing = ReadonlyMap<string, string>

export interface Kind<Source = never> {
  schema: ResourceSchema
  events: { create: AuditEventType; update: AuditEventType; delete: AuditEventType }
  /** Attributes that cost something to read. */
  costly: readonly string[]
  /** How many are held at once while all are looked at. */
  rowsPerRead: number
  /** Which of a filter's equalities an index looks up. */
  indexed: readonly string[]
  count(reading: Reading, narrowing: Narrowing): Promise<number>
  /** In the order of ids. */
  list(
    reading: Reading,
    narrowing: Narrowing,
    window: { limit: number; offset?: number; after?: string | undefined },
  ): Promise<Entry<Source>[]>
  byIds(reading: Reading, ids: readonly string[]): Promise<Entry<Source>[]>
  /** Answers the id. */
  create(reading: Reading, resource: Resource): Promise<string>
  /** `next`: what it is to be, with all that is kept of what it was. Answers whether anything was changed. */
  update(reading: Reading, entry: Entry<Source>, next: Resource): Promise<boolean>
  remove(reading: Reading, entry: Entry<Source>): Promise<void>
}
