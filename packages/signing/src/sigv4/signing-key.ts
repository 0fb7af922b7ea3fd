/** Stage 3 of SigV4 and GOOG4-HMAC: the signing key of one day, region and service, and the signature made with it. */

import { hmac, hmacKey, type HmacKey } from './hmac.ts'
import type { CredentialScope } from './string-to-sign.ts'

/** `AWS4` or `GOOG4`. */
export type KeyPrefix = 'AWS4' | 'GOOG4'

export function signingKey(prefix: KeyPrefix, secret: string, scope: CredentialScope): HmacKey {
  const dayKey = derived(hmacKey(Buffer.from(`${prefix}${secret}`)), scope.day)
  const regionKey = derived(dayKey, scope.region)
  const serviceKey = derived(regionKey, scope.service)
  return derived(serviceKey, scope.terminator)
}

function derived(key: HmacKey, text: string): HmacKey {
  return hmacKey(Buffer.from(hmac(key, text, 'hex'), 'hex'))
}

/** Lower-case hex. */
export function signatureOf(key: HmacKey, stringToSign: string): string {
  return hmac(key, stringToSign, 'hex')
}

interface CachedSigningKey {
  prefix: KeyPrefix
  secret: string
  scope: CredentialScope
  key: HmacKey
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
): HmacKey {
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
