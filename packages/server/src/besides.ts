/** Work that goes on beside requests, and ends with the server. */
import type { BrokerDeps } from './broker/deps.ts'

export interface Besides {
  start: (name: string, work: (signal: AbortSignal) => Promise<void>) => void
  /** Aborted when the server closes. */
  signal: AbortSignal
  /** Tells all of it to end, and waits until it has. */
  stop: () => Promise<void>
  /** What has not ended. */
  running: () => string[]
}

export function createBesides(log: BrokerDeps['log']): Besides {
  const ending = new AbortController()
  const running = new Map<Promise<void>, string>()
  return {
    signal: ending.signal,
    start(name, work) {
      if (ending.signal.aborted) return
      const run = work(ending.signal)
        .catch((err: unknown) => log.error({ err, work: name }, 'work beside a request failed'))
        .finally(() => running.delete(run))
      running.set(run, name)
    },
    async stop() {
      ending.abort()
      await Promise.all(running.keys())
    },
    running: () => [...running.values()],
  }
}
