/** Audit events in several chains over many slots, as replicas that come and go leave them. */
import type { AuditEvent } from '@signpost/contract'
import fc from 'fast-check'
import type { Insertable } from 'kysely'
import { columnsOf } from '../audit-columns.ts'
import { keyPlace, slotEvents, slotOf } from '../key-place.ts'
import { statementOf } from '../statement.ts'
import { eventOf } from '../store-fixture.ts'
import type { Store } from '../store.ts'
import type { Tables } from '../tables.ts'

const hour = 3_600_000
export const keys = ['runs/a', 'runs/b', 'odd\u0000\ud800key'] as const
export const usernames = ['alice', 'bob'] as const
export const teams = ['red', 'blue'] as const
/** Only a URL that was given has a grant (here: any text, an id takes its place) and a key. */
const given: Partial<AuditEvent> = { type: 'url.issue', grantId: 'one' }
const others: Partial<AuditEvent>[] = [
  { type: 'url.issue', decision: 'deny' },
  { type: 'object.delete' },
  { type: 'object.verify', decision: 'deny' },
  { type: 'user.update' },
]

/** Decided so long before it was written, or the clock was set back. */
const lateMs = fc.constantFrom(0, 0, 1000, hour / 2, hour)
const fields = fc.record({
  kind: fc.constantFrom(given, given, ...others),
  username: fc.constantFrom(...usernames),
  team: fc.constantFrom(...teams),
  key: fc.constantFrom(keys[0], keys[0], keys[0], keys[1], keys[2], undefined),
  lateMs,
})
const step = fc.record({
  chain: fc.nat({ max: 2 }),
  /** So many are begun before its events. */
  slots: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(0, 0, 1, 70) },
    { weight: 1, arbitrary: fc.constantFrom(300, 600) },
  ),
  passedMs: fc.constantFrom(0, 1, 1000, 1000, hour / 2, hour / 2, 2 * hour, 50 * hour),
  lateMs,
  events: fc.array(fields, { minLength: 1, maxLength: 6 }),
})
export const steps = fc.array(step, { minLength: 4, maxLength: 16 })
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

interface Chain {
  chain: string
  firstSlot: number
  events: Insertable<Tables['audit_events']>[]
  runs: Insertable<Tables['audit_runs']>[]
}

/** Past the writer: nobody could wait for the millions of events. Of slots that went by, first and last event are there. */
export async function fillChains(
  { db, commit }: Store,
  all: readonly Step[],
  { begin, newId }: { begin: number; newId: () => string },
): Promise<void> {
  for (const { chain, firstSlot, events, runs } of chainsOf(all, begin, newId)) {
    const [first, last] = [events[0]!, events.at(-1)!]
    const head = { opened_at: first.at, head_seq: last.seq, head_hash: last.hash, anchored_seq: 0 }
    const statements = [
      statementOf(db.insertInto('audit_chains').values({ chain, first_slot: firstSlot, ...head })),
      ...inParts(runs).map((some) => statementOf(db.insertInto('audit_runs').values(some))),
      ...inParts(events).map((some) => statementOf(db.insertInto('audit_events').values(some))),
    ]
    await commit({ statements, events: [] })
  }
}

function inParts<Row>(rows: readonly Row[]): Row[][] {
  const size = 1000
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, part) =>
    rows.slice(part * size, (part + 1) * size),
  )
}

function chainsOf(all: readonly Step[], begin: number, newId: () => string): Chain[] {
  const chains = new Map<number, Chain>()
  let now = begin
  for (const { chain: number, slots, passedMs, lateMs, events } of all) {
    now += passedMs
    const at = isoOf(now - lateMs)
    // Their names are not in the order of their beginnings.
    const chain = chains.get(number) ?? opened(chains, `chain-${(number * 2) % 3}`)
    chains.set(number, chain)
    const from = slotOf(0, headOf(chain))
    for (let slot = from + 1; slot <= from + slots; slot++)
      for (const seq of [slot * slotEvents - 1, slot * slotEvents])
        if (seq > headOf(chain))
          append(chain, seq, eventOf(newId(), { at, ...(seq % 13 === 0 ? { key: keys[0] } : {}) }))
    for (const { kind, key, lateMs: ms, ...who } of events) {
      const grant = kind.grantId === undefined ? {} : { grantId: newId() }
      const event = { ...kind, ...who, ...grant, at: isoOf(now - ms), ...(key === undefined ? {} : { key }) }
      append(chain, headOf(chain) + 1, eventOf(newId(), event))
    }
  }
  return [...chains.values()]
}

const isoOf = (at: number) => new Date(at).toISOString()
const headOf = ({ events }: Chain) => events.at(-1)?.seq ?? 0

/** As `nextSlotSql`: the first slot is the store's own chain's. */
function opened(before: ReadonlyMap<number, Chain>, chain: string): Chain {
  const last = [...before.values()].map((one) => slotOf(one.firstSlot, headOf(one)))
  return { chain, firstSlot: Math.max(0, ...last) + 1, events: [], runs: [] }
}

function append({ chain, firstSlot, events, runs }: Chain, seq: number, event: AuditEvent): void {
  const { object_key: key, grant_id: grantId, ...head } = columnsOf(event)
  const last = runs.at(-1)
  const isSame =
    last?.last_seq === seq - 1 &&
    Object.entries(head).every(([name, value]) => last[name as keyof typeof last] === value)
  if (isSame) last.last_seq = seq
  else runs.push({ chain, first_seq: seq, last_seq: seq, ...head })
  events.push({
    chain,
    seq,
    run_seq: runs.at(-1)!.first_seq,
    at: head.at,
    object_key: key,
    key_place: keyPlace(slotOf(firstSlot, seq), key),
    grant_id: grantId,
    event: JSON.stringify(event),
    hash: 'h',
  })
}
