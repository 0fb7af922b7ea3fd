/**
 * Requests a minute, counted in this process. Our own few lines and not @fastify/rate-limit: that one costs several
 * microseconds a request (an async hook, headers on every answer), this a twentieth of one, on a path that has about
 * twenty in all. Several replicas each allow the whole limit.
 */
import { SignpostError } from '@signpost/contract'

const windowMs = 60_000
/** Beyond so many different callers in one minute the count starts anew, so that memory stays bounded. */
const callersMax = 100_000

export interface RateLimit {
  /** Counts one; throws `rate_limited` when there were too many. */
  take(caller: string): void
}

/** `perMinute` 0: no limit. */
export function createRateLimit(perMinute: number, clock: () => number, sentence: string): RateLimit {
  if (perMinute === 0) return { take: () => undefined }
  const counts = new Map<string, number>()
  let windowEnd = 0
  return {
    take(caller) {
      const now = clock()
      if (now >= windowEnd || counts.size >= callersMax) {
        counts.clear()
        windowEnd = now - (now % windowMs) + windowMs
      }
      const count = (counts.get(caller) ?? 0) + 1
      counts.set(caller, count)
      if (count > perMinute)
        throw new SignpostError('rate_limited', sentence, {
          retryAfterSeconds: Math.max(1, Math.ceil((windowEnd - now) / 1000)),
        })
    },
  }
}
