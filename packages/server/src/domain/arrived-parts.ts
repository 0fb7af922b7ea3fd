import type { StoredPart } from './connector.ts'

export interface ArrivalQuestion {
  /** What the bucket holds. */
  stored: readonly StoredPart[]
  /** What the client believes it sent; undefined: the bucket's word counts. */
  claimed?: readonly { partNumber: number; etag: string }[] | undefined
  /** Declared size of the object in bytes; null: unknown. */
  sizeBytes: number | null
  partSizeBytes: number
}

const numbersShown = 20

/** Null: the parts make the whole object. Else a sentence that names what is missing or wrong. */
export function arrivalProblem({
  stored,
  claimed,
  sizeBytes,
  partSizeBytes,
}: ArrivalQuestion): string | null {
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]))
  const count = partCountOf(stored, claimed, sizeBytes, partSizeBytes)
  if (count === 0) return 'No part has arrived.'
  const missing = range(count).filter((number) => !byNumber.has(number))
  if (missing.length > 0) return `Missing: ${named(missing)} of ${count}.`
  const tooMany = stored.filter((part) => part.partNumber > count).map((part) => part.partNumber)
  if (tooMany.length > 0)
    return `Not expected: ${named(tooMany)}; the object has ${count}. Abort and begin again.`
  const changed = (claimed ?? [])
    .filter(({ partNumber, etag }) => !sameEtag(byNumber.get(partNumber)?.etag ?? null, etag))
    .map((part) => part.partNumber)
  if (changed.length > 0) return `Not what was sent (by ETag): ${named(changed)}. Send again.`
  if (sizeBytes === null) return null
  const wrongSize = range(count).filter(
    (number) => byNumber.get(number)?.sizeBytes !== partLength(number, sizeBytes, partSizeBytes),
  )
  const total = stored.reduce((sum, part) => sum + part.sizeBytes, 0)
  // Other cuts than the planned ones are the client's choice, as long as the whole has the declared size.
  return total === sizeBytes
    ? null
    : `The parts have ${total} bytes, declared were ${sizeBytes}. Of another size than planned: ${named(wrongSize)}. Send again.`
}

/** Length in bytes of one part of an object of known size. An empty object is one empty part. */
export function partLength(partNumber: number, sizeBytes: number, partSizeBytes: number): number {
  return Math.max(0, Math.min(partSizeBytes, sizeBytes - (partNumber - 1) * partSizeBytes))
}

function partCountOf(
  stored: readonly StoredPart[],
  claimed: ArrivalQuestion['claimed'],
  sizeBytes: number | null,
  partSizeBytes: number,
): number {
  const highest = (parts: readonly { partNumber: number }[]) =>
    parts.reduce((most, { partNumber }) => Math.max(most, partNumber), 0)
  if (claimed) return highest(claimed)
  if (sizeBytes !== null) return Math.max(1, Math.ceil(sizeBytes / partSizeBytes))
  return highest(stored)
}

/** With or without quotes; a store without ETags of parts (Azure) has nothing to compare. */
function sameEtag(stored: string | null, claimed: string): boolean {
  const plain = (etag: string) => etag.replaceAll('"', '').toLowerCase()
  return stored === null || plain(stored) === plain(claimed)
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

function named(numbers: readonly number[]): string {
  const shown = numbers.slice(0, numbersShown).join(', ')
  const more = numbers.length > numbersShown ? ` and ${numbers.length - numbersShown} more` : ''
  return `${numbers.length === 1 ? 'part' : 'parts'} ${shown}${more}`
}
