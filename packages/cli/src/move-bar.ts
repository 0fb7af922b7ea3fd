import type { Reply } from '@signpost/contract'
import { humanBytes, printableLine } from './text.ts'

type Move = Reply<'getMove'>

export interface MoveBar {
  update(move: Move): void
  stop(): void
}

/** How many of the objects that were found are copied. Both numbers grow on the way. */
export async function openMoveBar(stream: NodeJS.WriteStream): Promise<MoveBar> {
  const { default: progress } = await import('cli-progress')
  const bar = new progress.SingleBar(
    {
      stream,
      format: '{bar} {value}/{total} objects {bytes} {state}',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      gracefulExit: false,
      fps: 8,
    },
    progress.Presets.shades_classic,
  )
  let isDrawn = false
  return {
    update({ state, objectsCopied, objectsSeen, bytesCopied, problem }) {
      const total = Math.max(1, objectsSeen, objectsCopied)
      const payload = {
        bytes: humanBytes(bytesCopied),
        state: printableLine(problem === null ? state : `${state}: ${problem}`),
      }
      if (!isDrawn) bar.start(total, objectsCopied, payload)
      isDrawn = true
      bar.setTotal(total)
      bar.update(objectsCopied, payload)
    },
    stop() {
      if (isDrawn) bar.stop()
    },
  }
}
