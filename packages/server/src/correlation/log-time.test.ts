import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { basicTime, commonLogTime, ownTime } from './log-time.ts'

const [from, to] = [Date.UTC(100, 0), Date.UTC(9999, 11, 31, 23, 59, 59, 999)]

test('reads every instant as Date writes it', () => {
  const days = ['2000-02-29', '2024-02-29', '2100-02-28', '2100-03-01', '1970-01-01', '2026-12-31']
  for (const day of days) assert.equal(ownTime(`${day}T00:00:00.000Z`), Date.parse(day), day)
  fc.assert(
    fc.property(fc.integer({ min: from, max: to }), (at) => {
      const iso = new Date(at).toISOString()
      const second = Math.floor(at / 1000) * 1000
      assert.equal(ownTime(iso), at)
      assert.equal(basicTime(`${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z`), second)
      const [, day, month, year, time] = new Date(at).toUTCString().split(' ')
      assert.equal(commonLogTime(`${day}/${month}/${year}:${time} +0000`), second)
    }),
    { numRuns: 5000 },
  )
})

test('takes no other text, and no instant that there is not', () => {
  const odd = [
    '',
    '2026-11-23',
    '2026-11-23T12:00:00Z',
    '2026-11-23T12:00:00.1234Z',
    '2026-11-23T12:00:00.123+',
    '2026-11-23 12:00:00.123Z',
    '2026-11-23T12:00:00,123Z',
    '2026-11-23T12:00:00.12xZ',
    '2026-1x-23T12:00:00.123Z',
    '2026-02-29T12:00:00.123Z',
    '2100-02-29T12:00:00.123Z',
    '2026-13-01T12:00:00.123Z',
    '2026-00-01T12:00:00.123Z',
    '2026-11-00T12:00:00.123Z',
    '2026-11-23T24:00:00.000Z',
    '2026-11-23T23:60:00.000Z',
    '2026-11-23T23:59:60.000Z',
  ]
  for (const text of odd) assert.equal(ownTime(text), undefined, text)
})
