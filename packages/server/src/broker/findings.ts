/** What in the buckets' logs wants a look, explained; and who has looked. */
import {
  SignpostError,
  type ExplainedFinding,
  type FindingGroup,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { findingSentences } from '../domain/finding-sentences.ts'
import { isoOf } from '../domain/instant.ts'
import type { AccessLogCursor } from '../store/access-log-records.ts'
import {
  findFinding,
  listFindings as listRows,
  listFindingsUpwards,
  loudFindings,
  setFindingState,
  type FindingFilter,
  type FindingRow,
} from '../store/findings.ts'
import { pageOfRows } from '../store/page.ts'
import {
  accessIdOf,
  connectorIdOf,
  msOf,
  readAccessCursor,
  readAccessId,
  requireAuditReader,
  shownRecord,
} from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { checkPlainText, requireOrganisation } from './gate.ts'

const countedAtOnce = 5000
const countedMax = 200_000

export async function listFindings(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, ...query } }: ParsedInput<'listFindings'>,
): Promise<Reply<'listFindings'>> {
  const after = cursor === undefined ? undefined : readAccessCursor(cursor)
  await requireAuditReader(deps, caller, 'listFindings', query)
  const rows = await listRows(deps.store.db, await filterOf(deps, query), { limit, after })
  const page = pageOfRows(rows, limit, ({ at, digest }) => [at, digest])
  return { items: page.rows.map(explained), nextCursor: page.nextCursor }
}

export async function countFindings(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'countFindings'>,
): Promise<Reply<'countFindings'>> {
  await requireAuditReader(deps, caller, 'countFindings', query)
  return countAll(deps, await filterOf(deps, query))
}

export async function getFinding(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id } }: ParsedInput<'getFinding'>,
): Promise<ExplainedFinding> {
  await requireAuditReader(deps, caller, 'getFinding', { id })
  return explained(await requireFinding(deps, id))
}

/** It says that somebody has looked; the access stays as the log told it. */
export async function updateFinding(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id }, body: { state, note } }: ParsedInput<'updateFinding'>,
): Promise<ExplainedFinding> {
  const type = 'finding.update'
  const details = { finding: id, state, note }
  const decision = await requireOrganisation(deps, caller, 'audit.read', type, { details: { finding: id } })
  checkPlainText('note', note.replaceAll('\n', ' '))
  const row = await requireFinding(deps, id)
  const { username } = caller.principal
  const { db } = deps.store
  const set = { at: row.at, digest: row.digest, state, note, changed_by: username, changed_at: deps.clock() }
  const event = eventOf(deps, caller, type, decision, { details: { ...details, kind: row.finding } })
  await deps.store.commit({ statements: [setFindingState(db, set)], events: [event] })
  return explained({ ...row, ...set })
}

export function explained(row: FindingRow): ExplainedFinding {
  const record = shownRecord(row)
  return {
    ...record,
    state: row.state ?? 'open',
    ...(row.changed_by === null ? {} : { changedBy: row.changed_by }),
    ...(row.note === null || row.note === '' ? {} : { note: row.note }),
    ...(row.changed_at === null ? {} : { changedAt: isoOf(row.changed_at) }),
    sentences: findingSentences(record),
  }
}

/** In pages, so that the server serves meanwhile; up to a bound. */
export async function countAll(
  { store: { db } }: BrokerDeps,
  filter: FindingFilter,
): Promise<Reply<'countFindings'>> {
  const kinds = filter.finding === undefined ? loudFindings : [filter.finding]
  const groups: FindingGroup[] = []
  let left = countedMax
  for (const finding of kinds) {
    const byName = new Map<string, FindingGroup>()
    let after: AccessLogCursor | undefined
    while (left > 0) {
      const rows = await listFindingsUpwards(db, { ...filter, finding }, { limit: countedAtOnce, after })
      for (const row of rows) addToGroup(byName, row)
      left -= rows.length
      if (rows.length < countedAtOnce) break
      after = rows.at(-1)
      // SQLite answers at once: without this, nobody else would have a turn.
      await setImmediate()
    }
    groups.push(...[...byName.values()].toSorted((a, b) => b.count - a.count))
  }
  const total = groups.reduce((sum, { count }) => sum + count, 0)
  return { total, groups, complete: left > 0 }
}

function addToGroup(groups: Map<string, FindingGroup>, row: FindingRow): void {
  const connector = row.connector_name ?? row.connector_id
  const state = row.state ?? 'open'
  const name = `${state} ${connector}`
  const at = isoOf(row.at)
  const group = groups.get(name)
  if (!group) {
    groups.set(name, { finding: row.finding, connector, state, count: 1, firstAt: at, lastAt: at })
    return
  }
  group.count += 1
  group.lastAt = at
}

async function requireFinding({ store }: BrokerDeps, id: string): Promise<FindingRow> {
  const place = readAccessId(id)
  const row = place && accessIdOf(place) === id ? await findFinding(store.db, place) : undefined
  if (!row) throw new SignpostError('not_found', 'There is no such finding.')
  return row
}

async function filterOf(
  deps: BrokerDeps,
  { from, to, connector, ...rest }: ParsedInput<'countFindings'>['query'],
): Promise<FindingFilter> {
  const connectorId = connector === undefined ? undefined : await connectorIdOf(deps, connector)
  return { ...rest, connectorId, from: msOf(from), to: msOf(to) }
}
