import { partNumbersMax, type IssuedUrl, type Reply } from '@signpost/contract'
import { createLiveUrl, isEnding, type LiveUrl } from './live-url.ts'
import { TransferError } from './transfer-error.ts'

type SignedPart = Reply<'signParts'>['parts'][number]

export interface PartUrls {
  of(partNumber: number): LiveUrl
}

/**
 * The URLs of an upload's parts, asked for shortly before they are needed and some at once, so that the last part's
 * URL does not die while the first ones are sent.
 *
 * @param isWanted says of a later part number whether its URL will be needed too
 */
export function createPartUrls(
  ask: (partNumbers: number[]) => Promise<SignedPart[]>,
  isWanted: (partNumber: number) => boolean,
  batchSize: number,
  clock: () => number,
): PartUrls {
  const ready = new Map<number, Promise<IssuedUrl>>()
  let size = Math.min(Math.max(1, batchSize), partNumbersMax)

  function askFrom(partNumber: number): Promise<IssuedUrl> {
    const numbers = [partNumber]
    for (let next = partNumber + 1; numbers.length < size && isWanted(next); next += 1) {
      if (!ready.has(next)) numbers.push(next)
    }
    const asked = ask(numbers).then((parts) => {
      // Lives so short that the later ones would be dead when their turn comes: each is asked for by itself.
      if (parts.some((part) => isEnding(part, clock()))) size = 1
      return parts
    })
    const partOf = async (wanted: number): Promise<IssuedUrl> => {
      const part = (await asked).find((candidate) => candidate.partNumber === wanted)
      if (part) return part
      throw new TransferError('bad_reply', `No URL came for part ${wanted}`, { peer: 'signpost' })
    }
    for (const later of numbers.slice(1)) {
      const promise = partOf(later)
      ready.set(later, promise)
      promise.catch(() => {
        if (ready.get(later) === promise) ready.delete(later)
      })
    }
    return partOf(partNumber)
  }

  async function take(partNumber: number): Promise<IssuedUrl> {
    const waiting = ready.get(partNumber)
    ready.delete(partNumber)
    const issued = await waiting
    if (issued && !isEnding(issued, clock())) return issued
    return askFrom(partNumber)
  }

  return {
    of(partNumber) {
      const live = createLiveUrl(() => take(partNumber), clock)
      return {
        get: live.get,
        drop(dead) {
          // Those that came with it will be dead too.
          ready.clear()
          live.drop(dead)
        },
      }
    },
  }
}
