/** `totalBytes` is null while it is not known (a stream). */
export interface Progress {
  transferredBytes: number
  totalBytes: number | null
  /** Of a transfer in parts or ranges: what a later run need not move again if this one is broken off. */
  keptBytes: number
  /** Of these, what an earlier run had moved. */
  resumedBytes: number
}
export type OnProgress = (progress: Progress) => void

export interface Meter {
  /** One piece of the whole: tells how many of its bytes are through by now. A retry may lower it. */
  piece(): (bytes: number) => void
  /** So many bytes more, of those that have been reported, are safe. */
  keep(bytes: number): void
  /** So many bytes more are there from an earlier run: through and safe. Negative: they were not after all. */
  resume(bytes: number): void
  setTotal(totalBytes: number): void
}

/** Sums up what several pieces report. */
export function createMeter(totalBytes: number | null, onProgress: OnProgress | undefined): Meter {
  let transferredBytes = 0
  let keptBytes = 0
  let resumedBytes = 0
  let total = totalBytes
  const report = () => onProgress?.({ transferredBytes, totalBytes: total, keptBytes, resumedBytes })
  return {
    piece() {
      let counted = 0
      return (bytes) => {
        if (bytes === counted) return
        transferredBytes += bytes - counted
        counted = bytes
        report()
      }
    },
    keep(bytes) {
      keptBytes += bytes
      report()
    },
    resume(bytes) {
      if (bytes === 0) return
      transferredBytes += bytes
      keptBytes += bytes
      resumedBytes += bytes
      report()
    },
    setTotal(bytes) {
      if (total === bytes) return
      total = bytes
      report()
    },
  }
}
