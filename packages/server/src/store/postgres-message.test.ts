import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addLineOfBytes,
  addLines,
  addParameter,
  addText,
  beginBind,
  beginParameter,
  createBindMessage,
  endBind,
  endLines,
  type BindMessage,
} from './postgres-message.ts'

function written(message: BindMessage, write: () => void, parameters: number): string[] {
  beginBind(message, 'statement', parameters)
  write()
  endBind(message)
  return read(message.bytes.subarray(0, message.length))
}

/** As a server reads it: every length has to fit. */
function read(bytes: Buffer): string[] {
  assert.equal(bytes.toString('latin1', 0, 1), 'B')
  assert.equal(bytes.readInt32BE(1), bytes.length - 1)
  const begin = 5 + Buffer.byteLength('\0statement\0')
  assert.equal(bytes.toString('latin1', 5, begin), '\0statement\0')
  assert.equal(bytes.readInt16BE(begin), 0)
  let at = begin + 4
  const parameters = Array.from({ length: bytes.readInt16BE(begin + 2) }, () => {
    const length = bytes.readInt32BE(at)
    at += 4 + length
    assert.ok(length >= 0 && at <= bytes.length - 2)
    return bytes.toString('utf8', at - length, at)
  })
  assert.equal(bytes.readInt16BE(at), 0)
  assert.equal(at + 2, bytes.length)
  return parameters
}

test('parameters arrive as they were, in any alphabet and of any length', () => {
  const texts = ['', 'a', 'Zürich 日本 🎉', 'x'.repeat(100_000), 'é'.repeat(20_000), '"quoted\\"']
  const write = () => texts.forEach((text) => addParameter(message, text))
  const message = createBindMessage()
  assert.deepEqual(written(message, write, texts.length), texts)
})

test('lines have no break behind the last one, and no lines are an empty text', () => {
  const message = createBindMessage()
  const source = Buffer.from('..middle..')
  const write = () => {
    beginParameter(message)
    addText(message, 'first\n')
    addLineOfBytes(message, source, 2, 8)
    addLineOfBytes(message, source, 3, 3)
    endLines(message)
    beginParameter(message)
    endLines(message)
    beginParameter(message)
    addLines(message, 7, 3)
    addLines(message, 12_345, 2)
    addLines(message, 'none', 0)
    endLines(message)
  }
  assert.deepEqual(written(message, write, 3), ['first\nmiddle\n', '', '7\n7\n7\n12345\n12345'])
})

test('nothing of a longer message before is left in a shorter one', () => {
  const message = createBindMessage()
  written(message, () => addParameter(message, 'secret'.repeat(10_000)), 1)
  assert.deepEqual(
    written(message, () => addParameter(message, 'b'), 1),
    ['b'],
  )
})

test('so many lines that they need more room', () => {
  const message = createBindMessage()
  const [lines] = written(
    message,
    () => {
      beginParameter(message)
      addLines(message, 'line', 50_000)
      endLines(message)
    },
    1,
  )
  assert.equal(lines, Array.from({ length: 50_000 }, () => 'line').join('\n'))
})
