/** Sessions that were opened: kept as long as they are of use, opened once however many ask at the same time. */

import { SignpostError } from '@signpost/contract'
import type { TimedCredential } from './source.ts'

export interface Sessions {
  /** At once where the one at hand lasts until then, or where a new one would not do so either. */
  get(
    key: string,
    until: number,
    open: () => Promise<TimedCredential>,
  ): TimedCredential | Promise<TimedCredential>
  close(): void
}

export interface SessionsDeps {
  /** ms since the epoch */
  clock: () => number
  /** Most sessions that are kept. */
  sizeMax?: number
}

interface Kept {
  timed: TimedCredential
  openedAt: number
  /** Not opened anew before, because it was tried without success. */
  retryAt: number
}

/** URLs end before their credential does, and asking takes time. */
const MARGIN_MS = 10_000
/** Wishes that no session fulfils open a new one this often. */
const RENEW_MS = 60_000
/** Wishes that a new one fulfils, and the one at hand does not, open one this often at most. */
const RENEW_FOR_WISH_MS = 1000
/** A credential that says no end is asked for again. */
const UNTIMED_MS = 300_000
const RETRY_MS = 10_000

export function createSessions({ clock, sizeMax = 5000 }: SessionsDeps): Sessions {
  // In the order in which they were opened: the first has the least life left.
  const kept = new Map<string, Kept>()
  const opening = new Map<string, Promise<TimedCredential>>()

  const keep = (key: string, timed: TimedCredential): TimedCredential => {
    const before = kept.get(key)
    // A source that has nothing newer gives the same again: its signer keeps the day's key with the object.
    const same = before && isSame(before.timed, timed) ? before.timed : timed
    kept.delete(key)
    kept.set(key, { timed: same, openedAt: clock(), retryAt: 0 })
    if (kept.size > sizeMax) kept.delete(kept.keys().next().value!)
    return same
  }

  /** A token service that does not answer takes nothing from a session that is still good. */
  const orKept = (key: string, error: unknown): TimedCredential => {
    const found = kept.get(key)
    const isPassing = error instanceof SignpostError && error.retryAfterSeconds !== undefined
    if (!found || !isPassing || endOf(found) < clock() + RENEW_MS) throw error
    found.retryAt = clock() + RETRY_MS
    return found.timed
  }

  return {
    get(key, until, open) {
      const found = kept.get(key)
      if (found && isOfUse(found, until, clock())) return found.timed
      let running = opening.get(key)
      if (!running) {
        running = open()
          .then(
            (timed) => keep(key, timed),
            (error: unknown) => orKept(key, error),
          )
          .finally(() => opening.delete(key))
        opening.set(key, running)
      }
      return running
    },
    close() {
      kept.clear()
    },
  }
}

function isOfUse(found: Kept, until: number, now: number): boolean {
  const { openedAt, retryAt, timed } = found
  const end = endOf(found)
  if (timed.endsAt === null) return now < end
  if (end >= until + MARGIN_MS) return true
  if (now < retryAt) return end > now
  // A new one will live as long as this one did from its first moment.
  if (now + (end - openedAt) >= until + MARGIN_MS) return now < openedAt + RENEW_FOR_WISH_MS
  return now < openedAt + RENEW_MS && end - now >= (end - openedAt) / 2
}

function endOf({ timed, openedAt }: Kept): number {
  return timed.endsAt ?? openedAt + UNTIMED_MS
}

function isSame(one: TimedCredential, other: TimedCredential): boolean {
  const [a, b] = [one.credential, other.credential]
  return (
    a.accessKeyId === b.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken &&
    one.endsAt === other.endsAt
  )
}
