/** One object: who could reach it, who held a URL for it, and who did. */
import {
  SignpostError,
  type AuditEvent,
  type ParsedInput,
  type Reply,
  type WhoDid,
  type WhoHeld,
} from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { isoOf } from '../domain/instant.ts'
import { keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import { listAccessLogRecords, type AccessLogCursor, type AccessLogRow } from '../store/access-log-records.ts'
import type { AuditCursor } from '../store/audit-events.ts'
import { findFinding, loudFindings } from '../store/findings.ts'
import { findGrantUses } from '../store/grant-uses.ts'
import { listAuditEvents } from '../store/list-audit-events.ts'
import { findTeam, type NamedTeamRow } from '../store/teams.ts'
import { requireAuditReader, shownRecord } from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { explained } from './findings.ts'
import { longestLifeMs } from './revocation/target.ts'
import { recordableKey } from './refuse.ts'
import { whoCould } from './who-could.ts'
import { whoHint } from './who-hint.ts'
import { whoPlace, type WhoPlace } from './who-place.ts'

const pageRows = 1000
const accessesMax = 20_000
const grantsMax = 5000
const findingsMax = 100
const dayMs = 86_400_000

type Query = ParsedInput<'whoAccessed'>['query']

export interface Span {
  /** ms since the epoch, inclusive */
  from: number
  /** ms since the epoch, exclusive */
  to: number
}

export async function whoAccessed(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'whoAccessed'>,
): Promise<Reply<'whoAccessed'>> {
  const asked = { ...query, key: recordableKey(undefined, query.key) }
  await requireAuditReader(deps, caller, 'whoAccessed', asked)
  const { key, team } = await objectOf(deps, query)
  const span = spanOf(deps, query)
  const could = await whoCould(deps, caller, { key, team: query.team })
  const issued = await eventsOf(deps, key, span)
  const place = await whoPlace(deps, team, issued.events)
  const held = { ...issued, grants: await whoHeld(deps, issued.events.filter(place.holdsEvent), span) }
  const did = await whoDid(deps, { key, span, place })
  const isNothing = held.grants.length === 0 && did.groups.length === 0
  return {
    key,
    from: isoOf(span.from),
    to: isoOf(span.to),
    could: could?.who ?? null,
    links: could?.links ?? null,
    couldComplete: could?.complete ?? false,
    held: held.grants,
    did: did.groups,
    findings: did.findings,
    hint: isNothing ? await whoHint(deps, { key, team: query.team, place }) : null,
    complete: held.complete && did.complete,
  }
}

export function spanOf(
  { clock }: Pick<BrokerDeps, 'clock'>,
  query: { from?: string | undefined; to?: string | undefined },
): Span {
  const to = query.to === undefined ? clock() + 1 : Date.parse(query.to)
  const from = query.from === undefined ? to - 30 * dayMs : Date.parse(query.from)
  if (from < to) return { from, to }
  throw new SignpostError('invalid', 'from: must be before `to`.', { field: 'from' })
}

/** `key`: in the bucket. */
async function objectOf(
  { store }: BrokerDeps,
  { key, team }: Query,
): Promise<{ key: string; team: NamedTeamRow | undefined }> {
  if (team === undefined) return { key, team }
  const found = await findTeam(store.db, team)
  if (!found) throw new SignpostError('not_found', 'There is no such team.')
  const problem = objectKeyProblem(found.prefix, key)
  if (problem) throw new SignpostError('invalid_key', `key: ${keyRuleSentence(problem)}.`, { field: 'key' })
  return { key: found.prefix + key, team: found }
}

/** A URL that was given before the time may have lived into it. */
async function eventsOf(
  { store: { db } }: BrokerDeps,
  key: string,
  { from, to }: Span,
): Promise<{ events: AuditEvent[]; complete: boolean }> {
  const filter = { key, type: 'url.issue', decision: 'allow', from: from - longestLifeMs, to } as const
  const events: AuditEvent[] = []
  let complete = false
  for (let after: AuditCursor | undefined; events.length < grantsMax && !complete;) {
    const rows = await listAuditEvents(db, filter, { limit: pageRows, after })
    for (const { event } of rows.slice(0, pageRows)) events.push(JSON.parse(event) as AuditEvent)
    complete = rows.length <= pageRows
    const last = rows.at(pageRows - 1)
    after = last && { at: last.at, chain: last.chain, seq: last.seq }
    await setImmediate()
  }
  return { events, complete }
}

async function whoHeld(
  { store: { db } }: BrokerDeps,
  events: readonly AuditEvent[],
  { from }: Span,
): Promise<WhoHeld[]> {
  const live = events.filter(({ expiresAt }) => expiresAt !== undefined && Date.parse(expiresAt) > from)
  const uses = await findGrantUses(
    db,
    live.map(({ grantId = '' }) => grantId),
  )
  return live.map((event) => heldOf(event, uses.get(event.grantId ?? '')?.uses ?? 0))
}

function heldOf(event: AuditEvent, uses: number): WhoHeld {
  const { grantId = '', username = '', team = '', connector = '', action = 'read', method = 'GET' } = event
  const { address = null, at, expiresAt = at } = event
  return {
    grantId,
    username,
    team,
    connector,
    action,
    method,
    askedFrom: address,
    issuedAt: at,
    expiresAt,
    uses,
  }
}

async function whoDid(
  { store: { db } }: BrokerDeps,
  { key, span, place }: { key: string; span: Span; place: WhoPlace },
): Promise<{
  groups: WhoDid[]
  findings: Reply<'whoAccessed'>['findings']
  complete: boolean
}> {
  const groups = new Map<string, WhoDid>()
  const loud: AccessLogRow[] = []
  let after: AccessLogCursor | undefined
  let complete = false
  for (let read = 0; read < accessesMax && !complete; read += pageRows) {
    const rows = await listAccessLogRecords(db, { ...span, key }, { limit: pageRows, after })
    for (const row of rows.slice(0, pageRows)) {
      if (!place.holdsAccess(row)) continue
      addTo(groups, row)
      if (loudFindings.includes(row.finding) && loud.length < findingsMax) loud.push(row)
    }
    complete = rows.length <= pageRows
    after = rows.at(pageRows - 1)
    await setImmediate()
  }
  const findings = await Promise.all(loud.map((row) => findFinding(db, row)))
  return {
    groups: [...groups.values()].toSorted((a, b) => b.count - a.count),
    findings: findings.flatMap((row) => (row ? [explained(row)] : [])),
    complete,
  }
}

/** Rows come the newest first. */
function addTo(groups: Map<string, WhoDid>, row: AccessLogRow): void {
  const { at, finding, connector, username = null, address = null, bytes, evidence } = shownRecord(row)
  const { action, status = 0, succeeded } = evidence
  const refused = succeeded === false || status >= 400
  const name = JSON.stringify([username, address, connector, action, refused, finding])
  const group = groups.get(name)
  if (group) {
    group.count += 1
    group.bytes += bytes ?? 0
    if (bytes === undefined) group.bytesUnknown += 1
    group.firstAt = at
  } else
    groups.set(name, {
      username,
      address,
      connector,
      action,
      refused,
      finding,
      count: 1,
      bytes: bytes ?? 0,
      bytesUnknown: bytes === undefined ? 1 : 0,
      firstAt: at,
      lastAt: at,
    })
}
