/**
 * Runs `work` on the items, `concurrency` at once, and gives the results as they come, in any order. A failure ends all;
 * `work` should give a failure as a result. Leaving the loop early calls `stop`, and takes no further items.
 */
export async function* mapConcurrent<T, R>(
  items: AsyncGenerator<T>,
  concurrency: number,
  work: (item: T) => Promise<R>,
  stop: () => void = () => {},
): AsyncGenerator<R, void, void> {
  const results: R[] = []
  let working = 0
  let stopped = false
  let failure: { error: unknown } | undefined
  let wake = () => {}

  const worker = async () => {
    working += 1
    try {
      while (!stopped) {
        const { done, value } = await items.next()
        if (done) return
        results.push(await work(value))
        wake()
      }
    } catch (error) {
      failure ??= { error }
      stopped = true
    } finally {
      working -= 1
      wake()
    }
  }
  const workers = Array.from({ length: concurrency }, worker)
  try {
    for (;;) {
      const result = results.shift()
      if (result !== undefined) yield result
      else if (working === 0) break
      else await new Promise<void>((resolve) => (wake = resolve))
    }
    if (failure) throw failure.error
  } finally {
    stopped = true
    stop()
    await Promise.all(workers)
    await items.return(undefined)
  }
}

/** Takes up to `count` items ahead of whoever reads. */
export async function* readAhead<T>(items: AsyncGenerator<T>, count: number): AsyncGenerator<T, void, void> {
  const ready: T[] = []
  let over = false
  let failure: { error: unknown } | undefined
  let wakeReader = () => {}
  let wakeFiller = () => {}

  const fill = async () => {
    try {
      for await (const item of items) {
        ready.push(item)
        wakeReader()
        if (ready.length >= count && !over) await new Promise<void>((resolve) => (wakeFiller = resolve))
        if (over) return
      }
    } catch (error) {
      failure = { error }
    } finally {
      over = true
      wakeReader()
    }
  }
  const filling = fill()
  try {
    for (;;) {
      const item = ready.shift()
      if (item !== undefined) {
        if (ready.length < count) wakeFiller()
        yield item
      } else if (over) break
      else await new Promise<void>((resolve) => (wakeReader = resolve))
    }
    if (failure) throw failure.error
  } finally {
    over = true
    wakeFiller()
    await filling
  }
}
