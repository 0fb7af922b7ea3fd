/** The user delegation key that signs for one account: fetched when it is needed, kept as long as it is good. */

import { SignpostError } from '@signpost/contract'
import type { UserDelegationKey } from '@signpost/signing'

export interface DelegationKeysDeps {
  /** ms since the epoch */
  clock: () => number
  fetchKey: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>
}

export interface DelegationKeys {
  /** Undefined at once when the key at hand is good until then. */
  prepare: (until: number) => Promise<void> | undefined
  /** Throws `credential_unavailable` when `prepare` was not asked for this instant. */
  keyUntil: (expiresAt: number) => UserDelegationKey
  /** Longest life of a signature from `now`, in ms since the epoch. */
  latestExpiry: (now: number) => number
}

/** Azure's clock may be behind ours ("Create a user delegation SAS": set the start back, or leave it out). */
const BACKDATED_MS = 15 * 60_000
/** At most 7 days from start to end, and from now to the end; a minute for clocks. */
const LONGEST_MS = 7 * 86_400_000 - 60_000
/** Between `prepare` and signing some time passes. */
const SLACK_MS = 5 * 60_000

export function createDelegationKeys({ clock, fetchKey }: DelegationKeysDeps): DelegationKeys {
  let current: { key: UserDelegationKey; endsAt: number } | undefined
  let fetching: Promise<void> | undefined

  async function fetchNew(): Promise<void> {
    try {
      const startsAt = Math.floor(clock() / 1000) * 1000 - BACKDATED_MS
      const key = await fetchKey(new Date(startsAt), new Date(startsAt + LONGEST_MS))
      current = { key, endsAt: Date.parse(key.signedExpiresOn) }
    } finally {
      fetching = undefined
    }
  }

  return {
    prepare(until) {
      if (current !== undefined && current.endsAt >= until + SLACK_MS) return undefined
      return (fetching ??= fetchNew())
    },
    keyUntil(expiresAt) {
      if (current === undefined || current.endsAt < expiresAt)
        throw new SignpostError(
          'credential_unavailable',
          'There is no user delegation key that lives so long: try again.',
        )
      return current.key
    },
    // Whatever is left of the key at hand: a new one is fetched when that is too little.
    latestExpiry: (now) => now - BACKDATED_MS + LONGEST_MS - SLACK_MS - 1000,
  }
}
