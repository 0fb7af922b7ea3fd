/** Listing objects: recorded before it is done, and without the names of what the caller may not read. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { keyInBucket, keyInTeam, listPrefixProblem } from '../domain/object-key.ts'
import type { TargetRow } from '../store/store.ts'
import { looksAtKeys, objectDecider } from './decide-object.ts'
import type { BrokerDeps, Caller, NamedConnector } from './deps.ts'
import { eventOf } from './event-of.ts'
import { listBoth, refuseBothCursor } from './move/list-both.ts'
import { openSettling } from './move/settling.ts'
import { openTarget } from './open-issuing.ts'
import { recordableKey, refuseKey, requireAllowed } from './refuse.ts'

type Query = ParsedInput<'listObjects'>['query']
type Page = Reply<'listObjects'>
type Lister = (query: Query) => Promise<Page>

export async function listObjects(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team }, query }: ParsedInput<'listObjects'>,
): Promise<Page> {
  const found = await deps.store.hot.findTarget(team, caller.principal.id)
  const asked = { team, key: recordableKey(found, query.prefix), action: 'read' } as const
  const decide = objectDecider(deps, caller, found)
  const decision = decide('list', query.prefix)
  await requireAllowed(deps, caller, decision, { type: 'object.list', fields: asked })
  const target = found as TargetRow
  const problem = listPrefixProblem(target.prefix, query.prefix)
  if (problem) await refuseKey(deps, caller, 'object.list', asked, 'prefix', problem)
  const named = await openTarget(deps, target)
  const { name: connector, bucket } = named
  const key = keyInBucket(target.prefix, query.prefix)
  const event = eventOf(deps, caller, 'object.list', decision, {
    team,
    connector,
    bucket,
    key,
    action: 'read',
  })
  await deps.store.commit({ statements: [], events: [event] })
  const settling = await openSettling(deps, target)
  const list: Lister = settling
    ? async (one) => listBoth(deps, settling.places, one)
    : async (one) => listHere(named, target, one)
  const cursors = sealedCursors(deps, caller, target)
  if (!looksAtKeys(deps, caller, target)) return list(withCursor(query, cursors.read(query.cursor, false)))
  const mayRead = (one: string) => decide('read', one).outcome === 'allow'
  const page = await listReadable(list, withCursor(query, cursors.read(query.cursor, true)), mayRead)
  return { ...page, nextCursor: cursors.write(page.nextCursor) }
}

async function listHere({ connector }: NamedConnector, { prefix }: TargetRow, query: Query): Promise<Page> {
  refuseBothCursor(query.cursor)
  const page = await connector.list({
    prefix: keyInBucket(prefix, query.prefix),
    limit: query.limit,
    ...(query.delimiter === undefined ? {} : { delimiter: query.delimiter }),
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  })
  return {
    // A cursor is the store's own and comes back from the client: what it leads to must still be the team's.
    items: page.objects.flatMap(({ key, sizeBytes, etag, lastModified }) => {
      const ownKey = keyInTeam(prefix, key)
      return ownKey === null ? [] : [{ key: ownKey, sizeBytes, etag, lastModified: isoOf(lastModified) }]
    }),
    prefixes: page.prefixes.flatMap((one) => keyInTeam(prefix, one) ?? []),
    nextCursor: page.nextCursor,
  }
}

/** Pages of the store that are read for one page of ours. */
const roundsMax = 20

/**
 * Without what the caller may not read: of a restricted prefix not even the names are shown. What is left out is made up
 * for by what follows, so that pages that are not full tell little of how much that was.
 */
async function listReadable(list: Lister, query: Query, mayRead: (key: string) => boolean): Promise<Page> {
  const items: Page['items'] = []
  const prefixes: string[] = []
  let cursor = query.cursor
  for (let round = 0; ; round++) {
    const limit = query.limit - items.length - prefixes.length
    const page = await list(withCursor({ ...query, limit }, cursor))
    items.push(...page.items.filter(({ key }) => mayRead(key)))
    prefixes.push(...page.prefixes.filter(mayRead))
    const isFull = items.length + prefixes.length >= query.limit
    if (page.nextCursor === null || isFull || round + 1 >= roundsMax)
      return { items, prefixes, nextCursor: page.nextCursor }
    cursor = page.nextCursor
  }
}

function withCursor(query: Query, cursor: string | undefined): Query {
  return cursor === query.cursor ? query : { ...query, cursor }
}

const mark = 'sealed.'

/** A store's cursor is the name of an object, in many stores: where names are left out, it goes out sealed. */
function sealedCursors({ secretBox }: BrokerDeps, { principal }: Caller, { teamId }: TargetRow) {
  const boundTo = `cursor ${teamId} ${principal.id}`
  return {
    read(cursor: string | undefined, mustBeSealed: boolean): string | undefined {
      if (cursor === undefined || (!mustBeSealed && !cursor.startsWith(mark))) return cursor
      try {
        if (cursor.startsWith(mark)) return secretBox.open(cursor.slice(mark.length), boundTo)
      } catch {
        // Not ours: answered below.
      }
      throw new SignpostError(
        'invalid',
        'cursor: is of another listing, or of before something was restricted here; list from the beginning.',
        { field: 'cursor' },
      )
    },
    write: (cursor: string | null): string | null =>
      cursor === null ? null : mark + secretBox.seal(cursor, boundTo),
  }
}
