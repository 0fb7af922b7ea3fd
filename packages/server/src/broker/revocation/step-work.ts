/** What a step works with, and what it answers. */
import type { RevocationOutcome, RevocationStepName } from '@signpost/contract'
import type { Decision } from '../../domain/decide-access.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import type { ObjectRights } from './object-rights.ts'
import type { Place, Situation } from './situation.ts'

export interface StepWork {
  deps: BrokerDeps
  caller: Caller
  decision: Decision
  situation: Situation
  /** Of a step at a bucket. */
  place: Place | undefined
  step: RevocationStepName
  reason: string
  undo: boolean
  rights: ObjectRights
}

export type Done = Omit<RevocationOutcome['steps'][number], 'step' | 'connector'>

export function failed(detail: string): Done {
  return { outcome: 'failed', verified: 'not-tried', detail, document: null }
}

export function done(verified: Done['verified'], detail: string): Done {
  return { outcome: 'done', verified, detail, document: null }
}
