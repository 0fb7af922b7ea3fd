/** URLs that are out and have not ended: read from the events that issued them, the newest first, up to a bound. */
import { setImmediate } from 'node:timers/promises'
import type { AuditEvent } from '@signpost/contract'
import { findGrant, type AuditCursor, type AuditFilter } from './audit-events.ts'
import { listAuditEvents } from './list-audit-events.ts'
import type { Db } from './statement.ts'

export interface LiveGrant {
  grantId: string
  username: string
  principalId: string
  team: string
  connector: string
  bucket: string
  /** Object key in the bucket, prefix included. */
  key: string
  action: 'read' | 'write'
  /** What the URL shows of its requester; null: nothing. */
  marker: string | null
  /** ms since the epoch */
  expiresAt: number
}

export type LiveFilter = Pick<AuditFilter, 'username' | 'team' | 'key'>

export interface LiveBounds {
  /** ms since the epoch */
  now: number
  /** Issued before then, nothing is live any more: ms since the epoch. */
  issuedFrom: number
  /** Issued before then, nothing is live by the settings of this server. */
  surelyFrom: number
  eventsMax: number
}

const pageEvents = 1000

/** `complete`: none is left out. */
export async function readLiveGrants(
  db: Db,
  filter: LiveFilter,
  { now, issuedFrom, surelyFrom, eventsMax }: LiveBounds,
): Promise<{ grants: LiveGrant[]; complete: boolean }> {
  const grants: LiveGrant[] = []
  const whole: AuditFilter = { ...filter, type: 'url.issue', decision: 'allow', from: issuedFrom }
  let after: AuditCursor | undefined
  for (let read = 0; read < eventsMax;) {
    const limit = Math.min(pageEvents, eventsMax - read)
    const rows = await listAuditEvents(db, whole, { limit, after })
    // One more than was asked for says that there is a next page.
    const page = rows.slice(0, limit)
    for (const { event } of page) {
      const grant = liveGrantOf(JSON.parse(event) as AuditEvent, now)
      if (grant) grants.push(grant)
    }
    if (rows.length <= limit) return { grants, complete: true }
    const last = page.at(-1)!
    after = { at: last.at, chain: last.chain, seq: last.seq }
    read += page.length
    // SQLite answers at once: without this, nobody else would have a turn.
    await setImmediate()
  }
  return { grants, complete: after !== undefined && after.at < surelyFrom }
}

/** The event of one URL, live or not; undefined: there is none. */
export async function findIssued(db: Db, grantId: string): Promise<AuditEvent | undefined> {
  const row = await findGrant(db, grantId)
  const event = row && (JSON.parse(row.event) as AuditEvent)
  return event?.type === 'url.issue' && event.decision === 'allow' ? event : undefined
}

/** Undefined: it has ended. */
export function liveGrantOf(event: AuditEvent, now: number): LiveGrant | undefined {
  const { grantId, username, principalId, team, connector, bucket, key, action, marker, expiresAt } = event
  if (grantId === undefined || username === undefined || expiresAt === undefined) return undefined
  const at = Date.parse(expiresAt)
  if (at <= now) return undefined
  return {
    grantId,
    username,
    principalId: principalId ?? '',
    team: team ?? '',
    connector: connector ?? '',
    bucket: bucket ?? '',
    key: key ?? '',
    action: action ?? 'read',
    marker: marker ?? null,
    expiresAt: at,
  }
}
