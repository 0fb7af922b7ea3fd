import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHECKSUM_ALGORITHMS, createDigest } from './checksum.ts'

test('every checksum gives the published value for 123456789, in one piece and in many', () => {
  const expected = {
    crc32: 'cbf43926',
    crc32c: 'e3069283',
    crc64nvme: 'ae8b14860a799888',
    sha1: 'f7c3bc1d808e04732adf679965ccc34ca7ae3441',
    sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
  }
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const whole = createDigest(algorithm)
    whole.update(Buffer.from('123456789'))
    assert.equal(whole.digest().toString('hex'), expected[algorithm])
    const pieces = createDigest(algorithm)
    for (const character of '123456789') pieces.update(Buffer.from(character))
    assert.equal(pieces.digest().toString('hex'), expected[algorithm])
  }
})
