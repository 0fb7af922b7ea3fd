import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCrc32c } from './crc32c.ts'

/** RFC 3720, appendix B.4, and the usual check value of the digits. */
test('the published check values, in one piece and in many', () => {
  const of = (...pieces: Uint8Array[]) => {
    const crc = createCrc32c()
    for (const piece of pieces) crc.update(piece)
    return Buffer.from(crc.digest('base64'), 'base64').toString('hex')
  }
  assert.equal(of(Buffer.from('123456789')), 'e3069283')
  assert.equal(of(Buffer.from('1234'), Buffer.from(''), Buffer.from('56789')), 'e3069283')
  // The appendix gives them byte by byte from the lowest.
  assert.equal(of(Buffer.alloc(32)), '8a9136aa')
  assert.equal(of(Buffer.alloc(32, 0xff)), '62a8ab43')
  assert.equal(of(), '00000000')
})
