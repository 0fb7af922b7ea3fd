/** What one look at a bucket gives. */

import type { CheckResult } from '@signpost/contract'

export interface Finding {
  result: CheckResult
  seen: string
  fix: string | null
  paste: string | null
  /** It could not be looked at because of something else: what needs this one cannot be looked at either. */
  blockedBy?: string
}

export function pass(seen: string): Finding {
  return { result: 'pass', seen, fix: null, paste: null }
}

export function warn(seen: string, fix: string, paste: string | null = null): Finding {
  return { result: 'warn', seen, fix, paste }
}

export function fail(seen: string, fix: string, paste: string | null = null): Finding {
  return { result: 'fail', seen, fix, paste }
}

/** There is no way to look here; others go on. */
export function unseen(seen: string): Finding {
  return { result: 'not_possible', seen, fix: null, paste: null }
}

/** Something else stands before it. */
export function blocked(by: string): Finding {
  return { ...unseen(`Not looked at, because of ${by}.`), blockedBy: by }
}

/** A call of Signpost's own that the store refused, with the right that it takes. */
export class RightMissing extends Error {
  readonly right: string

  constructor(cause: unknown, right: string) {
    super('refused', { cause })
    this.right = right
  }
}

/** Our own sentences say `what was seen. Fix: what mends it.`: the two halves, the first one whole, the second without its dot. */
export function halvesOf(message: string): { seen: string; fix: string | undefined } {
  const [seen = '', fix] = message.split(/\.? Fix: /)
  return { seen: `${seen.replace(/\.$/, '')}.`, fix: fix?.replace(/\.$/, '') }
}
