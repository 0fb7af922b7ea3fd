import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createUuidV7 } from './uuid-v7.ts'

test('ids are UUIDs of version 7 that begin with the time', () => {
  const id = createUuidV7(() => 0x0192_3456_789a, randomBytes)()
  assert.match(id, /^01923456-789a-7000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('ids only ever go up, also when the clock stands still or goes back', () => {
  let now = 2_000_000_000_000
  const newId = createUuidV7(() => now, randomBytes)
  let last = ''
  for (let i = 0; i < 20_000; i++) {
    if (i === 10_000) now -= 5000
    const id = newId()
    assert.ok(id > last, `${id} after ${last}`)
    last = id
  }
})
