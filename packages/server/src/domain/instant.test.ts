import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isoOf } from './instant.ts'

test('an instant is written as toISOString writes it', () => {
  const instants = fc.oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.integer({ min: 0, max: 4e12 }),
    fc.constantFrom(0, 7, 42, 999, -1, 253_402_300_799_999, 253_402_300_800_000, -62_167_219_200_001),
  )
  fc.assert(
    fc.property(instants, (ms) => isoOf(ms) === new Date(ms).toISOString()),
    { numRuns: 2000 },
  )
})

test('what is no instant throws', () => {
  for (const ms of [Number.NaN, Infinity, 8.65e15]) assert.throws(() => isoOf(ms), RangeError)
})
