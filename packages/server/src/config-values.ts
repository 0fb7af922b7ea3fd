/** The forms that values of settings have. */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)
export const port = integer(0, 65_535)
export const flag = z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true')
export const list = (item: z.ZodString) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item))
export const path = z.string().min(1).max(4096)
export const addressRange = z
  .string()
  .refine(isAddressRange, 'must be addresses or CIDR ranges, such as 10.0.0.0/8')
export const origin = z
  .string()
  .refine(isOrigin, 'must be exact origins, such as https://app.example.com, separated by commas')
export const masterKey = z.string().refine(isMasterKey, 'must be the base64 of exactly 32 bytes')
export const ed25519Key = z
  .string()
  .refine(
    isEd25519Key,
    'must be an Ed25519 private key, PEM, as `openssl genpkey -algorithm ed25519` makes it',
  )
export const ed25519KeyOrLost = z
  .string()
  .refine(
    (text) => text === 'lost' || isEd25519Key(text),
    'must be an Ed25519 private key, PEM, as `openssl genpkey -algorithm ed25519` makes it, or the word `lost`',
  )

function isEd25519Key(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'ed25519'
  } catch {
    return false
  }
}

function isMasterKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=?$/.test(text) && Buffer.from(text, 'base64').length === 32
}

function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text
}
