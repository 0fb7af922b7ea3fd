/** What checks checkpoints of the audit trail, by Node: no server is asked, and none of its code is needed. */
import { createPublicKey, hash, verify } from 'node:crypto'
import type { CheckpointCrypto } from '@signpost/contract'

export const checkpointCrypto: CheckpointCrypto = {
  sha256Hex: (text) => hash('sha256', text, 'hex'),
  sha256HexOfBytes: (bytes) => hash('sha256', bytes, 'hex'),
  isSigned(publicKey, text, signature) {
    const x = Buffer.from(publicKey).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, Buffer.from(text), key, signature)
  },
}
