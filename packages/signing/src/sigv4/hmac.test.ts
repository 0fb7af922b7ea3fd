import assert from 'node:assert/strict'
import { createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { awkwardText, seed } from '../testing/awkward.ts'
import { hmac, hmacKey } from './hmac.ts'

test('a key made ready gives what createHmac gives, for keys and texts of every length, again and again', () => {
  const texts = fc.array(fc.oneof(awkwardText, fc.constant('')), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      texts,
      fc.constantFrom('hex', 'base64'),
      (bytes, several, encoding) => {
        const key = hmacKey(Buffer.from(bytes))
        for (const text of several) {
          const expected = createHmac('sha256', createSecretKey(Buffer.from(bytes)))
            .update(text)
            .digest(encoding)
          assert.equal(hmac(key, text, encoding), expected)
        }
      },
    ),
    { numRuns: 1000, seed },
  )
})
