import { linkText } from '@signpost/contract/audit-chain'
import { hash } from 'node:crypto'
import type { ChainHead } from './chain-opening.ts'
import { linkRoom, marksOfEvent, type EventPack } from './event-pack.ts'

/**
 * `nextHash` of an event that lies in a pack: what goes before its text is written into the room there, so that all is
 * hashed in one piece, where it lies.
 */
export function packedHash(
  { chain, seq, hash: previous }: Omit<ChainHead, 'firstSlot'>,
  { bytes, marks }: EventPack,
  event: number,
): string {
  const at = event * marksOfEvent
  const text = marks[at]!
  const before = linkText(previous, chain, seq + 1, '')
  // A chain's id is ours: ASCII, and short.
  if (before.length > linkRoom) throw new Error('the id of the chain is too long')
  const begin = text - before.length
  bytes.write(before, begin, 'latin1')
  return hash('sha256', bytes.subarray(begin, marks[at + 1]), 'hex')
}
