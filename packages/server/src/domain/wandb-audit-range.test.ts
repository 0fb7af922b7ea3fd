import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { wandbRange, type WandbDates } from './wandb-audit-range.ts'

const now = Date.parse('2026-08-03T01:02:03.456Z')
const rangeOf = (dates: WandbDates) => {
  const { from, to } = wandbRange(dates, now)
  return [new Date(from).toISOString(), new Date(to).toISOString()].map((text) =>
    text.replace(':00.000Z', ''),
  )
}
const refused = (dates: WandbDates, field: string) =>
  assert.throws(
    () => wandbRange(dates, now),
    (error) => error instanceof SignpostError && error.code === 'invalid' && error.field === field,
    JSON.stringify(dates),
  )

test('nothing told: today, to its end', () => {
  assert.deepEqual(rangeOf({}), ['2026-08-03T00:00', '2026-08-04T00:00'])
  assert.deepEqual(rangeOf({ numDays: 0 }), ['2026-08-03T00:00', '2026-08-04T00:00'])
})

test('numDays counts back from today, and on from startDate', () => {
  assert.deepEqual(rangeOf({ numDays: 7 }), ['2026-07-27T00:00', '2026-08-04T00:00'])
  assert.deepEqual(rangeOf({ startDate: '2026-08-01', numDays: 2 }), ['2026-08-01T00:00', '2026-08-04T00:00'])
  assert.deepEqual(rangeOf({ startDate: '2026-08-01T13', numDays: 0 }), [
    '2026-08-01T13:00',
    '2026-08-02T00:00',
  ])
  assert.deepEqual(rangeOf({ startDate: '2026-08-01' }), ['2026-08-01T00:00', '2026-08-02T00:00'])
  assert.deepEqual(rangeOf({ numDays: 1500 }), ['2022-06-25T00:00', '2026-08-04T00:00'])
})

test('endDate is exclusive, and both take hours, minutes and seconds', () => {
  const dates = { startDate: '2026-08-01T13:30', endDate: '2026-08-01T15' }
  assert.deepEqual(rangeOf(dates), ['2026-08-01T13:30', '2026-08-01T15:00'])
  assert.deepEqual(rangeOf({ endDate: '2026-08-03T00:00:01' })[1], '2026-08-03T00:00:01.000Z')
  const { from, to } = wandbRange({ startDate: '2026-08-01', endDate: '2026-08-01' }, now)
  assert.equal(from, to)
})

test('whatever is no such date is refused, by its field', () => {
  for (const text of [
    '',
    'today',
    '2026-8-1',
    '2026-02-30',
    '2026-13-01',
    '2026-08-01T24',
    '2026-08-01T13:60',
    '2026-08-01 13:00',
    '2026-08-01T13:00:00Z',
    '2026-08-01T13:00:00.5',
    '+012026-08-01',
    '2026-08-01\n',
    '1754000000',
    "2026-08-01' or 1=1--",
  ]) {
    refused({ startDate: text }, 'startDate')
    refused({ endDate: text }, 'endDate')
  }
  refused({ startDate: '2026-08-02', endDate: '2026-08-01' }, 'endDate')
  refused({ endDate: '2026-08-02' }, 'endDate')
  refused({ startDate: '2026-08-02', endDate: '2026-08-03', numDays: 1 }, 'numDays')
  refused({ numDays: 999_999 }, 'numDays')
  refused({ startDate: '9999-12-31' }, 'startDate')
  refused({ startDate: '0000-01-01', endDate: '2026-01-01' }, 'startDate')
})
