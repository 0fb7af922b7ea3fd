import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonString } from './json-text.ts'

test('a text is written as JSON.stringify writes it', () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  fc.assert(fc.property(texts, (text) => jsonString(text) === JSON.stringify(text)))
  for (let unit = 0; unit < 0x1_00_00; unit++) {
    const text = `a${String.fromCharCode(unit)}`
    assert.equal(jsonString(text), JSON.stringify(text))
  }
})
