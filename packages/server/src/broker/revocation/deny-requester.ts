import { SignpostError } from '@signpost/contract'
import { done, type Done, type StepWork } from './step-work.ts'
import type { Place } from './situation.ts'
import { openTrial, until, type Trial } from './trial.ts'

/** A statement of the bucket's policy; what it should end is tried before and after. */
export async function denyRequester(work: StepWork): Promise<Done> {
  const { deps, situation, undo } = work
  const { place, set } = settable(work)
  if (undo) return undoAt(work)
  const trial = await openTrial(deps, situation, place)
  try {
    await set()
    if (typeof trial === 'string') return done('not-tried', `It is set at the bucket; ${trial}.`)
    if (!(await trial.ownWorks(place.named))) {
      await undoAt(work)
      throw new SignpostError('bucket_refused', "It was taken back, for it stopped Signpost's own requests.")
    }
    return await judged(trial)
  } finally {
    if (typeof trial !== 'string') await trial.end()
  }
}

async function judged(trial: Trial): Promise<Done> {
  const isRefused = await until(async () => [401, 403].includes(await trial.try()))
  return isRefused
    ? done('refused', 'A URL in their name, which worked before, is refused now.')
    : done('still-works', 'It is set at the bucket, but a URL in their name still works: try again later.')
}

export function settable({ place, step, situation }: StepWork): {
  place: Place
  set: (at?: number) => Promise<void>
} {
  const revocation = place?.named.connector.revocation
  if (!place || !revocation?.set || (step !== 'deny-requester' && step !== 'end-sessions'))
    throw new SignpostError('unsupported_by_store', 'It cannot be set from here: see the document.')
  return { place, set: (at = situation.at) => revocation.set!(step, { ...place.ask, at }) }
}

export async function undoAt({ place, step }: StepWork): Promise<Done> {
  const revocation = place?.named.connector.revocation
  if (!place || !revocation?.unset || (step !== 'deny-requester' && step !== 'end-sessions'))
    throw new SignpostError('unsupported_by_store', 'It cannot be taken back from here.')
  if (!(await revocation.unset(step, place.ask)))
    throw new SignpostError(
      'conflict',
      'It does not stand at the bucket: name the same user, team and key as when it was set.',
    )
  return done('not-tried', 'It was taken away at the bucket: what has not ended by itself works again.')
}
