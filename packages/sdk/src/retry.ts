/** When and how often to try again. */
export interface RetryPolicy {
  /** Further tries after the first. */
  retries: number
  /** Longest wait before the second try, ms; doubles with each try. */
  baseMs: number
  /** Longest wait before any try, ms. */
  maxMs: number
}

export const defaultRetryPolicy: RetryPolicy = { retries: 5, baseMs: 200, maxMs: 10_000 }

/** Full jitter between half and the whole of the exponential wait, so that many clients do not come back at once. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** attempt)
  return ceiling * (0.5 + random() / 2)
}

/** Rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
