/**
 * Percent-encoding as SigV4 wants it (written for this verifier alone; the signer has its own, on purpose).
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "UriEncode()"
 */
import { S3Error } from './s3-error.ts'

// ignoreBOM keeps a leading U+FEFF: a key is bytes, and losing three of them would verify another key.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const ENCODED_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if (/[A-Za-z0-9\-._~]/.test(character)) return character
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/** Every byte but A-Z a-z 0-9 - . _ ~ becomes %XX. */
export function encodeUri(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) out += ENCODED_BYTES[byte]
  return out
}

/** As `encodeUri`, but `/` stays (object keys in paths and access logs). */
export function encodeUriPath(text: string): string {
  return text.split('/').map(encodeUri).join('/')
}

/** Undoes percent-encoding; a stray `%` or bytes that are not UTF-8 are refused rather than guessed. */
export function decodeUri(text: string, options: { plusIsBlank: boolean }): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new S3Error('InvalidURI')
  const blanks = options.plusIsBlank ? text.replaceAll('+', ' ') : text
  const bytes = Buffer.from(
    blanks.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new S3Error('InvalidURI')
  }
}
