import { hash, timingSafeEqual } from 'node:crypto'

/**
 * `sp_<id>_<secret>`: an id of 60 bits to find the key by, safe to show, and a secret of 256 bits. The fixed beginning
 * and lengths let secret scanners find a key that was committed by mistake.
 */
const token = /^sp_([0-9a-hjkmnp-tv-z]{12})_([A-Za-z0-9_-]{43})$/

/** Crockford's base32, lower case: no letters that are mistaken for digits. */
const idAlphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const idLength = 12
const secretBytes = 32

export interface NewApiKey {
  /** Public: the row's id. */
  id: string
  /** Shown once. */
  token: string
  /** What is stored. */
  secretHash: string
}

export function makeApiKey(random: (size: number) => Uint8Array): NewApiKey {
  const id = Array.from(random(idLength), (byte) => idAlphabet[byte & 31]).join('')
  const secret = Buffer.from(random(secretBytes)).toString('base64url')
  return { id, token: `sp_${id}_${secret}`, secretHash: hashSecret(secret) }
}

/** Null: this is no API key. */
export function parseApiKey(text: string): { id: string; secret: string } | null {
  const match = token.exec(text)
  return match ? { id: match[1]!, secret: match[2]! } : null
}

/** SHA-256, hex. A plain hash is enough: the secret is 256 random bits, so there is nothing to guess. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret)
}

/** In constant time. Compares with a hash of the same length even when the stored one is not. */
export function secretMatches(secret: string, storedHash: string): boolean {
  const given = Buffer.from(hashSecret(secret))
  const stored = Buffer.from(storedHash)
  return given.length === stored.length && timingSafeEqual(given, stored)
}
