import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prefixesOverlap } from './prefix-overlap.ts'

test('prefixes overlap when one holds the other', () => {
  assert.equal(prefixesOverlap('a/', 'a/'), true)
  assert.equal(prefixesOverlap('a/', 'a/b/'), true)
  assert.equal(prefixesOverlap('a/b/', 'a/'), true)
  assert.equal(prefixesOverlap('', 'a/'), true)
  assert.equal(prefixesOverlap('a/', 'ab/'), false)
  assert.equal(prefixesOverlap('a/b/', 'a/c/'), false)
})
