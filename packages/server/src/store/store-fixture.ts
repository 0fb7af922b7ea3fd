import type { AuditEvent } from '@signpost/contract'
import type { Store } from './store.ts'
import type { ConnectorRow } from './connectors.ts'
import type { PrincipalRow } from './principals.ts'
import type { TeamRow } from './teams.ts'

/** A database of its own for one test of the store's contract. */
export interface StoreFixture {
  /** Opens it. After closing it can be opened again, and is as it was left. */
  open(): Promise<Store>
  /** Runs SQL past the store and past the triggers, as whoever has the database's password or file could. */
  tamper(sql: string): Promise<void>
  /** Engine and address, for a process that opens it (`test-load.ts`). */
  address: readonly [engine: string, address: string]
  dispose(): Promise<void>
}

/** Counted ids: in order, and equal in every run. */
export function countedIds(start = 0): () => string {
  let count = start
  return () => `00000000-0000-7000-8000-${String(++count).padStart(12, '0')}`
}

export function eventOf(id: string, fields: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id,
    at: '2026-11-23T10:00:00.000Z',
    type: 'url.issue',
    decision: 'allow',
    reason: 'member_read',
    ...fields,
  }
}

export function eventsOf(prefix: string, count: number, fields: Partial<AuditEvent> = {}): AuditEvent[] {
  return Array.from({ length: count }, (_, index) => eventOf(`${prefix}-${index}`, fields))
}

export function principalRow(username: string, fields: Partial<PrincipalRow> = {}): PrincipalRow {
  return {
    id: `id-${username}`,
    kind: 'user',
    username,
    display_name: null,
    organisation_role: 'member',
    team_id: null,
    active: 1,
    scid: `scid-${username}`,
    pseudonym: `pseudonym-${username}`,
    created_at: 1_790_000_000_123,
    profile: '',
    external_id: null,
    updated_at: 0,
    role_came_by: '',
    ...fields,
  }
}

export function teamRow(name: string, fields: Partial<TeamRow> = {}): TeamRow {
  return {
    id: `id-${name}`,
    name,
    connector_id: null,
    prefix: `${name}/`,
    created_at: 1,
    policy: '',
    profile: '',
    external_id: null,
    updated_at: 0,
    ...fields,
  }
}

export function connectorRow(name: string, fields: Partial<ConnectorRow> = {}): ConnectorRow {
  return {
    id: `id-${name}`,
    name,
    team_id: null,
    is_default: 0,
    policy: '',
    version: 1,
    kind: 's3',
    location: `s3 s3.example.com - ${name}`,
    settings: '{}',
    sealed_credential: 'sealed',
    created_at: 1,
    sessions_from: 0,
    ...fields,
  }
}
