const keysMax = 100
/** RSA keys of up to 8192 bits; longer ones would cost more to verify with than a token is worth. */
const numberLengthMax = 1366
const publicFields = ['kty', 'kid', 'alg', 'use', 'key_ops', 'n', 'e', 'crv', 'x', 'y'] as const

type PublicKey = Partial<Record<(typeof publicFields)[number], unknown>>

/**
 * The keys of a set (RFC 7517 §5) that can verify a signature, their public half only. Undefined: it is no set, has too
 * many, or none that is of use.
 */
export function publicKeysOf(document: unknown): PublicKey[] | undefined {
  const { keys } = (document ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys) || keys.length > keysMax) return undefined
  const usable = keys.filter(isUsable).map(publicHalf)
  return usable.length === 0 ? undefined : usable
}

function isUsable(key: unknown): key is PublicKey {
  if (typeof key !== 'object' || key === null) return false
  const { kty, n, use } = key as PublicKey
  // Never `oct`: a public key that is taken for a shared secret is how HS256 forgeries are made.
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return false
  if (use !== undefined && use !== 'sig') return false
  return kty !== 'RSA' || (typeof n === 'string' && n.length <= numberLengthMax)
}

function publicHalf(key: PublicKey): PublicKey {
  return Object.fromEntries(
    publicFields.filter((field) => Object.hasOwn(key, field)).map((field) => [field, key[field]]),
  )
}

/** Does somebody give a key away that is for the issuer alone? */
export function hasSecretHalf(keys: readonly object[]): boolean {
  return keys.some((key) => 'd' in key || 'k' in key || 'p' in key || 'q' in key)
}
