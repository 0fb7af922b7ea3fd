/** Moving a team's objects to another bucket or prefix: asking for it, looking, giving up. The work: `move/run-moves.ts`. */
import { SignpostError, type Move, type ParsedInput, type Reply } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { prefixesOverlap } from '../domain/prefix-overlap.ts'
import type { NamedConnectorRow } from '../store/connectors.ts'
import { deleteMovedObjects } from '../store/moved-objects.ts'
import { findNewestMove, findRunningMove, insertMove, updateMove, type NamedMoveRow } from '../store/moves.ts'
import { findTeam, type NamedTeamRow } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { decideTeam, requireOrganisation, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { moveFields } from './move/change-state.ts'
import { openPlace } from './move/places.ts'
import { noProgress, readProgress } from './move/progress.ts'
import { checkPrefix, claimPrefix, connectorOfTeam, namedConnector } from './team-location.ts'

export async function startMove(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'startMove'> & { idempotencyKey?: string },
): Promise<Reply<'startMove'>> {
  const { params, body } = input
  const decision = await requireOrganisation(deps, caller, 'teams.manage', 'move.start', {
    team: params.team,
  })
  const team = await teamOf(deps, params.team)
  return createOnce(deps, caller, 'startMove', input, async () => {
    if (await findRunningMove(deps.store.db, team.id)) throw running()
    const prefix = body.prefix ?? team.prefix
    checkPrefix(prefix)
    const from = await connectorOfTeam(deps, team)
    if (!from) throw new SignpostError('conflict', 'The team has no connector yet: there is nothing to move.')
    const to = (await namedConnector(deps, body.connector, team.id))!
    checkPlaces(from, team.prefix, to, prefix)
    await checkBuckets(deps, from, team.prefix, to, prefix)
    const claim = await claimPrefix(deps, to, prefix, team.id)
    const now = deps.clock()
    const row = {
      id: deps.newId(),
      team_id: team.id,
      principal_id: caller.principal.id,
      from_connector_id: from.id,
      from_prefix: team.prefix,
      to_connector_id: to.id,
      to_prefix: prefix,
      state: 'copying' as const,
      progress: JSON.stringify(noProgress),
      settles_at: null,
      created_at: now,
      updated_at: now,
      lease_owner: '',
      lease_until: 0,
    }
    const named = { ...row, team: team.name, fromConnector: from.name, toConnector: to.name }
    const event = eventOf(deps, caller, 'move.start', decision, moveFields(named))
    return {
      unit: { statements: [insertMove(deps.store.db, row), ...claim], events: [event] },
      reply: shownMove(named),
    }
  })
}

export async function getMove(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'getMove'>,
): Promise<Reply<'getMove'>> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'access.refuse')
  const move = shownMove(await newestMove(deps, team))
  if (move.problem?.startsWith('"') !== true) return move
  // It begins with the name of an object, which may lie in a restricted prefix, or beyond the scope of a key.
  const manages = await decideTeam(deps, caller, team, 'members.manage')
  return manages.outcome === 'allow' ? move : { ...move, problem: namesObject }
}

const namesObject = 'An object cannot be moved: who manages the team is shown which one.'

export async function cancelMove(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'cancelMove'>,
): Promise<Reply<'cancelMove'>> {
  const decision = await requireOrganisation(deps, caller, 'teams.manage', 'move.cancel', {
    team: params.team,
  })
  const move = await newestMove(deps, await teamOf(deps, params.team))
  if (move.state !== 'copying') {
    throw new SignpostError(
      'conflict',
      move.state === 'settling'
        ? 'The move has switched to the new place: move the team back instead, once this one is done.'
        : 'The move is over.',
    )
  }
  const { db } = deps.store
  const changes = { state: 'cancelled' as const, updated_at: deps.clock() }
  await deps.store.commit({
    statements: [updateMove(db, move.id, { state: 'copying' }, changes), deleteMovedObjects(db, move.id)],
    events: [eventOf(deps, caller, 'move.cancel', decision, moveFields(move))],
  })
  return shownMove({ ...move, ...changes })
}

async function teamOf(deps: BrokerDeps, name: string): Promise<NamedTeamRow> {
  const team = await findTeam(deps.store.db, name)
  if (!team) throw new SignpostError('not_found', 'There is no such team.')
  return team
}

async function newestMove(deps: BrokerDeps, team: NamedTeamRow): Promise<NamedMoveRow> {
  const move = await findNewestMove(deps.store.db, team.id)
  if (!move) throw new SignpostError('not_found', 'This team has never been moved.')
  return move
}

function running(): SignpostError {
  return new SignpostError('conflict', 'The team is being moved already: one move at a time.')
}

function checkPlaces(
  from: NamedConnectorRow,
  fromPrefix: string,
  to: NamedConnectorRow,
  prefix: string,
): void {
  if (from.location !== to.location || !prefixesOverlap(fromPrefix, prefix)) return
  const isSame = fromPrefix === prefix
  throw new SignpostError(
    'conflict',
    isSame
      ? "connector: opens the same bucket, and the prefix is the same: change the team's connector instead, nothing is to be moved."
      : 'prefix: lies within the old one in the same bucket, or holds it; choose one beside it.',
    { field: isSame ? 'connector' : 'prefix' },
  )
}

/** What would go wrong at the first object is said before anything begins. */
async function checkBuckets(
  deps: BrokerDeps,
  from: NamedConnectorRow,
  fromPrefix: string,
  to: NamedConnectorRow,
  toPrefix: string,
): Promise<void> {
  const [old, fresh] = [await openPlace(deps, from.id, fromPrefix), await openPlace(deps, to.id, toPrefix)]
  if (!old.connector.read || !fresh.connector.write || !fresh.connector.read)
    throw new SignpostError(
      'unsupported_by_store',
      'Signpost cannot copy objects between these kinds of store.',
    )
  await old.connector.list({ prefix: fromPrefix, limit: 1 })
  const { objects } = await fresh.connector.list({ prefix: toPrefix, limit: 1 })
  if (objects.length === 0) return
  throw new SignpostError(
    'conflict',
    'prefix: there are objects already where these are to go, maybe of a move that was given up: choose another prefix, or delete them.',
    { field: 'prefix' },
  )
}

function shownMove(move: NamedMoveRow): Move {
  const { objectsCopied, bytesCopied, objectsSeen, problem } = readProgress(move.progress)
  return {
    id: move.id,
    team: move.team,
    fromConnector: move.fromConnector,
    fromPrefix: move.from_prefix,
    toConnector: move.toConnector,
    toPrefix: move.to_prefix,
    state: move.state,
    objectsCopied,
    bytesCopied,
    objectsSeen,
    problem,
    settlesAt: move.settles_at === null ? null : isoOf(move.settles_at),
    createdAt: isoOf(move.created_at),
    updatedAt: isoOf(move.updated_at),
  }
}
