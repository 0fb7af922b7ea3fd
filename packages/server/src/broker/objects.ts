/** Listing and deleting objects. Each is recorded before it is done. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import {
  keyInBucket,
  keyInTeam,
  keyRuleSentence,
  listPrefixProblem,
  objectKeyProblem,
  type KeyRule,
} from '../domain/object-key.ts'
import type { TargetRow } from '../store/store.ts'
import { decideObject, objectDecider } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { openTarget } from './open-issuing.ts'
import { listBoth, refuseBothCursor } from './move/list-both.ts'
import { deleteInBoth } from './move/settle-object.ts'
import { openSettling } from './move/settling.ts'
import { recordableKey, recordRefusal, requireAllowed } from './refuse.ts'

export async function listObjects(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team }, query }: ParsedInput<'listObjects'>,
): Promise<Reply<'listObjects'>> {
  const target = await deps.store.hot.findTarget(team, caller.principal.id)
  const asked = { team, key: recordableKey(target, query.prefix), action: 'read' } as const
  const decide = objectDecider(deps, caller, target)
  const decision = decide('list', query.prefix)
  await requireAllowed(deps, caller, decision, { type: 'object.list', fields: asked })
  const { prefix } = target as TargetRow
  const problem = listPrefixProblem(prefix, query.prefix)
  if (problem) await refuseKey(deps, caller, 'object.list', asked, 'prefix', problem)
  const { name, bucket, connector } = await openTarget(deps, target as TargetRow)
  const whole = keyInBucket(prefix, query.prefix)
  const event = eventOf(deps, caller, 'object.list', decision, {
    team,
    connector: name,
    bucket,
    key: whole,
    action: 'read',
  })
  await deps.store.commit({ statements: [], events: [event] })
  const settling = await openSettling(deps, target as TargetRow)
  const mayRead = (key: string) => decide('read', key).outcome === 'allow'
  if (settling) return readable(await listBoth(deps, settling.places, query), mayRead)
  refuseBothCursor(query.cursor)
  const page = await connector.list({
    prefix: whole,
    limit: query.limit,
    ...(query.delimiter === undefined ? {} : { delimiter: query.delimiter }),
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  })
  const own = {
    // A cursor is the store's own and comes back from the client: what it leads to must still be the team's.
    items: page.objects.flatMap(({ key, sizeBytes, etag, lastModified }) => {
      const ownKey = keyInTeam(prefix, key)
      return ownKey === null ? [] : [{ key: ownKey, sizeBytes, etag, lastModified: isoOf(lastModified) }]
    }),
    prefixes: page.prefixes.flatMap((one) => keyInTeam(prefix, one) ?? []),
    nextCursor: page.nextCursor,
  }
  return readable(own, mayRead)
}

/** Without what the caller may not read: of a restricted prefix not even the names are shown. */
function readable(page: Reply<'listObjects'>, mayRead: (key: string) => boolean): Reply<'listObjects'> {
  return {
    ...page,
    items: page.items.filter(({ key }) => mayRead(key)),
    prefixes: page.prefixes.filter(mayRead),
  }
}

export async function deleteObject(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team, key } }: ParsedInput<'deleteObject'>,
): Promise<undefined> {
  const target = await deps.store.hot.findTarget(team, caller.principal.id)
  const asked = { team, key: recordableKey(target, key), action: 'write', method: 'DELETE' } as const
  const decision = decideObject(deps, caller, 'delete', key, target)
  await requireAllowed(deps, caller, decision, { type: 'object.delete', fields: asked })
  const { prefix } = target as TargetRow
  const problem = objectKeyProblem(prefix, key)
  if (problem) await refuseKey(deps, caller, 'object.delete', asked, 'key', problem)
  const { name, bucket, connector } = await openTarget(deps, target as TargetRow)
  const whole = keyInBucket(prefix, key)
  const event = eventOf(deps, caller, 'object.delete', decision, {
    team,
    connector: name,
    bucket,
    key: whole,
    action: 'write',
    method: 'DELETE',
  })
  await deps.store.commit({ statements: [], events: [event] })
  const settling = await openSettling(deps, target as TargetRow)
  if (settling) await deleteInBoth(deps, settling.places, key)
  else await connector.remove(whole)
  return undefined
}

async function refuseKey(
  deps: BrokerDeps,
  caller: Caller,
  type: 'object.list' | 'object.delete',
  asked: { team: string; key: string },
  field: 'key' | 'prefix',
  rule: KeyRule,
): Promise<never> {
  await recordRefusal(deps, caller, type, 'invalid_key', asked)
  throw new SignpostError('invalid_key', `${field}: ${keyRuleSentence(rule)}.`, { field })
}
