/** Where a batch writes its lines and events: places that are used again, since making them anew costs more than filling them. */
import { createTextBytes, type TextBytes } from '../domain/text-bytes.ts'
import { createUnitPack, type UnitPack } from '../store/unit-pack.ts'

export interface BatchRoom {
  /** Of one chunk and the next in turn: the one may still be on its way while the other is written. */
  lines: readonly [TextBytes, TextBytes]
  /** Of one chunk after another: a commit takes a copy. */
  events: UnitPack
}

export interface BatchRooms {
  take(): BatchRoom
  /** Nobody may read it any more. */
  giveBack(room: BatchRoom): void
}

const sparesMax = 2
/** What grew beyond that is let go. */
const spareBytesMax = 4 * 1024 * 1024

export function createBatchRooms(): BatchRooms {
  const spares: BatchRoom[] = []
  return {
    take: () => spares.pop() ?? createBatchRoom(),
    giveBack(room) {
      if (spares.length < sparesMax && bytesOf(room) <= spareBytesMax) spares.push(room)
    },
  }
}

export function createBatchRoom(): BatchRoom {
  return { lines: [createTextBytes(), createTextBytes()], events: createUnitPack() }
}

function bytesOf({ lines: [one, other], events }: BatchRoom): number {
  return one.size() + other.size() + events.events.bytes.length
}
