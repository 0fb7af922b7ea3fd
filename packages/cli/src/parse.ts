import { InvalidArgumentError } from 'commander'

/** ms since the epoch: the end of the year 9999, beyond which RFC 3339 has no instants. */
const instantMax = 253_402_300_799_999

const secondsOf: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

/** `3600`, `90s`, `15m`, `24h`, `7d` -> seconds. For commander. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text)
  const seconds = Number(match?.[1]) * (secondsOf[match?.[2] ?? ''] ?? Number.NaN)
  if (!(seconds >= 1)) throw new InvalidArgumentError('Write seconds, or a time such as 90s, 15m, 24h or 7d.')
  return seconds
}

const bytesOf: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** `1048576`, `64M`, `1GiB` -> bytes. For commander. */
export function parseBytes(text: string): number {
  const match = /^(\d{1,15})([KMGT]?)(?:i?B)?$/i.exec(text)
  const bytes = Number(match?.[1]) * (bytesOf[(match?.[2] ?? '').toUpperCase()] ?? Number.NaN)
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('Write bytes, or a size such as 64M or 1G.')
  return bytes
}

/** From 0. For commander. */
export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}

export function parsePositive(text: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value < 1) throw new InvalidArgumentError('Write a whole number from 1.')
  return value
}

/** An instant, or a time back from now (`15m`, `24h`, `7d`) -> RFC 3339 in UTC. For commander. */
export function parseInstant(text: string): string {
  return instantOf(text, -1, 'a time back')
}

/** An instant, or a time from now (`15m`, `24h`, `7d`) -> RFC 3339 in UTC. For commander. */
export function parseAhead(text: string): string {
  return instantOf(text, 1, 'a time from now')
}

function instantOf(text: string, direction: 1 | -1, relative: string): string {
  // `Date.parse` alone takes `8` for August 2001.
  const named = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  const at = /^\d{1,9}[smhd]$/.test(text) ? Date.now() + direction * parseDuration(text) * 1000 : named
  if (Number.isNaN(at) || Math.abs(at) > instantMax)
    throw new InvalidArgumentError(
      `Write an instant such as 2026-01-31T12:00:00Z, or ${relative} such as 24h.`,
    )
  return new Date(at).toISOString()
}

/** Collects a repeatable option. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

const digestBytes: Readonly<Record<string, number>> = { md5: 16, sha256: 32, crc32c: 4 }

/** `sha256:BASE64`, or in hex as `sha256sum` prints it. For commander. */
export function parseChecksum(text: string): { algorithm: 'md5' | 'sha256' | 'crc32c'; value: string } {
  const [algorithm = '', value = ''] = text.split(/:(.*)/s)
  const bytes = digestBytes[algorithm]
  const encoding = value.length === (bytes ?? 0) * 2 && /^[0-9a-f]+$/i.test(value) ? 'hex' : 'base64'
  const digest = Buffer.from(value, encoding)
  if (bytes === undefined || digest.length !== bytes)
    throw new InvalidArgumentError('Write md5, sha256 or crc32c, a colon, and the digest in hex or base64.')
  return { algorithm: algorithm as 'md5' | 'sha256' | 'crc32c', value: digest.toString('base64') }
}
