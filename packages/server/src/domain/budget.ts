/** How much of a budget is used, by slots of time, and whether something more fits. */
import type { BudgetLimits } from '@signpost/contract'
import type { BudgetRule } from './access-rules.ts'

export type LimitName = keyof BudgetLimits

/** URLs, and bytes that may be written by them. */
export interface Use {
  urls: number
  bytes: number
}

export interface Used extends Record<LimitName, number> {
  /** When the first of what is live ends; ms since the epoch. */
  liveEndsAt?: number | undefined
}

/** Why something does not fit. */
export interface Spent {
  rule: BudgetRule
  limit: LimitName
  max: number
  /** When some of it is free again; undefined: it never fits. */
  freeAt: number | undefined
}

/** What a write unit adds to one slot. */
export interface Booking {
  rule: BudgetRule
  limit: LimitName
  /** Of the slots that count together: the limit's name, and behind it of which upload. */
  name: string
  endsAt: number
  amount: number
  max: number
}

const minuteMs = 60_000
const dayMs = 86_400_000

/** Of the minute of the clock, and of the day in UTC. */
export const minuteEnd = (at: number): number => (Math.floor(at / minuteMs) + 1) * minuteMs
export const dayEnd = (at: number): number => (Math.floor(at / dayMs) + 1) * dayMs

/** Live bytes are given back at the end of a minute, those of long lives at the end of a quarter of an hour: few slots. */
export function liveSlotEnd(endsAt: number, at: number): number {
  const step = endsAt - at <= 2 * 3_600_000 ? minuteMs : 15 * minuteMs
  return Math.ceil(endsAt / step) * step
}

/** An upload's bytes have a slot of their own: they are given back when it is completed or given up. */
export const uploadSlotName = (uploadId: string): string => `liveWriteBytes:${uploadId}`

export const nothingUsed: Used = Object.freeze({ urlsPerMinute: 0, liveWriteBytes: 0, writeBytesPerDay: 0 })

/** Does a budget count bytes? Then it must be known how many a URL is for. */
export function countsBytes(rules: readonly BudgetRule[]): boolean {
  return rules.some(
    ({ limits }) => limits.liveWriteBytes !== undefined || limits.writeBytesPerDay !== undefined,
  )
}

/** What one call takes of all budgets that are about it. */
export interface Spending {
  /** Takes it where it fits into every budget; else takes nothing. */
  take(use: Use): Spent | undefined
  /** What was taken is not used after all. */
  giveBack(use: Use): void
  /** Bytes that were taken are live until then. */
  live(bytes: number, endsAt: number, uploadId?: string): void
  /** For the unit that makes all of this true. */
  bookings(): Booking[]
  /** Why what was taken does not fit, by what is known now. */
  spent(): Spent | undefined
  /** The unit is written. */
  written(): void
  /** It is not, and nothing is taken any more. */
  forget(): void
  /** What is known now: rules as they stand, and what of them is used by budget. */
  know(rules: readonly BudgetRule[], used: ReadonlyMap<string, Used>, at: number): void
}

const limitNames = ['urlsPerMinute', 'liveWriteBytes', 'writeBytesPerDay'] as const

/** Until `know` has told it more, nothing counts as used: the unit is guarded all the same. */
export function createSpending(rules: readonly BudgetRule[], at: number): Spending {
  let known = { rules, at, used: new Map<string, Used>() as ReadonlyMap<string, Used> }
  /** Written since `known` was read. */
  let since: Use = { urls: 0, bytes: 0 }
  let taken: Use = { urls: 0, bytes: 0 }
  let slots = new Map<string, { name: string; endsAt: number; bytes: number }>()

  const spentBy = (more: Use): Spent | undefined => {
    for (const rule of known.rules)
      for (const limit of limitNames) {
        const max = rule.limits[limit]
        const of = limit === 'urlsPerMinute' ? 'urls' : 'bytes'
        const wanted = taken[of] + more[of]
        if (max === undefined || wanted === 0) continue
        const used = known.used.get(rule.id) ?? nothingUsed
        if (used[limit] + since[of] + wanted <= max) continue
        return { rule, limit, max, freeAt: (more[of] || wanted) > max ? undefined : freeAt(limit, used) }
      }
    return undefined
  }
  const freeAt = (limit: LimitName, { liveEndsAt = Infinity }: Used): number => {
    if (limit === 'urlsPerMinute') return minuteEnd(known.at)
    if (limit === 'writeBytesPerDay') return dayEnd(known.at)
    const first = Math.min(liveEndsAt, ...[...slots.values()].map(({ endsAt }) => endsAt))
    return Number.isFinite(first) ? first : minuteEnd(known.at)
  }
  const forget = () => {
    taken = { urls: 0, bytes: 0 }
    slots = new Map()
  }

  return {
    take(use) {
      const spent = spentBy(use)
      if (!spent) taken = sum(taken, use)
      return spent
    },
    giveBack: ({ urls, bytes }) => void (taken = sum(taken, { urls: -urls, bytes: -bytes })),
    live(bytes, endsAt, uploadId) {
      if (bytes === 0) return
      const name = uploadId === undefined ? 'liveWriteBytes' : uploadSlotName(uploadId)
      const slotEnd = liveSlotEnd(endsAt, known.at)
      const place = `${name} ${slotEnd}`
      slots.set(place, { name, endsAt: slotEnd, bytes: bytes + (slots.get(place)?.bytes ?? 0) })
    },
    bookings: () => known.rules.flatMap((rule) => bookingsOf(rule, taken, slots.values(), known.at)),
    spent: () => spentBy({ urls: 0, bytes: 0 }),
    written() {
      since = sum(since, taken)
      forget()
    },
    forget,
    know(nowRules, used, now) {
      known = { rules: nowRules, used, at: now }
      since = { urls: 0, bytes: 0 }
    },
  }
}

function bookingsOf(
  rule: BudgetRule,
  { urls, bytes }: Use,
  live: Iterable<{ name: string; endsAt: number; bytes: number }>,
  at: number,
): Booking[] {
  const one = (limit: LimitName, name: string, endsAt: number, amount: number): Booking[] => {
    const max = rule.limits[limit]
    return max === undefined || amount === 0 ? [] : [{ rule, limit, name, endsAt, amount, max }]
  }
  return [
    ...one('urlsPerMinute', 'urlsPerMinute', minuteEnd(at), urls),
    ...one('writeBytesPerDay', 'writeBytesPerDay', dayEnd(at), bytes),
    ...[...live].flatMap((slot) => one('liveWriteBytes', slot.name, slot.endsAt, slot.bytes)),
  ]
}

const sum = (one: Use, other: Use): Use => ({
  urls: one.urls + other.urls,
  bytes: one.bytes + other.bytes,
})
