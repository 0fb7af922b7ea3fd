/** The URLs that were given in a time, and what the logs have put down to them. */
import type { AuditEvent, UsedGrant } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import type { AuditCursor } from '../../store/audit-events.ts'
import { findGrantUses, type GrantUse } from '../../store/grant-uses.ts'
import { listAuditEvents } from '../../store/list-audit-events.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Span } from '../who.ts'

const pageRows = 1000
const grantsMax = 200_000
export const examplesMax = 100
const dayMs = 86_400_000

export interface GrantShare {
  issued: number
  used: number
  neverUsed: number
}
export interface GrantTally {
  all: GrantShare
  byUser: Map<string, GrantShare>
  byTeam: Map<string, GrantShare>
  /** By the connector's name then. */
  byConnector: Map<string, GrantShare & { days: Set<number> }>
  byDay: Map<number, number>
  neverUsed: UsedGrant[]
  often: UsedGrant[]
  severalAddresses: UsedGrant[]
  complete: boolean
}

export interface GrantsAsked extends Span {
  team?: string | undefined
  username?: string | undefined
  usedMoreThan: number
  /** Names of connectors of whose buckets some log tells: of others it is not known what was used. */
  logged: ReadonlySet<string>
}

export async function tallyGrants({ store: { db } }: BrokerDeps, asked: GrantsAsked): Promise<GrantTally> {
  const tally = emptyGrants()
  const { from, to, team, username } = asked
  const filter = { from, to, team, username, type: 'url.issue', decision: 'allow' } as const
  let after: AuditCursor | undefined
  for (let read = 0; read < grantsMax; read += pageRows) {
    const found = await listAuditEvents(db, filter, { limit: pageRows, after })
    const rows = found.slice(0, pageRows)
    const events = rows.map(({ event }) => JSON.parse(event) as AuditEvent)
    const ids = events.map(({ grantId = '' }) => grantId)
    const uses = await findGrantUses(db, ids)
    for (const event of events) add(tally, event, uses.get(event.grantId ?? ''), asked)
    keepTop(tally)
    if (found.length <= pageRows) return tally
    const last = rows.at(-1)!
    after = { at: last.at, chain: last.chain, seq: last.seq }
    await setImmediate()
  }
  return { ...tally, complete: false }
}

export function emptyGrants(): GrantTally {
  return {
    all: newShare(),
    byUser: new Map(),
    byTeam: new Map(),
    byConnector: new Map(),
    byDay: new Map(),
    neverUsed: [],
    often: [],
    severalAddresses: [],
    complete: true,
  }
}

/** A batch that was let in as a whole has an event of its own, which is no URL. */
function add(
  tally: GrantTally,
  event: AuditEvent,
  use: GrantUse | undefined,
  { usedMoreThan, logged }: GrantsAsked,
): void {
  if (event.grantId === undefined) return
  const grant = usedGrantOf(event, use)
  const { username, team, connector, uses, addresses } = grant
  const isNever = uses === 0 && logged.has(connector)
  const day = Math.floor(Date.parse(event.at) / dayMs)
  let place = tally.byConnector.get(connector)
  if (!place) tally.byConnector.set(connector, (place = { ...newShare(), days: new Set() }))
  place.days.add(day)
  tally.byDay.set(day, (tally.byDay.get(day) ?? 0) + 1)
  for (const share of [tally.all, place, shareOf(tally.byUser, username), shareOf(tally.byTeam, team)]) {
    share.issued += 1
    if (uses > 0) share.used += 1
    if (isNever) share.neverUsed += 1
  }
  if (isNever && tally.neverUsed.length < examplesMax) tally.neverUsed.push(grant)
  if (uses > usedMoreThan) tally.often.push(grant)
  if (addresses > 1) tally.severalAddresses.push(grant)
}

export function usedGrantOf(event: AuditEvent, use: GrantUse | undefined): UsedGrant {
  const { grantId = '', username = '', team = '', connector = '', key = '', action = 'read' } = event
  return {
    grantId,
    username,
    team,
    connector,
    key,
    action,
    issuedAt: event.at,
    expiresAt: event.expiresAt ?? event.at,
    uses: use?.uses ?? 0,
    addresses: use?.addresses ?? 0,
    bytes: use?.bytes ?? 0,
    bytesUnknown: use?.bytesUnknown ?? 0,
  }
}

function keepTop(tally: GrantTally): void {
  tally.often = tally.often.toSorted((a, b) => b.uses - a.uses).slice(0, examplesMax)
  tally.severalAddresses = tally.severalAddresses
    .toSorted((a, b) => b.addresses - a.addresses)
    .slice(0, examplesMax)
}

const newShare = (): GrantShare => ({ issued: 0, used: 0, neverUsed: 0 })

function shareOf(all: Map<string, GrantShare>, name: string): GrantShare {
  let found = all.get(name)
  if (!found) all.set(name, (found = newShare()))
  return found
}
