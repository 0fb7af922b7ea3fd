import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTally } from './tally.ts'

const mib = 1024 * 1024
const names = { from: 'a', to: 'sp://t/a' }

test('what is said of a copy that is broken off is what a later run need not move again', () => {
  const tally = createTally()
  const [large, small] = [{}, {}]
  tally.expect(100 * mib)
  tally.progress(large, {
    transferredBytes: 60 * mib,
    totalBytes: 100 * mib,
    keptBytes: 40 * mib,
    resumedBytes: 8 * mib,
  })
  assert.deepEqual(tally.standing(), { text: '40.0 MiB of 100 MiB', files: 1 })
  tally.expect(null)
  tally.grow(mib)
  tally.over(small, { ...names, status: 'done', sizeBytes: mib })
  assert.deepEqual(tally.standing(), { text: '1 of 2 files, 41.0 MiB of 101 MiB', files: 2 })
  assert.equal(tally.over(large, { ...names, status: 'failed', error: new Error('x') }), 8 * mib)
  assert.deepEqual(tally.counts, { done: 1, skipped: 0, failed: 1 })
})

test('where nothing is safe, nothing is said', () => {
  const tally = createTally()
  tally.expect(10)
  tally.progress({}, { transferredBytes: 10, totalBytes: 10, keptBytes: 0, resumedBytes: 0 })
  assert.equal(tally.standing(), undefined)
})
