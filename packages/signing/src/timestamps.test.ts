import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seed } from './testing/awkward.ts'
import { basicTimestamp, extendedTimestamp } from './timestamps.ts'

test('timestamps are the ISO time without fractions, with or without punctuation, from 1970 to 9999', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (time) => {
      const iso = new Date(time).toISOString().replace(/\.\d+/, '')
      assert.equal(extendedTimestamp(time), iso)
      assert.equal(basicTimestamp(time), iso.replace(/[-:]/g, ''))
    }),
    { numRuns: 2000, seed },
  )
})
