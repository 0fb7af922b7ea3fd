/** Work at a pace of its own, beside requests. */
import type { BrokerDeps } from './broker/deps.ts'

export interface Chore {
  name: string
  everyMs: number
  /** `signal`: this process ends. */
  run: (signal: AbortSignal) => Promise<unknown>
}

/** Each chore at its own pace, never twice at once; a failure is logged and tried again the next time. */
export function createChores(log: BrokerDeps['log'], chores: readonly Chore[]) {
  const timers: NodeJS.Timeout[] = []
  const running = new Map<string, Promise<void>>()
  const ending = new AbortController()
  const runOnce = async ({ name, run }: Chore): Promise<void> => {
    try {
      await run(ending.signal)
    } catch (err) {
      log.error({ err, chore: name }, 'a chore failed')
    } finally {
      running.delete(name)
    }
  }
  return {
    start() {
      for (const chore of chores) {
        const timer = setInterval(() => {
          if (!running.has(chore.name)) running.set(chore.name, runOnce(chore))
        }, chore.everyMs)
        timer.unref()
        timers.push(timer)
      }
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      ending.abort()
      await Promise.all(running.values())
    },
    /** What has not ended. */
    running: () => [...running.keys()],
  }
}
