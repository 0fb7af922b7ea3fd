/** What a scope may say: each part narrows what its owner may. */
import { SignpostError, type KeyScope } from '@signpost/contract'
import { keyRuleSentence, listPrefixProblem, objectKeyProblem, type KeyRule } from '../domain/object-key.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import { listMemberships } from '../store/members.ts'
import type { PrincipalRow } from '../store/principals.ts'
import { findRole } from '../store/roles.ts'
import { findTeam } from '../store/teams.ts'
import type { BrokerDeps } from './deps.ts'

/** It is read with each request. */
const scopeBytesMax = 8192

/**
 * The scope as it is stored, JSON; empty for none. Teams must be the owner's: of others nobody learns here whether they are
 * there.
 *
 * @throws SignpostError `invalid` naming the field
 */
export async function checkedScope(
  deps: BrokerDeps,
  owner: Pick<PrincipalRow, 'id' | 'kind' | 'username' | 'organisation_role'>,
  scope: KeyScope | undefined,
): Promise<string> {
  if (scope === undefined) return ''
  const { teams, actions, prefixes, keys } = scope
  if (actions?.includes('manage') === true && (prefixes ?? keys) !== undefined)
    throw invalid('actions', 'manage goes with no prefixes and keys: what is managed is no object.')
  for (const prefix of prefixes ?? [])
    checkKey('prefixes', prefix === '' ? 'empty' : listPrefixProblem('', prefix))
  for (const key of keys ?? []) checkKey('keys', objectKeyProblem('', key))
  if (teams !== undefined) await checkTeams(deps, owner, teams)
  const text = JSON.stringify({
    ...scope,
    ...(actions === undefined ? {} : { actions: [...new Set(actions)] }),
  })
  if (Buffer.byteLength(text) > scopeBytesMax)
    throw new SignpostError('invalid', `scope: must have at most ${scopeBytesMax} bytes in all.`, {
      field: 'scope',
    })
  return text
}

async function checkTeams(
  deps: BrokerDeps,
  owner: Pick<PrincipalRow, 'id' | 'kind' | 'username' | 'organisation_role'>,
  teams: readonly string[],
): Promise<void> {
  const { db } = deps.store
  const own = new Set((await listMemberships(db, owner.id)).map(({ team }) => team))
  const others = teams.filter((team) => !own.has(team))
  if (others.length === 0) return
  const role = await findRole(db, { scope: 'organisation', name: owner.organisation_role })
  const may = organisationPermissionsOf(owner.kind, owner.organisation_role, role?.permissions ?? null)
  const seesAll = may.has('teams.manage') || may.has('access.review')
  for (const team of others) {
    if (seesAll && (await findTeam(db, team))) continue
    throw invalid('teams', `${owner.username} is in no team ${team}.`)
  }
}

function checkKey(field: 'prefixes' | 'keys', rule: KeyRule | null): void {
  if (rule) throw invalid(field, `each ${keyRuleSentence(rule)}.`)
}

function invalid(field: keyof KeyScope, sentence: string): SignpostError {
  return new SignpostError('invalid', `scope.${field}: ${sentence}`, { field: `scope.${field}` })
}
