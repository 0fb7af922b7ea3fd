import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTextBytes } from './text-bytes.ts'

test('what was added comes back in order, however much it is and whatever it is written with', () => {
  const parts = Array.from({ length: 3000 }, (_, i) => `${i} ${'aß€😀'.repeat(i % 7)}\n`)
  const bytes = createTextBytes()
  for (const part of parts) bytes.add(part)
  assert.equal(bytes.bytes().toString(), parts.join(''))
})

test('one part may be longer than all the room there is', () => {
  const long = '€'.repeat(100_000)
  const bytes = createTextBytes()
  bytes.add('before ')
  bytes.add(long)
  assert.equal(bytes.bytes().toString(), `before ${long}`)
})

test('what was cleared is not in it any more, and its place is used again', () => {
  const bytes = createTextBytes()
  bytes.add('a longer first text')
  const size = bytes.size()
  bytes.clear()
  bytes.add('second')
  assert.equal(bytes.bytes().toString(), 'second')
  assert.equal(bytes.size(), size)
})

test('nothing added is an empty text', () => {
  assert.equal(createTextBytes().bytes().toString(), '')
})
