/** What a revocation is about, and who may ask. */
import {
  SignpostError,
  type AuditEvent,
  type AuditEventType,
  type RevocationTarget,
} from '@signpost/contract'
import { mayOrganisation, type Decision } from '../../domain/decide-access.ts'
import { keyInBucket, keyInTeam, keyRuleSentence, objectKeyProblem } from '../../domain/object-key.ts'
import { findMember } from '../../store/members.ts'
import { findIssued } from '../../store/live-grants.ts'
import { findPrincipal, type NamedPrincipalRow } from '../../store/principals.ts'
import { findTeam, type NamedTeamRow } from '../../store/teams.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import type { EventFields } from '../event-of.ts'
import { isId, requireOrganisation, requireTeam } from '../gate.ts'
import { recordRefusal } from '../refuse.ts'

export interface Asked {
  target: RevocationTarget
  username: string | undefined
  /** Undefined: nobody is meant, or who was is deleted. */
  principal: NamedPrincipalRow | undefined
  team: NamedTeamRow | undefined
  /** In the bucket; undefined: no object is meant. */
  key: string | undefined
  /** The same, relative to the team; undefined: it lies elsewhere by now. */
  ownKey: string | undefined
  /** The event of the URL that is meant. */
  grant: AuditEvent | undefined
  /** The planner sees what is of this team, and nothing else; undefined: everything. */
  onlyTeam: string | undefined
}

/** The organisation's may ask about all; a team's admins, about what happens in the team. */
export async function requirePlanner(
  deps: BrokerDeps,
  caller: Caller,
  target: RevocationTarget,
  type: AuditEventType,
): Promise<{ decision: Decision; onlyTeam: string | undefined }> {
  const fields = { details: detailsOf(target) }
  const { team } = target
  if (team === undefined || mayOrganisation(caller.principal, 'revocations.manage')) {
    const decision = await requireOrganisation(deps, caller, 'revocations.manage', type, fields)
    return { decision, onlyTeam: undefined }
  }
  const { decision } = await requireTeam(deps, caller, team, 'restrictions.manage', type, fields)
  return { decision, onlyTeam: team }
}

export function detailsOf({ username, team, key, grantId }: RevocationTarget): Record<string, string> {
  return {
    ...(username === undefined ? {} : { user: username }),
    ...(team === undefined ? {} : { ofTeam: team }),
    ...(key === undefined ? {} : { ofKey: key.toWellFormed() }),
    ...(grantId === undefined ? {} : { grant: grantId.toWellFormed() }),
  }
}

const absent = {
  grantId: 'There is no such URL, or it is not of your teams.',
  team: 'There is no such team.',
  username: 'There is no such user or service account, or none of your team.',
} as const

/** Whoever asks is told to be absent what is not of its team. */
export async function resolveTarget(
  deps: BrokerDeps,
  caller: Caller,
  target: RevocationTarget,
  type: AuditEventType,
  onlyTeam: string | undefined,
): Promise<Asked> {
  const { db } = deps.store
  const gone = async (field: keyof typeof absent): Promise<never> => {
    const fields: EventFields = { details: detailsOf(target), ...(onlyTeam ? { team: onlyTeam } : {}) }
    await recordRefusal(deps, caller, type, 'no_such_thing', fields)
    throw new SignpostError('not_found', absent[field])
  }
  const { grantId } = target
  const grant = grantId !== undefined && isId(grantId) ? await findIssued(db, grantId) : undefined
  if (grantId !== undefined && !(grant && fits(grant, target))) return gone('grantId')
  const teamName = target.team ?? grant?.team
  const team = teamName === undefined ? undefined : await findTeam(db, teamName)
  if (target.team !== undefined && !team) return gone('team')
  const username = target.username ?? grant?.username
  const principal = username === undefined ? undefined : await findPrincipal(db, username)
  const asked = {
    target,
    username,
    principal,
    team,
    grant,
    onlyTeam,
    ...keysOf(target, grant, team),
  }
  if (username !== undefined && !(await isKnown(deps, asked))) return gone('username')
  return asked
}

function fits(grant: AuditEvent, { username, team, key }: RevocationTarget): boolean {
  return (
    (username === undefined || grant.username === username) &&
    (team === undefined || grant.team === team) &&
    (key === undefined || grant.key?.endsWith(key) === true)
  )
}

function keysOf(
  { key }: RevocationTarget,
  grant: AuditEvent | undefined,
  team: NamedTeamRow | undefined,
): Pick<Asked, 'key' | 'ownKey'> {
  if (grant?.key !== undefined) {
    const own = team === undefined ? null : keyInTeam(team.prefix, grant.key)
    return { key: grant.key, ownKey: own ?? undefined }
  }
  if (key === undefined) return { key: undefined, ownKey: undefined }
  if (!team) throw new SignpostError('invalid', 'key: goes with team.', { field: 'key' })
  const problem = objectKeyProblem(team.prefix, key)
  if (problem) throw new SignpostError('invalid', `key: ${keyRuleSentence(problem)}.`, { field: 'key' })
  return { key: keyInBucket(team.prefix, key), ownKey: key }
}

/** To a team's admins, only who is of the team, or got URLs in it; else whoever is there, or got any. */
async function isKnown(
  deps: BrokerDeps,
  { username, principal, team, grant, onlyTeam }: Asked,
): Promise<boolean> {
  if (grant !== undefined) return true
  const { db } = deps.store
  if (principal && onlyTeam === undefined) return true
  if (principal && team && (await findMember(db, team.id, principal.id))) return true
  const issued = db
    .selectFrom('audit_runs')
    .select('first_seq')
    .where('username', '=', username!)
    .where('type', '=', 'url.issue')
    .where('decision', '=', 'allow')
  const ofTeam = onlyTeam === undefined ? issued : issued.where('team', '=', onlyTeam)
  const from = deps.clock() - longestLifeMs
  return (await ofTeam.where('at', '>=', from).limit(1).executeTakeFirst()) !== undefined
}

/** SigV4's and Google's limit, and that of a user delegation key. */
export const longestLifeMs = 7 * 86_400_000
