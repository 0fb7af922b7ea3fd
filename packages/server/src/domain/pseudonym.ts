import { scidOf } from '@signpost/signing'

/** What a bucket's log may show of a principal besides its username. Both are UUIDs. */
export function markersOf(
  username: string,
  random: (size: number) => Uint8Array,
): { scid: string; pseudonym: string } {
  return { scid: scidOf(username), pseudonym: makePseudonym(random) }
}

/** A random UUID (version 4, RFC 9562 §5.4): Azure's `scid` takes nothing but a UUID, so a pseudonym is one everywhere. */
export function makePseudonym(random: (size: number) => Uint8Array): string {
  const bytes = Buffer.from(random(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
