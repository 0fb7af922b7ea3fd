import { SignpostError } from '@signpost/contract'
import { deleteApiKeysOf } from '../../store/api-keys.ts'
import { statementOf } from '../../store/statement.ts'
import { eventOf } from '../event-of.ts'
import { done, type Done, type StepWork } from './step-work.ts'

/** API keys, sessions, access tokens and share links are rows of one table, and go together. */
export async function deleteKeys({ deps, caller, decision, situation, undo }: StepWork): Promise<Done> {
  if (undo) throw new SignpostError('conflict', 'Keys that are deleted do not come back: make new ones.')
  const { principal } = situation
  if (!principal) throw new SignpostError('conflict', 'The user is deleted, and the keys with it.')
  const { db } = deps.store
  const keysOf = () =>
    db.selectFrom('api_keys').select(['id', 'kind']).where('principal_id', '=', principal.id).execute()
  const keys = await keysOf()
  const events = keys.map(({ id, kind }) =>
    eventOf(deps, caller, 'apiKey.delete', decision, {
      ...(principal.team === null ? {} : { team: principal.team }),
      details: { key: id, kind, owner: principal.username },
    }),
  )
  // A login at a terminal that was confirmed would be exchanged for a new token.
  const logins = statementOf(db.deleteFrom('device_logins').where('principal_id', '=', principal.id))
  await deps.store.commit({ statements: [deleteApiKeysOf(db, principal.id), logins], events })
  const found = await Promise.all(keys.map(async ({ id }) => deps.store.hot.findKey(id)))
  const verified =
    keys.length === 0 ? 'not-tried' : found.every((one) => one === undefined) ? 'refused' : 'still-works'
  return done(verified, keys.length === 1 ? '1 key was deleted.' : `${keys.length} keys were deleted.`)
}
