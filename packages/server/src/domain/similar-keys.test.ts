import assert from 'node:assert/strict'
import { test } from 'node:test'
import { similarKeys } from './similar-keys.ts'

test('a slip of the pen, another case, a slash too many: the nearest first', () => {
  const known = ['runs/march.csv', 'runs/march.csv.gz', 'runs/April.csv', 'other']
  assert.deepEqual(similarKeys('runs/marsh.csv', known), ['runs/march.csv'])
  assert.deepEqual(similarKeys('runs/april.CSV', known), ['runs/April.csv'])
  assert.deepEqual(similarKeys('/runs/march.csv', known), ['runs/march.csv'])
  assert.deepEqual(similarKeys('runs/mrch.csv', known), ['runs/march.csv'])
})

test('what is known, and what is far from it, is not similar', () => {
  assert.deepEqual(similarKeys('a/b', ['a/b']), [])
  assert.deepEqual(similarKeys('a', ['xyz', 'bcd', '']), [''])
  assert.deepEqual(similarKeys('runs/march.csv', ['runs/may.csv', 'walks/arch.csv']), [])
  const long = 'k'.repeat(1024)
  assert.deepEqual(similarKeys(long, [`${long.slice(0, 900)}`]), [`${long.slice(0, 900)}`])
})
