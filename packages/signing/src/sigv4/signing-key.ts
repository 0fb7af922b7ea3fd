/** Stage 3 of SigV4 and GOOG4-HMAC: the signing key of one day, region and service, and the signature made with it. */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { CredentialScope } from './string-to-sign.ts'

/** `AWS4` or `GOOG4`. */
export type KeyPrefix = 'AWS4' | 'GOOG4'

export function signingKey(prefix: KeyPrefix, secret: string, scope: CredentialScope): KeyObject {
  const dayKey = hmac(`${prefix}${secret}`, scope.day)
  const regionKey = hmac(dayKey, scope.region)
  const serviceKey = hmac(regionKey, scope.service)
  // A KeyObject, because Node 24's createHmac is six times slower with the bytes of a key.
  return createSecretKey(hmac(serviceKey, scope.terminator))
}

/** Lower-case hex. */
export function signatureOf(key: KeyObject, stringToSign: string): string {
  return createHmac('sha256', key).update(stringToSign).digest('hex')
}

interface CachedSigningKey {
  prefix: KeyPrefix
  secret: string
  scope: CredentialScope
  key: KeyObject
}

/**
 * The latest signing key of each credential object. Deriving one takes four HMACs, several times the rest of a signature.
 * It is the package's only state, and cannot be observed: an entry is used only if every input of the derivation is
 * equal. Bounded, and no keeper of secrets: one entry a credential, which goes when the caller drops that object.
 * So keep the credential object between calls; a copy for every call is correct too, and slower.
 */
const latestKeys = new WeakMap<object, CachedSigningKey>()

export function cachedSigningKey(
  credential: object,
  prefix: KeyPrefix,
  secret: string,
  scope: CredentialScope,
): KeyObject {
  const latest = latestKeys.get(credential)
  if (
    latest !== undefined &&
    latest.prefix === prefix &&
    latest.secret === secret &&
    isSameScope(latest.scope, scope)
  ) {
    return latest.key
  }
  const key = signingKey(prefix, secret, scope)
  latestKeys.set(credential, { prefix, secret, scope, key })
  return key
}

function isSameScope(left: CredentialScope, right: CredentialScope): boolean {
  return (
    left.day === right.day &&
    left.region === right.region &&
    left.service === right.service &&
    left.terminator === right.terminator
  )
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', createSecretKey(typeof key === 'string' ? Buffer.from(key) : key))
    .update(text)
    .digest()
}
