import type { LimitedBy } from '@signpost/contract'

export interface ExpiryInput {
  /** ms since the epoch */
  now: number
  /** What the caller asked for; left out: the policy's default. */
  askedSeconds?: number | undefined
  mode: 'shorten' | 'refuse' | 'exact'
  /** The policy's default and ceiling for this action. */
  policy: { defaultSeconds: number; maxSeconds: number }
  /** Latest instant of provider and credential, ms since the epoch, and which of the two it is. */
  latest: { at: number; limitedBy: 'provider' | 'credential' }
}

export type Expiry =
  | { outcome: 'possible'; /** ms since the epoch, a whole second */ expiresAt: number; limitedBy: LimitedBy }
  /** `refuse` or `exact` was asked for, and this cuts it. */
  | { outcome: 'not_possible'; limitedBy: LimitedBy; maxSeconds: number }
  /** Nothing is left of the credential's life. */
  | { outcome: 'credential_ended' }

/**
 * The minimum of what was asked, what the policy allows, what the provider allows and what is left of the credential,
 * cut down to a whole second (signatures count in seconds), and which of them it was.
 */
export function expiryOf({ now, askedSeconds, mode, policy, latest }: ExpiryInput): Expiry {
  let seconds = askedSeconds ?? policy.defaultSeconds
  let limitedBy: LimitedBy = askedSeconds === undefined ? 'policy' : 'requested'
  let cut = false
  if (seconds > policy.maxSeconds) {
    seconds = policy.maxSeconds
    limitedBy = 'policy'
    cut = true
  }
  let expiresAt = wholeSecond(now + seconds * 1000)
  const latestAt = wholeSecond(latest.at)
  if (latestAt < expiresAt) {
    expiresAt = latestAt
    limitedBy = latest.limitedBy
    cut = true
  }
  if (expiresAt <= now) return { outcome: 'credential_ended' }
  if (cut && mode !== 'shorten') {
    return { outcome: 'not_possible', limitedBy, maxSeconds: (expiresAt - wholeSecond(now)) / 1000 }
  }
  return { outcome: 'possible', expiresAt, limitedBy }
}

function wholeSecond(ms: number): number {
  return ms - (ms % 1000)
}
