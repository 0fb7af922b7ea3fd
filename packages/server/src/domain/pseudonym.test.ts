import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { makePseudonym } from './pseudonym.ts'

test('a pseudonym is a random UUID', () => {
  const one = makePseudonym(randomBytes)
  assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.notEqual(makePseudonym(randomBytes), one)
})
