import { SignpostError } from '@signpost/contract'
import { putAway, planOf } from '../verification/put-away.ts'
import { deleteInBoth } from '../move/settle-object.ts'
import { openSettling } from '../move/settling.ts'
import { openTarget } from '../open-issuing.ts'
import { refusalError } from '../refuse.ts'
import { done, type Done, type StepWork } from './step-work.ts'
import { scopeOfCheck, signRead, statusOf, until } from './trial.ts'

/** Moves the object to a quarantine key, or deletes it; a URL to read it is tried before and after. */
export async function putAwayObject(work: StepWork): Promise<Done> {
  const { deps, caller, rights, situation, step, undo } = work
  const { key, ownKey } = situation
  const { decision, target } = rights
  if (undo) throw new SignpostError('conflict', 'Objects are not brought back from here.')
  if (!decision || !target || key === undefined || ownKey === undefined)
    throw new SignpostError('conflict', 'The object is not where the team is by now.')
  if (decision.outcome === 'deny') throw refusalError(decision, caller)
  const named = await openTarget(deps, target)
  const settling = await openSettling(deps, target)
  if (settling && step === 'move-object')
    throw new SignpostError('conflict', 'The team is being moved: delete the object, or wait.')
  const object = await named.connector.head(key)
  if (object === null && !settling) throw new SignpostError('not_found', 'There is no such object.')
  const scope = scopeOfCheck(deps, target)
  const trial = await signRead(deps, named, scope, key)
  const before = await statusOf(deps, trial)
  let where = 'It was deleted.'
  if (settling) await deleteInBoth(deps, settling.places, ownKey)
  else if (step === 'delete-object') await named.connector.remove(key)
  else {
    const failed = { key, object: object!, grantId: deps.newId(), prefix: target.prefix }
    const away = await putAway(
      named,
      { ...failed, onFailure: 'quarantine' },
      planOf({ ...failed, onFailure: 'quarantine' }),
    )
    if (away.outcome !== 'quarantined')
      throw new SignpostError('conflict', `It was not moved (${away.doubt ?? 'kept'}): try again.`)
    where = `It is at ${away.quarantineKey} now, in the bucket.`
  }
  if (before !== 200) return done('not-tried', `${where} The trial URL did not work before.`)
  const isGone = await until(async () => (await statusOf(deps, trial)) === 404)
  return isGone
    ? done('refused', `${where} A URL to read it finds nothing.`)
    : done('still-works', `${where} A URL to read it still finds something.`)
}
