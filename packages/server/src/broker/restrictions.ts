/** What somebody, a team, a prefix or a network may not do for a while, or only so much of. */
import { SignpostError, type ParsedInput, type Reply, type Restriction } from '@signpost/contract'
import type { RestrictionRule } from '../domain/access-rules.ts'
import { mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { decisions } from '../domain/decision.ts'
import { isoOf, isoOrNull } from '../domain/instant.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import {
  countRestrictions,
  deleteRestriction,
  deleteRestrictionsBefore,
  findRestriction,
  hasRestrictionsBefore,
  insertRestriction,
  listRestrictions as listRows,
  type NamedRestrictionRow,
  type RestrictionFilter,
} from '../store/restrictions.ts'
import { findTeam } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { decideTeam, isId, requireOrganisation, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import { checkAsked, findWhom, requireWhom, ruleOf, shownDetails } from './restriction-rule.ts'

/** All that are about a request are read with it. */
const perSubjectMax = 200
const charactersMax = 65_536

const absent = 'There is no such restriction, or you may not end it.'

export async function listRestrictions(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'listRestrictions'>,
): Promise<Reply<'listRestrictions'>> {
  const filter = await filterOf(deps, caller, query)
  const { limit, cursor } = query
  const after = readTextCursor(cursor)
  const rows = filter ? await listRows(deps.store.db, filter, deps.clock(), { limit, after }) : []
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  return { items: page.rows.map(shown), nextCursor: page.nextCursor }
}

/** Null: nothing is there that could be listed. */
async function filterOf(
  deps: BrokerDeps,
  caller: Caller,
  { team, username }: ParsedInput<'listRestrictions'>['query'],
): Promise<RestrictionFilter | null> {
  const { db } = deps.store
  const type = 'access.refuse'
  const { principal } = caller
  const isAllowed = mayOrganisation(principal, 'restrictions.manage')
  if (!isAllowed && username === principal.username) {
    const own = { principalId: principal.id, teams: principal.scope?.teams }
    if (team === undefined) return own
    const found = await findTeam(db, team)
    return found ? { ...own, teamId: found.id } : null
  }
  const gated =
    team === undefined
      ? await requireOrganisation(deps, caller, 'restrictions.manage', type).then(() => undefined)
      : (await requireTeam(deps, caller, team, 'restrictions.manage', type)).team
  if (username === undefined) return { teamId: gated?.id }
  const whom = await findWhom(deps, username, isAllowed ? undefined : gated)
  return whom ? { teamId: gated?.id, principalId: whom.id } : null
}

/** In force for the next request, in every replica: each reads it with the team. */
export async function createRestriction(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createRestriction'> & { idempotencyKey?: string },
): Promise<Restriction> {
  const { body } = input
  const type = 'restriction.create'
  const { db } = deps.store
  const ofOrganisation = body.team === undefined || mayOrganisation(caller.principal, 'restrictions.manage')
  const details = shownDetails(body)
  const decision = ofOrganisation
    ? await requireOrganisation(deps, caller, 'restrictions.manage', type, { details })
    : (await requireTeam(deps, caller, body.team!, 'restrictions.manage', type, { details })).decision
  const team = body.team === undefined ? undefined : await findTeam(db, body.team)
  if (body.team !== undefined && !team) throw new SignpostError('not_found', 'There is no such team.')
  const now = deps.clock()
  checkAsked(body, team?.prefix, now)
  const whom =
    body.username === undefined
      ? undefined
      : await requireWhom(deps, body.username, ofOrganisation ? undefined : team)
  return createOnce(deps, caller, 'createRestriction', input, async () => {
    const rule = ruleOf(deps.newId(), body, now)
    const row: NamedRestrictionRow = {
      id: rule.id,
      principal_id: whom?.id ?? null,
      team_id: team?.id ?? null,
      rule: JSON.stringify(rule),
      until_at: rule.until ?? null,
      of_organisation: Number(ofOrganisation),
      created_by: caller.principal.username,
      created_at: now,
      username: whom?.username ?? null,
      team: team?.name ?? null,
    }
    await requireRoom(deps, row)
    const { username: _, team: __, ...stored } = row
    const event = eventOf(deps, caller, type, decision, {
      ...(team ? { team: team.name } : {}),
      details: { restriction: row.id, ...details },
    })
    return { unit: { statements: [insertRestriction(db, stored)], events: [event] }, reply: shown(row) }
  })
}

export async function endRestriction(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id } }: ParsedInput<'endRestriction'>,
): Promise<undefined> {
  const type = 'restriction.end'
  const row = isId(id) ? await findRestriction(deps.store.db, id) : undefined
  const decision = await decideEnd(deps, caller, row)
  const asked = isId(id) ? { details: { restriction: id } } : {}
  await requireAllowed(deps, caller, decision, { type, fields: asked, absent })
  const { rule, team, username } = row as NamedRestrictionRow
  const event = eventOf(deps, caller, type, decision, {
    ...(team === null ? {} : { team }),
    details: {
      restriction: id,
      ...(username === null ? {} : { user: username }),
      why: (JSON.parse(rule) as RestrictionRule).reason,
    },
  })
  await deps.store.commit({ statements: [deleteRestriction(deps.store.db, id)], events: [event] })
  return undefined
}

/** Who may make it; what the organisation made, a team's admins see and do not end. */
async function decideEnd(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedRestrictionRow | undefined,
): Promise<Decision> {
  if (!row) return decisions.noSuchThing
  if (mayOrganisation(caller.principal, 'restrictions.manage')) return decisions.organisation
  if (row.team_id === null) return decisions.notOwn
  const byTeam = await decideTeam(deps, caller, { id: row.team_id }, 'restrictions.manage')
  // To a team's others it is absent, as to strangers.
  if (byTeam.outcome === 'deny') return decisions.notOwn
  return row.of_organisation === 1 ? decisions.ofOrganisation : byTeam
}

async function requireRoom(deps: BrokerDeps, row: NamedRestrictionRow): Promise<void> {
  const { count, characters } = await countRestrictions(deps.store.db, row.principal_id, row.team_id)
  if (characters + row.rule.length > charactersMax)
    throw new SignpostError(
      'conflict',
      'The restrictions about the same are too long together: end some, or name fewer and wider networks.',
    )
  if (count < perSubjectMax) return
  throw new SignpostError(
    'conflict',
    `There are ${perSubjectMax} restrictions about the same already: end some, or make one that says the same of more.`,
  )
}

/** Forgets those whose time is over. Run by a timer. */
export async function sweepRestrictions(deps: Pick<BrokerDeps, 'store' | 'clock'>): Promise<void> {
  const { db } = deps.store
  const now = deps.clock()
  // A write makes the hot path read anew.
  if (!(await hasRestrictionsBefore(db, now))) return
  await deps.store.commit({ statements: [deleteRestrictionsBefore(db, now)], events: [] })
}

function shown(row: NamedRestrictionRow): Restriction {
  const { actions, caps, prefix, networks, from, until, reason } = JSON.parse(row.rule) as RestrictionRule
  return {
    id: row.id,
    username: row.username,
    team: row.team,
    prefix: prefix ?? null,
    networks: [...(networks ?? [])],
    actions: [...actions],
    caps: caps ?? null,
    from: isoOf(from),
    until: isoOrNull(until ?? null),
    reason,
    createdBy: row.created_by,
    createdAt: isoOf(row.created_at),
  }
}
