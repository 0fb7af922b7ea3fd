/** What the trail and the logs hold of one person, found by reading through all of it, a piece at a time. */
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import { accessRows, type AccessLogRow } from './access-log-records.ts'
import { listChainHeads, type AuditCursor } from './audit-events.ts'
import { searchable } from './audit-columns.ts'
import { listAuditEvents } from './list-audit-events.ts'
import { readExpiredThrough } from './retention.ts'
import type { Db } from './statement.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

type Reading = Pick<Store, 'db' | 'engine'>
export type NamingEvent = Pick<
  Selectable<Tables['audit_events']>,
  'chain' | 'seq' | 'run_seq' | 'event' | 'hash'
>

/** Events that are looked through in one go. */
const windowEvents = 2000
const windowLines = 500

/** Whom a name belonged to, by the trail: ids, and what their URLs carried. */
export async function readTraces(db: Db, username: string): Promise<{ ids: string[]; markers: string[] }> {
  const rows = await db
    .selectFrom('audit_runs')
    .select('principal_id')
    .distinct()
    .where('username', '=', searchable(username) ?? '')
    .execute()
  const markers = new Set<string>()
  let after: AuditCursor | undefined
  do {
    const page = await listAuditEvents(db, { username, type: 'url.issue' }, { limit: windowEvents, after })
    for (const { event } of page) {
      const { marker } = JSON.parse(event) as { marker?: unknown }
      if (typeof marker === 'string') markers.add(marker)
    }
    after = page.length > windowEvents ? page[windowEvents - 1] : undefined
    await setImmediate()
  } while (after)
  return { ids: rows.flatMap(({ principal_id: id }) => id ?? []), markers: [...markers] }
}

/** Every event whose text holds one of these, in pieces of one chain each, in order; some hold it by chance. */
export async function* eachNamingEvents(
  { db, engine }: Reading,
  names: readonly string[],
): AsyncGenerator<NamingEvent[]> {
  const expired = await readExpiredThrough(db)
  for (const { chain, head_seq: head } of await listChainHeads(db))
    for (let after = expired.get(chain) ?? 0; after < head; after += windowEvents) {
      const rows = await db
        .selectFrom('audit_events')
        .select(['chain', 'seq', 'run_seq', 'event', 'hash'])
        .where('chain', '=', chain)
        .where('seq', '>', after)
        .where('seq', '<=', after + windowEvents)
        .where(holds(engine, 'event', names))
        .orderBy('seq')
        .execute()
      if (rows.length > 0) yield rows
      // SQLite answers at once: without this, nobody else would have a turn.
      await setImmediate()
    }
}

/** Access log records that are put down to them, or whose evidence names them. */
export async function* eachNamingRecord(
  { db, engine }: Reading,
  username: string,
  names: readonly string[],
): AsyncGenerator<AccessLogRow[]> {
  let after = { at: Number.MIN_SAFE_INTEGER, digest: -1 }
  while (true) {
    const end = await db
      .selectFrom('access_log_records')
      .select(['at', 'digest'])
      .where(sql<boolean>`(at, digest) > (${after.at}, ${after.digest})`)
      .orderBy('at')
      .orderBy('digest')
      .offset(windowEvents - 1)
      .limit(1)
      .executeTakeFirst()
    let query = accessRows(db)
      .where(sql<boolean>`(a.at, a.digest) > (${after.at}, ${after.digest})`)
      .where((eb) => eb.or([eb('a.username', '=', username), holds(engine, 'a.evidence', names)]))
    if (end) query = query.where(sql<boolean>`(a.at, a.digest) <= (${end.at}, ${end.digest})`)
    const rows = await query.orderBy('a.at').orderBy('a.digest').execute()
    if (rows.length > 0) yield rows
    if (!end) return
    after = end
    await setImmediate()
  }
}

export type UnparsedLineRow = Selectable<Tables['unparsed_lines']>

/** All lines that nobody could read: how a line writes a name is for who looks at it. */
export async function* eachUnparsedLine({ db }: Pick<Store, 'db'>): AsyncGenerator<UnparsedLineRow[]> {
  let after = { file_id: 0, line: 0 }
  while (true) {
    const rows = await db
      .selectFrom('unparsed_lines')
      .selectAll()
      .where(sql<boolean>`(file_id, line) > (${after.file_id}, ${after.line})`)
      .orderBy('file_id')
      .orderBy('line')
      .limit(windowLines)
      .execute()
    if (rows.length > 0) yield rows
    if (rows.length < windowLines) return
    after = rows.at(-1)!
    await setImmediate()
  }
}

/** A text that is JSON, in which a name may be escaped. */
function holds(engine: Store['engine'], column: string, names: readonly string[]) {
  const place = sql.raw(engine === 'sqlite' ? 'instr' : 'strpos')
  const texts = new Set(names.map((name) => JSON.stringify(name).slice(1, -1)))
  const each = [...texts].map((text) => sql`${place}(${sql.ref(column)}, ${text}) > 0`)
  return sql<boolean>`(${sql.join(each, sql` or `)})`
}
