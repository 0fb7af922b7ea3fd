/** Reading the audit events. Who reads them is recorded in them, before anything is answered. */
import type { ParsedInput, Reply } from '@signpost/contract'
import { verifyAudit } from '../audit/verify.ts'
import { mayOrganisation, type Decision } from '../domain/decide-access.ts'
import {
  chainedEventLine,
  chainedEventOf,
  exportAuditEvents as exportRows,
  type AuditCursor,
  type AuditFilter,
} from '../store/audit-events.ts'
import { listAuditEvents as listRows } from '../store/list-audit-events.ts'
import { findNewestCheckpoint } from '../store/checkpoints.ts'
import { pageOfRows, readCursor } from '../store/page.ts'
import { holdsKey } from './checkpoint-signer.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation, requireTeam } from './gate.ts'
import { decisionMs, requireKeyAlive } from './key-alive.ts'

type Query = ParsedInput<'exportAuditEvents'>['query']

/** Lines that are handed over at once. */
const linesPerChunk = 200

export async function listAuditEvents(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, ...query } }: ParsedInput<'listAuditEvents'>,
): Promise<Reply<'listAuditEvents'>> {
  const after = cursor === undefined ? undefined : readAuditCursor(cursor)
  await requireReader(deps, caller, 'listAuditEvents', query)
  const rows = await listRows(deps.store.db, filterOf(query), { limit, after })
  const page = pageOfRows(rows, limit, ({ at, chain, seq }) => [at, chain, seq])
  return { items: page.rows.map(chainedEventOf), nextCursor: page.nextCursor }
}

export async function* exportAuditEvents(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'exportAuditEvents'>,
): AsyncGenerator<string> {
  await requireReader(deps, caller, 'exportAuditEvents', query)
  let decidedAt = deps.clock()
  let lines: string[] = []
  for await (const row of exportRows(deps.store.db, filterOf(query))) {
    if (lines.push(chainedEventLine(row)) < linesPerChunk) continue
    if (deps.clock() - decidedAt > decisionMs) {
      const now = await requireKeyAlive(deps, caller)
      await decideReader(deps, now, query.team, { operation: 'exportAuditEvents' })
      decidedAt = deps.clock()
    }
    yield `${lines.join('\n')}\n`
    lines = []
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`
}

export async function verifyAuditEvents(
  deps: BrokerDeps,
  caller: Caller,
): Promise<Reply<'verifyAuditEvents'>> {
  await requireReader(deps, caller, 'verifyAuditEvents', {})
  const newest = await findNewestCheckpoint(deps.store.db)
  const isHeld = newest !== undefined && (await holdsKey(deps, newest.public_key))
  return verifyAudit(deps.store, isHeld ? newest.public_key : undefined, deps.clock())
}

/** Decides, and records who reads what. */
async function requireReader(
  deps: BrokerDeps,
  caller: Caller,
  operation: string,
  query: Query,
): Promise<void> {
  const { team, ...rest } = query
  const details = { operation, ...definedOf(rest) }
  const decision = await decideReader(deps, caller, team, details)
  const teamField = team === undefined ? {} : { team }
  const event = eventOf(deps, caller, 'audit.read', decision, { ...teamField, details })
  await deps.store.commit({ statements: [], events: [event] })
}

/** Admins of the organisation read all; a team's admins, what is recorded of their team. A refusal is recorded. */
async function decideReader(
  deps: BrokerDeps,
  caller: Caller,
  team: string | undefined,
  details: Record<string, string>,
): Promise<Decision> {
  if (team === undefined || mayOrganisation(caller.principal, 'audit.read'))
    return requireOrganisation(deps, caller, 'audit.read', 'audit.read', { details })
  return (await requireTeam(deps, caller, team, 'audit.read', 'audit.read', { details })).decision
}

function filterOf({ from, to, ...rest }: Query): AuditFilter {
  return {
    ...rest,
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  }
}

function definedOf(query: object): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter((entry) => entry[1] !== undefined))
}

function readAuditCursor(cursor: string): AuditCursor {
  const [at, chain, seq] = readCursor(cursor, ['number', 'string', 'number']) as [number, string, number]
  return { at, chain, seq }
}
