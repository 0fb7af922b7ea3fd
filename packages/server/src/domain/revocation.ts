/** Taking back what was given: what a kind of bucket can do about URLs that are out. */
import type { RevocationStepName } from '@signpost/contract'

/** Whose URLs, and where in the bucket. */
export interface RevocationAsk {
  /** Whom URLs and sessions named, by username and by pseudonym; empty: nobody in particular. */
  requesters: readonly string[]
  /** Keys that begin so; empty: all of the bucket. */
  prefix: string
  /** Name of the team, where one is meant. */
  team: string | undefined
  /** ms since the epoch */
  at: number
}

/**
 * Whose URLs end by a step: the requester's in this bucket, everybody's in it, everybody's by this credential wherever it
 * is used, or nobody's.
 */
export type RevocationReach = 'requester' | 'bucket' | 'credential' | 'account' | 'nobody'

export interface BucketStep {
  step: RevocationStepName
  can: 'now' | 'document' | 'no'
  stops: 'new' | 'live' | 'both'
  /** By what the provider says; null: it does not say. */
  effectSeconds: number | null
  detail: string
  /** What to paste, where Signpost may not do it itself, or to see what it would set. */
  document: string | null
  reach: RevocationReach
}

export interface BucketLadder {
  steps: BucketStep[]
  /** What no step here can do. */
  cannot: string[]
}

/** Steps that can be done now, and be taken back. */
export type PolicyStep = 'deny-requester' | 'end-sessions'

export interface BucketRevocation {
  /** Looks at the bucket where it must; changes nothing. */
  ladder(ask: RevocationAsk): Promise<BucketLadder>
  /** Sets it at the bucket, and reads it back. Left out: nothing can be set from here. */
  set?(step: PolicyStep, ask: RevocationAsk): Promise<void>
  /** Takes it away; false: it was not there. */
  unset?(step: PolicyStep, ask: RevocationAsk): Promise<boolean>
}
