import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { awkwardText, seed } from '../testing/awkward.ts'
import { encodeComponent, encodePath } from './encode.ts'

/** AWS's UriEncode, as its signing guide has it: byte for byte. */
function slowlyEncoded(text: string, keepsSlash: boolean): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      if (/[A-Za-z0-9\-._~]/.test(character) || (keepsSlash && character === '/')) return character
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

const text = fc.oneof(awkwardText, fc.string({ unit: 'binary' })).filter((value) => value.isWellFormed())

test('encoding equals the byte-for-byte reference, for components and for paths', () => {
  fc.assert(
    fc.property(text, (value) => {
      assert.equal(encodeComponent(value), slowlyEncoded(value, false))
      assert.equal(encodePath(value), slowlyEncoded(value, true))
    }),
    { numRuns: 5000, seed },
  )
})

test('every ASCII character is encoded as the reference does', () => {
  for (let code = 0; code < 128; code++) {
    const character = String.fromCharCode(code)
    assert.equal(encodeComponent(character), slowlyEncoded(character, false))
    assert.equal(encodePath(`a${character}b`), slowlyEncoded(`a${character}b`, true))
  }
})
