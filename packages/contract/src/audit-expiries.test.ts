import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryVerdict, policyIn } from './audit-expiries.ts'
import { expireDetails } from './audit-removals.ts'
import type { AuditEvent } from './schemas/audit.ts'

const dayMs = 86_400_000
const begin = Date.parse('2026-01-01T00:00:00.000Z')
const on = (day: number) => new Date(begin + day * dayMs).toISOString()

const event = (day: number, fields: Pick<AuditEvent, 'type'> & Partial<AuditEvent>): AuditEvent => ({
  id: 'id',
  at: on(day),
  decision: 'allow',
  reason: 'tests',
  ...fields,
})
const policy = (day: number, trailDays: number | null) =>
  event(day, { type: 'audit.retention', details: { trailDays } })
const again = (
  day: number,
  trailDays: number | null,
  firstAt: string | number | null,
  reason = 'told_again',
) => event(day, { type: 'audit.retention', reason, details: { trailDays, firstAt } })

/** Of a record of day 100: by checkpoints what it takes away was 70 days old, to the day. */
function problemBy(policies: readonly AuditEvent[]): string | null {
  const head = (chain: string) => ({ chain, seq: 5, hash: 'x' })
  const told = expireDetails([head('a')], [], [])
  const record = event(100, { type: 'audit.expire', details: { events: 5, before: on(30), ...told } })
  const { expiries } = expiryVerdict({
    records: [{ chain: 'b', seq: 9, event: record }],
    policies,
    vouched: [
      { number: 1, at: on(30), heads: [] },
      { number: 2, at: on(30), heads: [head('a')] },
      { number: 3, at: on(100), heads: [head('a'), { ...head('b'), seq: 9 }] },
    ],
    now: begin + 101 * dayMs,
  })
  return expiries![0]!.problem
}

test('a record is judged by the newest policy before it, also where that was told again', () => {
  const cases: [what: string, policies: AuditEvent[], problem: RegExp | null][] = [
    ['none', [], null],
    ['kept too short', [policy(10, 60)], null],
    ['kept too long', [policy(10, 80)], /the policy kept 80/],
    ['the newer', [policy(10, 365), policy(20, 60)], null],
    ['the newer, wherever it stands', [policy(20, 365), policy(10, 60)], /kept 365/],
    ['the newer, told again', [policy(10, 365), again(100, 60, on(20))], null],
    ['the newer, told again after the record', [policy(10, 365), again(200, 60, on(20))], null],
    ['the older, told again', [policy(20, 365), again(99, 60, on(10))], /kept 365/],
    ['both told again', [again(90, 60, on(20)), again(95, 365, on(10))], null],
    ['both told again, the newer keeps longer', [again(90, 365, on(20)), again(95, 60, on(10))], /kept 365/],
    ['for good, told again', [policy(10, 60), again(100, null, on(20))], /for good/],
  ]
  for (const [what, policies, problem] of cases)
    if (problem === null) assert.equal(problemBy(policies), null, what)
    else assert.match(problemBy(policies) ?? '', problem, what)
})

test('what says to be told again counts for nothing, unless it says since when, and no more than a policy does itself', () => {
  const standing = policy(10, 365)
  const ignored: [what: string, forged: AuditEvent][] = [
    ['no time', again(20, 60, null)],
    ['a number', again(20, 60, begin)],
    ['no date', again(20, 60, 'tomorrow')],
    ['later than itself', again(20, 60, on(50))],
    ['refused', { ...again(100, 60, on(20)), decision: 'deny' }],
    // Within the hour before a record, a policy leaves open what was in force: one that is told again is not of that hour.
    ['older than what stands, told beside the record', again(100, 60, on(5))],
  ]
  for (const [what, forged] of ignored) assert.match(problemBy([standing, forged]) ?? '', /kept 365/, what)
  // The very same could be had by an event that does not say to be told again.
  for (const [day, days] of [
    [20, 60],
    [5, 60],
    [20, 80],
    [100, 60],
    [101, 60],
  ] as const)
    assert.equal(
      problemBy([standing, again(200, days, on(day))]),
      problemBy([standing, policy(day, days)]),
      `day ${day}`,
    )
})

test('only an event that is told again is of another time than its own', () => {
  assert.deepEqual(policyIn(again(20, 60, on(5), 'organisation_admin')), { trailDays: 60, firstAt: on(20) })
  assert.deepEqual(policyIn(again(20, 60, on(5))), { trailDays: 60, firstAt: on(5) })
})
