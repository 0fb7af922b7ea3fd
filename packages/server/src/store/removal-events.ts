/** The events that tell what was taken out of the trail. */
import { setImmediate } from 'node:timers/promises'
import { createRemovals, type AuditEvent, type Removals } from '@signpost/contract'
import type { AuditCursor } from './audit-events.ts'
import { listAuditEvents } from './list-audit-events.ts'
import type { Db } from './statement.ts'

const pageEvents = 200

/** `count`: of the events that were read. */
export async function readRemovals(db: Db): Promise<{ removals: Removals; count: number }> {
  const removals = createRemovals()
  let count = 0
  for (const type of ['audit.expire', 'audit.erase', 'audit.retention'] as const) {
    let after: AuditCursor | undefined
    do {
      const page = { limit: pageEvents, after, oldestFirst: true }
      const rows = (await listAuditEvents(db, { type, decision: 'allow' }, page)).slice(0, pageEvents)
      for (const { chain, seq, event: text } of rows) {
        const event = eventIn(text)
        if (event) removals.add({ chain, seq, event })
      }
      count += rows.length
      after = rows.length < pageEvents ? undefined : rows.at(-1)
      // SQLite answers at once: without this, nobody else would have a turn.
      await setImmediate()
    } while (after)
  }
  return { removals, count }
}

/** What is no event, verifying names when it comes to it. */
function eventIn(text: string): AuditEvent | undefined {
  try {
    return JSON.parse(text) as AuditEvent
  } catch {
    return undefined
  }
}
