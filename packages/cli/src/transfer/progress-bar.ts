import { humanBytes } from '../text.ts'
import type { Progress } from './outcome.ts'

export interface ProgressBar {
  expect(sizeBytes: number | null): void
  /** The size of a file that was not known. */
  grow(sizeBytes: number): void
  progress(file: object, progress: Progress): void
  /** One more file is over. */
  count(): void
  /** Writes a line that stays. */
  above(line: string): void
  stop(): void
}

/** One bar for all files: bytes through of bytes known so far. */
export async function openProgressBar(stream: NodeJS.WriteStream): Promise<ProgressBar> {
  const { default: progress } = await import('cli-progress')
  const startedMs = performance.now()
  let isDrawn = false
  const sent = new WeakMap<object, number>()
  let files = 0
  let filesOver = 0
  let bytes = 0
  /** What an earlier run had moved: no part of the rate. */
  let resumedBytes = 0
  const resumed = new WeakMap<object, number>()
  let totalBytes = 0
  const bar = new progress.SingleBar(
    {
      stream,
      format: '{bar} {percentage}% {sizes} {rate}/s {files}',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      gracefulExit: false,
      fps: 8,
      etaBuffer: 50,
    },
    progress.Presets.shades_classic,
  )
  const payload = () => ({
    sizes: `${humanBytes(bytes)}/${humanBytes(totalBytes)}`,
    rate: humanBytes(
      Math.max(0, bytes - resumedBytes) / Math.max(0.001, (performance.now() - startedMs) / 1000),
    ),
    files: `${filesOver}/${files} ${files === 1 ? 'file' : 'files'}`,
  })
  // A bar of nothing says nothing: it is drawn when the first bytes are through.
  const show = () => {
    if (bytes === 0) return
    if (!isDrawn) bar.start(totalBytes, 0, payload())
    isDrawn = true
    bar.setTotal(Math.max(1, totalBytes))
    bar.update(Math.min(bytes, totalBytes), payload())
  }
  return {
    expect(sizeBytes) {
      files += 1
      totalBytes += sizeBytes ?? 0
      show()
    },
    grow: (sizeBytes) => void (totalBytes += sizeBytes),
    progress(file, progressOfFile) {
      const { transferredBytes } = progressOfFile
      bytes += transferredBytes - (sent.get(file) ?? 0)
      sent.set(file, transferredBytes)
      resumedBytes += progressOfFile.resumedBytes - (resumed.get(file) ?? 0)
      resumed.set(file, progressOfFile.resumedBytes)
      totalBytes = Math.max(totalBytes, bytes)
      show()
    },
    count() {
      filesOver += 1
      files = Math.max(files, filesOver)
      show()
    },
    above(line) {
      stream.write(`\r\u001b[K${line}\n`)
    },
    stop() {
      if (isDrawn) bar.stop()
    },
  }
}
