/** How many requests came of whom within a minute. */

const minuteMs = 60_000
/** Counted at one time; when there are more, the one that was begun first is forgotten. */
const countedMax = 50_000

/**
 * Counts one more request of `who`: 0 while there are at most `perMinute` within the minute that its first one began,
 * else the seconds until the end of that minute.
 */
export function createRequestCounter(perMinute: number, clock: () => number): (who: string) => number {
  const minutes = new Map<string, { count: number; end: number }>()
  return (who) => {
    const now = clock()
    let minute = minutes.get(who)
    if (!minute || minute.end <= now) {
      minutes.delete(who)
      if (minutes.size >= countedMax) minutes.delete(minutes.keys().next().value!)
      minute = { count: 0, end: now + minuteMs }
      minutes.set(who, minute)
    }
    minute.count += 1
    return minute.count <= perMinute ? 0 : Math.ceil((minute.end - now) / 1000)
  }
}
