import type { AuditEvent } from '@signpost/contract'
// Not by the package's front door: the thread that writes would load every schema, and zod.
import { genesisHash, linkText } from '@signpost/contract/audit-chain'
import { hash } from 'node:crypto'

/** Where a chain stands: the last event that was written. */
export interface ChainHead {
  chain: string
  seq: number
  hash: string
  /** Where its object keys are indexed (`key-place.ts`). */
  firstSlot: number
}

/** What a writing process needs to begin its own chain. */
export interface ChainOpening {
  chain: string
  /** Id of the `chain.open` event. */
  eventId: string
  /** ms since the epoch */
  at: number
}

export const sha256Hex = (text: string): string => hash('sha256', text, 'hex')

/**
 * A chain's first event. It says how far the other chains reached, so that their ends cannot be cut off unseen.
 */
export function openingEvent(
  opening: ChainOpening,
  anchored: readonly Omit<ChainHead, 'firstSlot'>[],
): AuditEvent {
  return {
    id: opening.eventId,
    at: new Date(opening.at).toISOString(),
    type: 'chain.open',
    decision: 'allow',
    reason: 'process_started',
    details: Object.fromEntries(anchored.map((head) => [`chain:${head.chain}`, `${head.seq}:${head.hash}`])),
  }
}

/** Before the first event. */
export function newChain(chain: string): ChainHead {
  return { chain, seq: 0, hash: genesisHash, firstSlot: 0 }
}

export function nextHash(head: Omit<ChainHead, 'firstSlot'>, eventText: string): string {
  return sha256Hex(linkText(head.hash, head.chain, head.seq + 1, eventText))
}
