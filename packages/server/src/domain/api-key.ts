import type { KeyKind } from '@signpost/contract'
import { hash, timingSafeEqual } from 'node:crypto'

/**
 * `sp_<id>_<secret>` (a session `ss_`, an access token `st_`, a share link `sl_`): an id of 60 bits to find the key by, safe to show, and a secret of 256 bits. The fixed beginning
 * and lengths let secret scanners find a key that was committed by mistake.
 */
const token = /^(s[pstl])_([0-9a-hjkmnp-tv-z]{12})_([A-Za-z0-9_-]{43})$/
const beginnings = {
  apiKey: 'sp',
  session: 'ss',
  accessToken: 'st',
  shareLink: 'sl',
} as const satisfies Record<KeyKind, string>
const kinds = Object.fromEntries(Object.entries(beginnings).map(([kind, text]) => [text, kind])) as Record<
  string,
  KeyKind
>

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

export function makeApiKey(random: (size: number) => Uint8Array, kind: KeyKind = 'apiKey'): NewApiKey {
  const id = Array.from(random(idLength), (byte) => idAlphabet[byte & 31]).join('')
  const secret = Buffer.from(random(secretBytes)).toString('base64url')
  return { id, token: `${beginnings[kind]}_${id}_${secret}`, secretHash: hashSecret(secret) }
}

export interface ParsedApiKey {
  /** As its beginning says; the row must say the same. */
  kind: KeyKind
  id: string
  secret: string
}

/** Null: this is no key. */
export function parseApiKey(text: string): ParsedApiKey | null {
  const match = token.exec(text)
  return match ? { kind: kinds[match[1]!]!, id: match[2]!, secret: match[3]! } : null
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
