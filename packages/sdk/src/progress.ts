/** `totalBytes` is null while it is not known (a stream). */
export interface Progress {
  transferredBytes: number
  totalBytes: number | null
}
export type OnProgress = (progress: Progress) => void

export interface Meter {
  /** One piece of the whole: tells how many of its bytes are through by now. A retry may lower it. */
  piece(): (bytes: number) => void
  setTotal(totalBytes: number): void
}

/** Sums up what several pieces report. */
export function createMeter(totalBytes: number | null, onProgress: OnProgress | undefined): Meter {
  let transferredBytes = 0
  let total = totalBytes
  const report = () => onProgress?.({ transferredBytes, totalBytes: total })
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
    setTotal(bytes) {
      if (total === bytes) return
      total = bytes
      report()
    },
  }
}
