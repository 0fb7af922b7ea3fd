/**
 * HMAC-SHA-256 (RFC 2104) of short texts, out of two one-shot hashes. `createHmac` sets up an OpenSSL context for each
 * text, which takes twice as long as all the hashing (and in Node 24 ten times, where the key comes as bytes).
 */

import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/** A key made ready: `H(outer || H(inner || text))`. The buffers are working space too; nothing is kept in them between calls. */
export interface HmacKey {
  /** The key's inner pad, then the text. */
  inner: Buffer
  /** The key's outer pad, then the inner digest. */
  outer: Buffer
}

export function hmacKey(key: Buffer): HmacKey {
  const short = key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key
  const inner = Buffer.allocUnsafe(BLOCK_BYTES).fill(0x36)
  const outer = Buffer.allocUnsafe(BLOCK_BYTES + DIGEST_BYTES).fill(0x5c)
  for (let at = 0; at < short.length; at++) {
    inner[at]! ^= short[at]!
    outer[at]! ^= short[at]!
  }
  return { inner, outer }
}

export function hmac(key: HmacKey, text: string, encoding: 'hex' | 'base64'): string {
  const length = BLOCK_BYTES + Buffer.byteLength(text)
  // SigV4's string to sign has one length for one key, so this happens once.
  if (key.inner.length !== length) key.inner = resized(key.inner, length)
  key.inner.write(text, BLOCK_BYTES)
  key.outer.write(hash('sha256', key.inner, 'binary'), BLOCK_BYTES, 'binary')
  return hash('sha256', key.outer, encoding)
}

/** Of texts that begin alike and are of one length: their beginning stands there already. */
export interface BegunHmac extends HmacKey {
  /** Where the end of a text goes. */
  at: number
}

export function beginHmac(key: HmacKey, beginning: string, endBytes: number): BegunHmac {
  const at = BLOCK_BYTES + Buffer.byteLength(beginning)
  const inner = resized(key.inner, at + endBytes)
  inner.write(beginning, BLOCK_BYTES)
  return { inner, outer: key.outer, at }
}

/** `end`: ASCII, of the length that was said. */
export function endHmac({ inner, outer, at }: BegunHmac, end: string): string {
  inner.write(end, at, 'latin1')
  outer.write(hash('sha256', inner, 'binary'), BLOCK_BYTES, 'binary')
  return hash('sha256', outer, 'hex')
}

function resized(inner: Buffer, length: number): Buffer {
  const other = Buffer.allocUnsafe(length)
  inner.copy(other, 0, 0, BLOCK_BYTES)
  return other
}
