/** Ed25519 (RFC 8032) by Node, for checkpoints of the audit trail. */
import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto'
import { checkpointKey, type CheckpointCrypto, type CheckpointKey } from '@signpost/contract'
import { sha256Hex } from '../store/chain-opening.ts'

export const checkpointCrypto: CheckpointCrypto = {
  sha256Hex,
  sha256HexOfBytes: (bytes) => hash('sha256', bytes, 'hex'),
  isSigned(publicKey, text, signature) {
    const x = Buffer.from(publicKey).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, Buffer.from(text), key, signature)
  },
}

/** What stands before the 32 bytes of the key in PKCS #8, DER (RFC 8410, section 7). */
const pkcs8Beginning = Buffer.from('302e020100300506032b657004220420', 'hex')

/** @param seed 32 random bytes */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Beginning, seed]), format: 'der', type: 'pkcs8' })
}

export function signText(text: string, privateKey: KeyObject): Uint8Array {
  return sign(null, Buffer.from(text), privateKey)
}

/** The public half, under the deployment's name. */
export function publicHalf(origin: string, privateKey: KeyObject): CheckpointKey {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return checkpointKey(origin, Buffer.from(x, 'base64url'), checkpointCrypto)
}

/** The text that is sealed for the database. */
export function privateKeyText(privateKey: KeyObject): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

export function readPrivateKey(text: string): KeyObject {
  return createPrivateKey(text)
}
