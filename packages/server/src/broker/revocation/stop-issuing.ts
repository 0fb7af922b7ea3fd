import { SignpostError } from '@signpost/contract'
import type { RestrictionRule } from '../../domain/access-rules.ts'
import { organisationPermissionsOf } from '../../domain/permissions.ts'
import type { Principal } from '../../domain/principal.ts'
import { listMembers, listMemberships } from '../../store/members.ts'
import { findPrincipal, type NamedPrincipalRow } from '../../store/principals.ts'
import { insertRestriction } from '../../store/restrictions.ts'
import { decideObject } from '../decide-object.ts'
import { eventOf } from '../event-of.ts'
import { done, type Done, type StepWork } from './step-work.ts'
import type { Situation } from './situation.ts'

/** A restriction of the organisation's: a team's admins cannot end it. */
export async function stopIssuing(work: StepWork): Promise<Done> {
  const { deps, caller, decision, situation, reason, undo } = work
  if (undo) throw new SignpostError('conflict', 'A restriction is ended by `signpost restriction end`.')
  const { username, principal, team, ownKey } = situation
  const rule: RestrictionRule = {
    id: deps.newId(),
    actions: ['read', 'write', 'delete'],
    ...(ownKey === undefined ? {} : { prefix: ownKey }),
    from: deps.clock(),
    reason,
  }
  const row = {
    id: rule.id,
    principal_id: principal?.id ?? null,
    team_id: isOfTeam(situation) ? (team?.id ?? null) : null,
    rule: JSON.stringify(rule),
    until_at: null,
    of_organisation: 1,
    created_by: caller.principal.username,
    created_at: rule.from,
  }
  // About everybody, everywhere, it would stop the whole server.
  if (row.principal_id === null && row.team_id === null)
    throw new SignpostError('conflict', 'The team that the URL was for is gone: nothing is issued there.')
  const event = eventOf(deps, caller, 'restriction.create', decision, {
    ...(row.team_id !== null && team ? { team: team.name } : {}),
    details: {
      restriction: rule.id,
      ...(username === undefined ? {} : { user: username }),
      ...(rule.prefix === undefined ? {} : { prefix: rule.prefix }),
      actions: rule.actions.join(' '),
      why: reason,
    },
  })
  const open = await openTeams(work)
  await deps.store.commit({ statements: [insertRestriction(deps.store.db, row)], events: [event] })
  const still = await openTeams(work)
  const detail = `Restriction ${rule.id} is in force; \`signpost restriction end ${rule.id}\` ends it.`
  if (open.length === 0) return done('not-tried', `${detail} They got no URL to read before either.`)
  return done(still.length === 0 ? 'refused' : 'still-works', detail)
}

/** Teams in which they would be given a URL to read: by the same decision that a request of theirs meets. */
async function openTeams({ deps, caller, situation }: StepWork): Promise<string[]> {
  const { db, hot } = deps.store
  const row = await whoIsTried(db, situation)
  if (!row) return []
  const asked = { principal: principalOf(row), call: caller.call }
  const open: string[] = []
  for (const { team } of await listMemberships(db, row.id)) {
    if (isOfTeam(situation) && team !== situation.team?.name) continue
    const target = await hot.findTarget(team, row.id)
    const { outcome } = decideObject(deps, asked, 'read', situation.ownKey ?? '', target)
    if (outcome === 'allow') open.push(team)
  }
  return open
}

async function whoIsTried(
  db: Parameters<typeof findPrincipal>[0],
  { principal, team, live }: Situation,
): Promise<NamedPrincipalRow | undefined> {
  if (principal) return principal
  const name = live[0]?.username ?? (team && (await listMembers(db, team.id, { limit: 1 }))[0]?.username)
  return name === undefined ? undefined : findPrincipal(db, name)
}

function isOfTeam({ target }: Situation): boolean {
  return target.team !== undefined || target.grantId !== undefined
}

/** As authentication would give it, with a key that may do whatever its owner may. */
function principalOf(row: NamedPrincipalRow): Principal {
  const { id, kind, username, organisation_role: organisationRole, pseudonym, scid } = row
  return {
    id,
    kind,
    username,
    organisationRole,
    organisationPermissions: organisationPermissionsOf(kind, organisationRole, null),
    pseudonym,
    scid,
    apiKeyId: 'none',
    keyKind: 'apiKey',
  }
}
