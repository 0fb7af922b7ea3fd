import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartLimits } from './connector.ts'
import { mebibyte, planParts } from './part-plan.ts'

const s3: PartLimits = { partSizeBytesMin: 5 * mebibyte, partSizeBytesMax: 5120 * mebibyte, partsMax: 10_000 }
const gibibyte = 1024 * mebibyte

test('a small object has parts of 8 MiB, a large one of up to 64 MiB', () => {
  assert.deepEqual(planParts({ sizeBytes: 20 * mebibyte, limits: s3 }), {
    outcome: 'possible',
    partSizeBytes: 8 * mebibyte,
    partCount: 3,
  })
  const large = planParts({ sizeBytes: 100 * gibibyte, limits: s3 })
  assert.deepEqual(large, { outcome: 'possible', partSizeBytes: 64 * mebibyte, partCount: 1600 })
})

test('a very large object fits into the number of parts that the provider takes', () => {
  const sizeBytes = 5000 * gibibyte
  const plan = planParts({ sizeBytes, limits: s3 })
  assert.ok(plan.outcome === 'possible' && plan.partCount !== null)
  assert.ok(plan.partCount <= s3.partsMax)
  assert.ok(plan.partCount * plan.partSizeBytes >= sizeBytes)
  assert.equal(plan.partSizeBytes % mebibyte, 0)
})

test('a wish is raised and lowered to the limits', () => {
  const of = (wishBytes: number, sizeBytes: number | null = 100 * mebibyte) => {
    const plan = planParts({ sizeBytes, wishBytes, limits: s3 })
    return plan.outcome === 'possible' ? plan.partSizeBytes : 0
  }
  assert.equal(of(1), s3.partSizeBytesMin)
  assert.equal(of(10_000_001), 10_000_001)
  assert.equal(of(10 ** 13), s3.partSizeBytesMax)
  assert.equal(of(1, s3.partsMax * 6 * mebibyte), 6 * mebibyte)
})

test('an unknown size has large parts and no count; an empty object is one part', () => {
  assert.deepEqual(planParts({ sizeBytes: null, limits: s3 }), {
    outcome: 'possible',
    partSizeBytes: 64 * mebibyte,
    partCount: null,
  })
  const empty = planParts({ sizeBytes: 0, limits: s3 })
  assert.ok(empty.outcome === 'possible' && empty.partCount === 1)
})

test('more than the provider takes is refused', () => {
  const sizeBytesMax = s3.partSizeBytesMax * s3.partsMax
  assert.deepEqual(planParts({ sizeBytes: sizeBytesMax + 1, limits: s3 }), {
    outcome: 'too_large',
    sizeBytesMax,
  })
})
