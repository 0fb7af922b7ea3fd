import type { PartLimits } from './connector.ts'

export const mebibyte = 1024 * 1024
const smallest = 8 * mebibyte
const largest = 64 * mebibyte
/** So many parts are comfortable; above it parts grow, up to `largest`, before the count does. */
const partsComfortable = 1000

export type PartPlan =
  | {
      outcome: 'possible'
      partSizeBytes: number
      /** Null: the size is not known. */ partCount: number | null
    }
  | { outcome: 'too_large'; sizeBytesMax: number }

/**
 * Sizes of parts from the object's size (null: unknown) and the caller's wish, within what the provider takes. All sizes
 * in bytes. 8 MiB, growing to 64 MiB for large objects, and beyond it only where the provider's count of parts demands.
 */
export function planParts(input: {
  sizeBytes: number | null
  wishBytes?: number | undefined
  limits: PartLimits
}): PartPlan {
  const { sizeBytes, wishBytes, limits } = input
  const sizeBytesMax = limits.partSizeBytesMax * limits.partsMax
  if (sizeBytes !== null && sizeBytes > sizeBytesMax) return { outcome: 'too_large', sizeBytesMax }
  const needed = sizeBytes === null ? 1 : Math.ceil(sizeBytes / limits.partsMax)
  const wanted = Math.max(wishBytes ?? usualPartSize(sizeBytes), needed, limits.partSizeBytesMin)
  const partSizeBytes = Math.min(wishBytes === undefined ? roundUp(wanted) : wanted, limits.partSizeBytesMax)
  // An empty object is one empty part.
  const partCount = sizeBytes === null ? null : Math.max(1, Math.ceil(sizeBytes / partSizeBytes))
  return { outcome: 'possible', partSizeBytes, partCount }
}

function usualPartSize(sizeBytes: number | null): number {
  if (sizeBytes === null) return largest
  let size = smallest
  while (size < largest && sizeBytes / size > partsComfortable) size *= 2
  return size
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / mebibyte) * mebibyte
}
