import { humanBytes } from '../text.ts'
import type { Outcome, Progress, Standing } from './outcome.ts'

/** How far all files are. */
export interface Tally {
  readonly counts: Readonly<Record<Outcome['status'], number>>
  /** Bytes of the files that are done. */
  doneBytes(): number
  expect(sizeBytes: number | null): void
  /** The size of a file that was not known. */
  grow(sizeBytes: number): void
  progress(file: object, progress: Progress): void
  /** Answers what of the file an earlier run had moved. */
  over(file: object | undefined, outcome: Outcome): number
  /** Undefined: nothing is safe yet. */
  standing(): Standing | undefined
}

export function createTally(): Tally {
  const counts = { done: 0, skipped: 0, failed: 0 }
  const underWay = new Map<object, Progress>()
  let files = 0
  let expectedBytes = 0
  let doneBytes = 0
  return {
    counts,
    doneBytes: () => doneBytes,
    expect(sizeBytes) {
      files += 1
      expectedBytes += sizeBytes ?? 0
    },
    grow: (sizeBytes) => void (expectedBytes += sizeBytes),
    progress: (file, progress) => void underWay.set(file, progress),
    over(file, outcome) {
      counts[outcome.status] += 1
      if (outcome.status === 'done') doneBytes += outcome.sizeBytes
      const last = file && underWay.get(file)
      if (file) underWay.delete(file)
      return last?.resumedBytes ?? 0
    },
    standing() {
      let bytes = doneBytes
      for (const { keptBytes } of underWay.values()) bytes += keptBytes
      if (bytes === 0) return undefined
      const ofFiles = files > 1 ? `${counts.done} of ${files} files, ` : ''
      const text = `${ofFiles}${humanBytes(bytes)} of ${humanBytes(Math.max(bytes, expectedBytes))}`
      return { text, files }
    },
  }
}
