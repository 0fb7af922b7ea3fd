import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seed } from '../testing/awkward.ts'
import { basicTimestamp } from './string-to-sign.ts'

test('a timestamp is the ISO time without its punctuation and fractions, from 1970 to 9999', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (time) => {
      assert.equal(basicTimestamp(time), new Date(time).toISOString().replace(/[-:]|\.\d+/g, ''))
    }),
    { numRuns: 2000, seed },
  )
})
