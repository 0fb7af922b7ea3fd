import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequestCounter } from './request-counter.ts'

test('so many requests go through in a minute, and those after are told how long to wait', () => {
  let now = 1_000_000
  const count = createRequestCounter(2, () => now)
  assert.deepEqual([count('a'), count('a')], [0, 0])
  now += 20_500
  assert.equal(count('a'), 40)
  assert.equal(count('b'), 0, 'another has a count of its own')
  now += 39_499
  assert.equal(count('a'), 1, 'asking again does not make the minute longer')
  now += 1
  assert.deepEqual([count('a'), count('a'), count('a')], [0, 0, 60])
})

test('a limit of nothing lets nothing through', () => {
  assert.equal(createRequestCounter(0, () => 5)('a'), 60)
})

test('the memory for counts is bounded: who began first is forgotten', () => {
  const count = createRequestCounter(1, () => 5)
  assert.deepEqual([count('first'), count('first')], [0, 60])
  for (let other = 0; other < 49_999; other++) count(`other ${other}`)
  assert.equal(count('first'), 60)
  count('one more')
  assert.equal(count('other 0'), 60)
  assert.equal(count('first'), 0)
})
