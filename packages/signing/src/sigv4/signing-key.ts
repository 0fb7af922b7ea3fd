/** Stage 3 of SigV4 and GOOG4-HMAC: the signing key of one day, region and service, and the signature made with it. */

import { createHmac } from 'node:crypto'

export interface SigningKeyParts {
  /** `AWS4` or `GOOG4`. */
  prefix: string
  secret: string
  day: string
  region: string
  service: string
  /** `aws4_request` or `goog4_request`. */
  terminator: string
}

export function signingKey(parts: SigningKeyParts): Buffer {
  const dayKey = hmac(`${parts.prefix}${parts.secret}`, parts.day)
  const regionKey = hmac(dayKey, parts.region)
  const serviceKey = hmac(regionKey, parts.service)
  return hmac(serviceKey, parts.terminator)
}

export function signatureOf(key: Buffer, stringToSign: string): string {
  return createHmac('sha256', key).update(stringToSign).digest('hex')
}

interface CachedSigningKey {
  parts: SigningKeyParts
  key: Buffer
}

/**
 * The latest signing key of each credential object. Deriving one costs four HMACs, three times the rest of a signature.
 * It is the package's only state, and cannot be observed: an entry is used only if every input of the derivation is
 * equal. Bounded, and no keeper of secrets: one entry a credential, which goes when the caller drops that object.
 * So keep the credential object between calls; a copy for every call is correct too, and slower.
 */
const latestKeys = new WeakMap<object, CachedSigningKey>()

export function cachedSigningKey(credential: object, parts: SigningKeyParts): Buffer {
  const latest = latestKeys.get(credential)
  if (latest !== undefined && isSameKey(latest.parts, parts)) return latest.key
  const key = signingKey(parts)
  latestKeys.set(credential, { parts, key })
  return key
}

function isSameKey(left: SigningKeyParts, right: SigningKeyParts): boolean {
  return (
    left.day === right.day &&
    left.secret === right.secret &&
    left.region === right.region &&
    left.service === right.service &&
    left.prefix === right.prefix &&
    left.terminator === right.terminator
  )
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
