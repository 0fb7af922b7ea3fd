/** May this one do that, and which rule says so. */
import { SignpostError, type AccessExplanation, type ParsedInput } from '@signpost/contract'
import { mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { explainObject } from '../domain/explain-access.ts'
import { keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import type { Principal } from '../domain/principal.ts'
import { findPrincipal } from '../store/principals.ts'
import { findRole } from '../store/roles.ts'
import type { TargetRow } from '../store/store.ts'
import { teamAccessOf } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { requireTeam } from './gate.ts'
import { recordableKey } from './refuse.ts'

const absent = 'There is no such team, or you are not in it.'

export async function explainAccess(
  deps: BrokerDeps,
  caller: Caller,
  { body }: ParsedInput<'explainAccess'>,
): Promise<AccessExplanation> {
  const { team: teamName, key, action, username = caller.principal.username } = body
  const address = body.address ?? caller.call.address
  const at = body.at === undefined ? deps.clock() : Date.parse(body.at)
  const asked = { user: username, action, address, ...(body.at === undefined ? {} : { at: body.at }) }
  const fields: EventFields = { team: teamName, key: recordableKey(undefined, key), details: asked }
  const decision = await requireAsker(deps, caller, teamName, username, fields)
  const who = await principalOf(deps, caller, username)
  const target = await deps.store.hot.findTarget(teamName, who.principal.id)
  if (!target) throw new SignpostError('not_found', absent)
  const problem = objectKeyProblem(target.prefix, key)
  if (problem) throw new SignpostError('invalid_key', `key: ${keyRuleSentence(problem)}.`, { field: 'key' })
  const rules = deps.rules(target)
  const team = teamAccessOf(deps, who.principal, address, target as TargetRow, rules)
  const explanation = explainObject(
    { ...who, team, budgets: rules.budgets },
    { ask: action, key, address, at },
  )
  const { outcome, reason } = explanation
  const event = eventOf(deps, caller, 'access.explain', decision, {
    ...fields,
    key: recordableKey(target, key),
    details: { ...asked, outcome, reason },
  })
  await deps.store.commit({ statements: [], events: [event] })
  return explanation
}

/** About oneself: who is in the team; about others: who manages its members, or reviews access. */
async function requireAsker(
  deps: BrokerDeps,
  caller: Caller,
  team: string,
  username: string,
  fields: EventFields,
): Promise<Decision> {
  const { principal } = caller
  const isOpen = username === principal.username || mayOrganisation(principal, 'access.review')
  const ask = isOpen ? 'team.see' : 'members.manage'
  return (await requireTeam(deps, caller, team, ask, 'access.explain', fields)).decision
}

/** Another's: as with a key without a scope. */
async function principalOf(
  deps: BrokerDeps,
  { principal }: Caller,
  username: string,
): Promise<{ principal: Principal; active: boolean }> {
  if (username === principal.username) return { principal, active: true }
  const other = await otherPrincipal(deps, username)
  if (!other) throw new SignpostError('not_found', 'There is no user or service account of this name.')
  return other
}

/** As with a key without a scope. */
export async function otherPrincipal(
  deps: BrokerDeps,
  username: string,
): Promise<{ principal: Principal; active: boolean } | undefined> {
  const { db } = deps.store
  const row = await findPrincipal(db, username)
  if (!row) return undefined
  const { id, kind, organisation_role: organisationRole, pseudonym, scid } = row
  const custom = (await findRole(db, { scope: 'organisation', name: organisationRole }))?.permissions ?? null
  const permissions = organisationPermissionsOf(kind, organisationRole, custom)
  const other: Principal = {
    id,
    kind,
    username,
    organisationRole,
    organisationPermissions: permissions,
    pseudonym,
    scid,
    apiKeyId: '',
    keyKind: 'apiKey',
  }
  return { principal: other, active: row.active === 1 }
}
