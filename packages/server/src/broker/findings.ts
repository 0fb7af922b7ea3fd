/** What in the buckets' logs wants a look, explained; and who has looked. */
import {
  SignpostError,
  type ExplainedFinding,
  type FindingGroup,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import { findingSentences } from '../domain/finding-sentences.ts'
import { isoOf } from '../domain/instant.ts'
import { listConnectorNames } from '../store/access-sums.ts'
import {
  findFinding,
  listFindings as listRows,
  loudFindings,
  setFindingState,
  sumFindings,
  type FindingFilter,
  type FindingRow,
  type FindingSum,
} from '../store/findings.ts'
import { listFormerNames } from '../store/former-connectors.ts'
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

const countedMax = 300_000

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

/** Up to a bound. */
export async function countAll(
  { store: { db } }: BrokerDeps,
  filter: FindingFilter,
): Promise<Reply<'countFindings'>> {
  const kinds = filter.finding === undefined ? loudFindings : [filter.finding]
  const names = new Map([...(await listFormerNames(db)), ...(await listConnectorNames(db))])
  const groups: FindingGroup[] = []
  let total = 0
  for (const finding of kinds) {
    if (total >= countedMax) break
    const byName = new Map<string, FindingSum>()
    for await (const sums of sumFindings(db, { ...filter, finding })) {
      for (const sum of sums) {
        addToGroup(byName, sum)
        total += sum.count
      }
      if (total >= countedMax) break
    }
    for (const { connectorId, firstAt, lastAt, ...sum } of byName.values())
      groups.push({
        finding,
        connector: names.get(connectorId) ?? connectorId,
        ...sum,
        firstAt: isoOf(firstAt),
        lastAt: isoOf(lastAt),
      })
  }
  return { total, groups, complete: total < countedMax }
}

function addToGroup(groups: Map<string, FindingSum>, sum: FindingSum): void {
  const name = `${sum.state} ${sum.connectorId}`
  const group = groups.get(name)
  if (!group) {
    groups.set(name, sum)
    return
  }
  group.count += sum.count
  group.firstAt = Math.min(group.firstAt, sum.firstAt)
  group.lastAt = Math.max(group.lastAt, sum.lastAt)
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
