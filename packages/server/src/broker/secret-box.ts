import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { SignpostError } from '@signpost/contract'
import type { SecretBox } from './deps.ts'

const version = 'v1'
const nonceBytes = 12
const tagBytes = 16
const masterKeyBytesMin = 32

interface BoxKey {
  id: string
  key: Uint8Array
  fingerprintKey: Uint8Array
}

/**
 * AES-256-GCM under keys derived from the master keys: the first seals, all of them open, so that a key can be replaced.
 * What is sealed reads `v1.<key id>.<nonce>.<ciphertext and tag>` and opens only for the row that it was bound to.
 */
export function createSecretBox(masterKeys: readonly Uint8Array[]): SecretBox {
  const keys = masterKeys.map(boxKeyOf)
  const first = keys[0]
  if (!first) throw new Error('There is no master key.')
  return {
    seal(plain, boundTo) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce)
      cipher.setAAD(Buffer.from(`${version}.${first.id}.${boundTo}`))
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return [version, first.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
    },
    isPresent: (sealed) => sealed.startsWith(`${version}.${first.id}.`),
    fingerprint: (text) => fingerprintOf(first, text),
    isFingerprint: (fingerprint, text) => keys.some((key) => fingerprintOf(key, text) === fingerprint),
    open(sealed, boundTo) {
      const [v, keyId, nonce, body] = sealed.split('.')
      const used = keys.find(({ id }) => id === keyId)
      if (v !== version || !nonce || !body)
        throw unavailable('A stored credential is not in a form that this version reads.')
      if (!used)
        throw unavailable('A stored credential was sealed with another master key than the one given.')
      try {
        return openWith(used, Buffer.from(nonce, 'base64url'), Buffer.from(body, 'base64url'), boundTo)
      } catch (cause) {
        throw unavailable('A stored credential was changed, or belongs to another connector.', cause)
      }
    },
  }
}

function fingerprintOf({ fingerprintKey }: BoxKey, text: string): string {
  return createHmac('sha256', fingerprintKey).update(text).digest('hex')
}

function openWith({ id, key }: BoxKey, nonce: Buffer, body: Buffer, boundTo: string): string {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(`${version}.${id}.${boundTo}`))
  decipher.setAuthTag(body.subarray(-tagBytes))
  return Buffer.concat([decipher.update(body.subarray(0, -tagBytes)), decipher.final()]).toString('utf8')
}

function boxKeyOf(master: Uint8Array): BoxKey {
  if (master.byteLength < masterKeyBytesMin)
    throw new Error(`The master key is shorter than ${masterKeyBytesMin} bytes.`)
  const key = new Uint8Array(hkdfSync('sha256', master, '', 'signpost secret box v1', 32))
  // Of the derived key: says which one it was, and nothing about it.
  const id = createHash('sha256').update('signpost key id').update(key).digest('hex').slice(0, 12)
  const fingerprintKey = new Uint8Array(hkdfSync('sha256', master, '', 'signpost fingerprint v1', 32))
  return { id, key, fingerprintKey }
}

function unavailable(message: string, cause?: unknown): SignpostError {
  return new SignpostError('credential_unavailable', message, { cause })
}
