/**
 * Runs `work` on each item, at most `concurrency` at once; pulls an item only when there is room for it. The first
 * failure aborts the signal that the others were given, waits for them, and is thrown.
 */
export async function forEachConcurrent<T>(
  items: AsyncIterable<T> | Iterable<T> | ((signal: AbortSignal) => AsyncIterable<T>),
  options: { concurrency: number; signal?: AbortSignal | undefined },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined

  const fail = (error: unknown) => {
    failure ??= { error }
    stop.abort(error)
  }
  try {
    for await (const item of typeof items === 'function' ? items(signal) : items) {
      if (failure) break
      signal.throwIfAborted()
      const task: Promise<void> = work(item, signal)
        .catch(fail)
        .finally(() => running.delete(task))
      running.add(task)
      if (running.size >= options.concurrency) await Promise.race(running)
      if (failure) break
    }
  } catch (error) {
    fail(error)
  }
  await Promise.all(running)
  if (failure) throw failure.error
}

export interface Gate {
  /** Runs `work` when there is room. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** Lets at most `room` pieces of work run at once, in the order in which they came. */
export function createGate(room: number): Gate {
  const waiting: (() => void)[] = []
  let free = room
  return {
    async run(work) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free += 1
      }
    },
  }
}
