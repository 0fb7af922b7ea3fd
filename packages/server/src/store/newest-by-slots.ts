/**
 * The newest events of one key without reading all that it ever had: slots (`key-place.ts`) are asked from the newest, more each
 * time, until none of the others can hold a newer event.
 */
import { sql } from 'kysely'
import type { AuditRow, SlotWindow } from './audit-events.ts'
import { lastSlotSql, slotEvents } from './key-place.ts'
import type { Db } from './statement.ts'

/** Two million events. */
const firstWindow = 64
/** Of a disk, four answers take hardly longer than one. Fewer slots than these are a few milliseconds. */
const [atOnce, slotsForAll] = [4, 512]
/** Events of a chain are in the order of time but for those that were decided at once, and for clocks that are set. */
const disorderMs = 3_600_000

/** Read in a row from an index, a page of it or two. */
const runsBefore = 100

/** No event is wanted that is older than `from` or newer than `until`; ms since the epoch, both in it. */
export interface TimeSpan {
  from?: number | undefined
  until?: number | undefined
}

/** `list`: the newest `count` in some slots, in order. */
export async function newestBySlots(
  db: Db,
  count: number,
  { from = Number.NEGATIVE_INFINITY, until }: TimeSpan,
  list: (slots: SlotWindow) => Promise<AuditRow[]>,
): Promise<AuditRow[]> {
  let rows: AuditRow[] = []
  let high = await lastSlot(db)
  if (until !== undefined)
    high = Math.max(await lastSlotUntil(db, high, until), await newestSlotUntil(db, until))
  for (let size = firstWindow; high >= 0; size *= 2) {
    const low = Math.max(0, high - size + 1)
    const found = await Promise.all(partsOf(low, high).map(list))
    rows = [...rows, ...found.flat()].toSorted(newestFirst).slice(0, count)
    if (low === 0) break
    const below = (await newestBelow(db, low)) + disorderMs
    const last = rows[count - 1]
    if (below < from || (last && last.at > below)) break
    high = low - 1
  }
  return rows
}

function partsOf(low: number, high: number): SlotWindow[] {
  const slots = high - low + 1
  if (slots < slotsForAll) return [{ low, high: sql.lit(high) }]
  const size = Math.ceil(slots / atOnce)
  return Array.from({ length: atOnce }, (_, index) => {
    const first = low + index * size
    return { low: first, high: sql.lit(Math.min(first + size - 1, high)) }
  })
}

async function lastSlot(db: Db): Promise<number> {
  const { rows } = await sql<{ slot: number }>`select ${sql.raw(lastSlotSql)} as "slot"`.execute(db)
  return Number(rows[0]!.slot)
}

/** The lowest slot above which all events are newer. */
async function lastSlotUntil(db: Db, last: number, until: number): Promise<number> {
  let [low, high] = [0, last]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((await oldestAbove(db, middle)) - disorderMs > until) high = middle
    else low = middle + 1
  }
  return high
}

/**
 * A clock that was ahead when a chain began, or where a slot ends, would hide all behind it that was written at the right time.
 * So what is there just before that time counts, too.
 */
async function newestSlotUntil(db: Db, until: number): Promise<number> {
  const { rows } = await sql<{ slot: number | null }>`
    select max(c.first_slot + r.first_seq / ${sql.lit(slotEvents)}) as "slot" from (
      select chain, first_seq from audit_runs where at <= ${until}
      order by at desc, chain desc, first_seq desc limit ${sql.lit(runsBefore)}
    ) as r join audit_chains as c on c.chain = r.chain`.execute(db)
  return Number(rows[0]?.slot ?? 0)
}

/** Of a chain that begins above, its opening says it; of one that lies on both sides, the first event that is still there. */
async function oldestAbove(db: Db, slot: number): Promise<number> {
  const first = sql`(${slot} + 1 - c.first_slot) * ${sql.lit(slotEvents)}`
  const { rows } = await sql<{
    at: number | null
  }>`select min(case when c.first_slot > ${slot} then c.opened_at
      else (select e.at from audit_events as e where e.chain = c.chain and e.seq >= ${first} order by e.seq limit 1)
      end) as "at"
    from audit_chains as c where c.first_slot + c.head_seq / ${sql.lit(slotEvents)} > ${slot}`.execute(db)
  return Number(rows[0]?.at ?? Number.POSITIVE_INFINITY)
}

/** Chains of several replicas grow at once: a lower slot may hold newer events. What expired was older than all that is there. */
async function newestBelow(db: Db, slot: number): Promise<number> {
  const last = sql`(${slot} - c.first_slot) * ${sql.lit(slotEvents)} - 1`
  const { rows } = await sql<{ at: number | null }>`select max(e.at) as "at"
    from audit_chains as c join audit_events as e
      on e.chain = c.chain and e.seq = case when c.head_seq < ${last} then c.head_seq else ${last} end
    where c.first_slot < ${slot}`.execute(db)
  return Number(rows[0]?.at ?? Number.NEGATIVE_INFINITY)
}

function newestFirst(a: AuditRow, b: AuditRow): number {
  return b.at - a.at || (a.chain === b.chain ? b.seq - a.seq : a.chain < b.chain ? 1 : -1)
}
