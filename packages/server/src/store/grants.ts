/** Grants of an object, as those who match accesses need them: as their events' texts. By their ids: `named-grants.ts`. */
import { sql } from 'kysely'
import { keyHash, slotEvents } from './key-place.ts'
import type { Db } from './statement.ts'
import type { Store } from './store.ts'

/** The text of an event that issued a URL; whoever reads it looks at its type. */
export interface GrantText {
  grantId: string
  event: string
}

type Engine = Store['engine']

/** One parameter, however many they are. */
function listed(engine: Engine, values: readonly (string | number)[]) {
  const text = JSON.stringify(values)
  return engine === 'sqlite'
    ? sql`(select value from json_each(${text}))`
    : sql`(select value from json_array_elements_text(${text}::json) as listed (value))`
}

export interface SlotRange {
  first: number
  last: number
}

/** A machine's clock may be wrong by hours when it starts, until it is set: a chain says when it began by that. */
const aheadMs = 24 * 3_600_000

/** Where the events of this time are indexed by their keys (`key-place.ts`): every chain that was alive then. */
export async function findSlots(db: Db, from: number, to: number): Promise<SlotRange[]> {
  const { rows: chains } = await sql<{ chain: string; firstSlot: number; headSeq: number }>`
    select c.chain as "chain", c.first_slot as "firstSlot", c.head_seq as "headSeq"
    from audit_chains as c join audit_events as e on e.chain = c.chain and e.seq = c.head_seq
    where c.opened_at <= ${to + aheadMs} and e.at >= ${from}`.execute(db)
  const ranges: SlotRange[] = []
  for (const { chain, firstSlot, headSeq } of chains) {
    const slots = Math.floor(headSeq / slotEvents)
    const first = await lastSlotBefore(db, chain, slots, from)
    const last = await lastSlotBefore(db, chain, slots, to)
    ranges.push({ first: firstSlot + first, last: firstSlot + last })
  }
  return ranges
}

/** Events of a chain are in the order of time: the last slot that begins no later than that. What is not there has expired. */
async function lastSlotBefore(db: Db, chain: string, slots: number, at: number): Promise<number> {
  let low = 0
  let high = slots
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const found = await db
      .selectFrom('audit_events')
      .select('at')
      .where('chain', '=', chain)
      .where('seq', '=', middle * slotEvents)
      .executeTakeFirst()
    if (found === undefined || found.at <= at) low = middle
    else high = middle - 1
  }
  return low
}

/** Every grant for one of these objects that was given in this time; a few objects at a time. The newest first. */
export async function findGrantsOfKeys(
  db: Db,
  engine: Engine,
  keys: readonly string[],
  given: { from: number; to: number; slots: readonly SlotRange[]; limit: number },
): Promise<GrantText[]> {
  if (keys.length === 0 || given.slots.length === 0) return []
  const places: number[] = []
  for (const key of keys) {
    const hash = keyHash(key)
    for (const { first, last } of given.slots)
      for (let slot = first; slot <= last; slot += 1) places.push(slot * 2 ** 32 + hash)
  }
  const place = engine === 'sqlite' ? sql`named.value` : sql`named.value::bigint`
  const { rows } = await sql<GrantText>`
    select e.grant_id as "grantId", e.event as "event"
    from ${listed(engine, places)} as named cross join audit_events as e
    where e.key_place = ${place} and e.grant_id is not null
      and e.at >= ${given.from} and e.at <= ${given.to}
      and e.object_key in ${listed(engine, keys)}
    order by e.at desc limit ${given.limit}`.execute(db)
  return rows
}
