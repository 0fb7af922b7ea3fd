import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addExpiredCheckpoints,
  createRemovals,
  expireDetails,
  expiredCheckpointsIn,
  expiredCheckpointsMax,
} from './audit-removals.ts'
import type { AuditEvent } from './schemas/audit.ts'

const at = '2026-01-01T00:00:00.000Z'
const record = (checkpoints: string | number): AuditEvent => ({
  id: 'id',
  at,
  type: 'audit.expire',
  decision: 'allow',
  reason: 'retention',
  details: { checkpoints },
})

test('numbers of checkpoints are told in ranges, however many there are', () => {
  const cases: [numbers: number[], text: string | undefined][] = [
    [[], undefined],
    [[7], '7'],
    [[3, 1, 2, 7, 2], '1-3 7'],
    [Array.from({ length: 300_000 }, (_, index) => index + 1), '1-300000'],
  ]
  for (const [numbers, text] of cases) {
    assert.equal(expireDetails([], numbers, [])['checkpoints'], text)
    const told = text === undefined ? [] : expiredCheckpointsIn(record(text))
    assert.deepEqual(
      told,
      [...new Set(numbers)].toSorted((one, other) => one - other),
    )
  }
})

test('a record that names more checkpoints than there can be tells of none', () => {
  const half = `1-${expiredCheckpointsMax / 2}`
  const texts: (string | number)[] = [
    `1-${expiredCheckpointsMax + 1}`,
    Array.from({ length: 10_000 }, () => `1-${expiredCheckpointsMax}`).join(' '),
    `${half} ${half} 1`,
    // A range that ends before it begins makes no room for another.
    `${expiredCheckpointsMax}-1 1-${expiredCheckpointsMax} 1-9`,
    '1-Infinity',
    'one-two',
    '1-x',
    '9-1',
    7,
  ]
  for (const text of texts) {
    assert.deepEqual(expiredCheckpointsIn(record(text)), [], String(text).slice(0, 40))
    const removals = createRemovals([{ chain: 'a', seq: 2, event: record(text) }])
    assert.deepEqual([removals.checkpoints.size, removals.expiries.length], [0, 0])
  }
  assert.equal(expiredCheckpointsIn(record(`${half} ${half}`)).length, expiredCheckpointsMax)
})

test('records together tell of no more than there can be, and those that came first count', () => {
  const known = new Set<number>()
  for (const text of ['1-4', '3-6', '7-9']) addExpiredCheckpoints(known, record(text), 5)
  assert.deepEqual([...known], [1, 2, 3, 4, 5])
})
