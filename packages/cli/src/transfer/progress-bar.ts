import { humanBytes } from '../text.ts'
import type { Progress } from './outcome.ts'

export interface ProgressBar {
  expect(sizeBytes: number | null): void
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
  const sent = new WeakMap<object, number>()
  let files = 0
  let filesOver = 0
  let bytes = 0
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
    rate: humanBytes(bytes / Math.max(0.001, (performance.now() - startedMs) / 1000)),
    files: `${filesOver}/${files} ${files === 1 ? 'file' : 'files'}`,
  })
  const show = () => {
    bar.setTotal(Math.max(1, totalBytes))
    bar.update(Math.min(bytes, totalBytes), payload())
  }
  bar.start(1, 0, payload())
  return {
    expect(sizeBytes) {
      files += 1
      totalBytes += sizeBytes ?? 0
      show()
    },
    progress(file, { transferredBytes }) {
      bytes += transferredBytes - (sent.get(file) ?? 0)
      sent.set(file, transferredBytes)
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
    stop: () => bar.stop(),
  }
}
