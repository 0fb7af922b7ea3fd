/** What of the audit trail stands in a report: refusals, restrictions, revocations. */
import type { AuditEvent, AuditEventType, SecurityReport } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import type { AuditCursor, AuditFilter } from '../../store/audit-events.ts'
import { listAuditEvents } from '../../store/list-audit-events.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Span } from '../who.ts'

const pageRows = 1000
const refusalsMax = 50_000
const changesMax = 500
const shownMax = 50

export async function readRefusals(
  deps: BrokerDeps,
  span: Span,
): Promise<{
  total: number
  reasons: SecurityReport['refusals']
  users: SecurityReport['refusedUsers']
  complete: boolean
}> {
  const reasons = new Map<string, { type: string; reason: string; count: number }>()
  const users = new Map<string, number>()
  let total = 0
  const events = eachEvent(deps, { ...span, decision: 'deny' }, refusalsMax)
  for (;;) {
    const next = await events.next()
    if (next.done) {
      const byCount = (a: { count: number }, b: { count: number }) => b.count - a.count
      return {
        total,
        reasons: [...reasons.values()].toSorted(byCount).slice(0, shownMax),
        users: [...users]
          .map(([username, count]) => ({ username, count }))
          .toSorted(byCount)
          .slice(0, shownMax),
        complete: next.value,
      }
    }
    const { type, reason, username } = next.value
    total += 1
    const name = `${type} ${reason}`
    const group = reasons.get(name)
    if (group) group.count += 1
    else reasons.set(name, { type, reason, count: 1 })
    if (username !== undefined) users.set(username, (users.get(username) ?? 0) + 1)
  }
}

const changing: readonly AuditEventType[] = ['restriction.create', 'restriction.end', 'revocation.step']

/** The newest first. */
export async function readChanges(
  deps: BrokerDeps,
  span: Span,
): Promise<{ changes: SecurityReport['changes']; complete: boolean }> {
  const changes: SecurityReport['changes'] = []
  let complete = true
  for (const type of changing) {
    const events = eachEvent(deps, { ...span, type, decision: 'allow' }, changesMax)
    for (;;) {
      const next = await events.next()
      if (next.done) {
        complete &&= next.value
        break
      }
      const { at, username = '', team, details = {} } = next.value
      const about = [...(team === undefined ? [] : [`team: ${team}`]), ...detailTexts(details)]
      changes.push({ at, by: username, type, about: about.join('; ') })
    }
  }
  return { changes: changes.toSorted((a, b) => (a.at < b.at ? 1 : -1)), complete }
}

function detailTexts(details: NonNullable<AuditEvent['details']>): string[] {
  return Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`)
}

/** The newest first; returns whether these were all. */
async function* eachEvent(
  { store: { db } }: BrokerDeps,
  filter: AuditFilter,
  max: number,
): AsyncGenerator<AuditEvent, boolean> {
  let after: AuditCursor | undefined
  for (let read = 0; read < max; read += pageRows) {
    const found = await listAuditEvents(db, filter, { limit: pageRows, after })
    const rows = found.slice(0, pageRows)
    for (const { event } of rows) yield JSON.parse(event) as AuditEvent
    if (found.length <= pageRows) return true
    const last = rows.at(-1)!
    after = { at: last.at, chain: last.chain, seq: last.seq }
    await setImmediate()
  }
  return false
}
