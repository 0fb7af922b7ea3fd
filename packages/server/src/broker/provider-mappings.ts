/** What groups of an identity provider give: nothing that whoever says so does not have. */
import { SignpostError, type AuditEventType, type GroupMapping } from '@signpost/contract'
import { removeMapped, removeMappedRole } from '../store/logins.ts'
import { keepingAnAdmin } from '../store/principals.ts'
import { findTeam, touchTeam } from '../store/teams.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { mayGiveOrganisationRole, mayGiveTeamRole } from './give-role.ts'

export const mappedRole = ({ role }: Pick<GroupMapping, 'role'>): string => role ?? 'member'

/** Statements for the unit that stores them: it is refused where a role is another by then, or a team is gone. */
export async function checkMappings(
  deps: BrokerDeps,
  caller: Caller,
  groups: readonly GroupMapping[],
  type: AuditEventType,
  fields: EventFields,
): Promise<Statement[]> {
  const guards = new Map<string, Statement[]>()
  for (const [index, mapping] of groups.entries()) {
    const { team: name, role, organisationRole } = mapping
    const field = `groups.${index}`
    if (name === undefined && organisationRole === undefined)
      throw new SignpostError('invalid', `${field}: give a team, an organisationRole, or both.`, { field })
    if (name === undefined && role !== undefined)
      throw new SignpostError('invalid', `${field}.role: is a role in a team; give the team.`, { field })
    if (name !== undefined) {
      const place = `${name}/${mappedRole(mapping)}`
      if (!guards.has(place)) {
        const team = await findTeam(deps.store.db, name)
        if (!team)
          throw new SignpostError('invalid', `${field}.team: there is no such team.`, {
            field: `${field}.team`,
          })
        const giving = { type, fields, field: `${field}.role` }
        const guarded = await mayGiveTeamRole(deps, caller, team, mappedRole(mapping), giving)
        // A team that is deleted at the same time leaves no mapping behind, for another one of its name.
        guards.set(place, [...guarded, touchTeam(deps.store.db, team.id, deps.clock())])
      }
    }
    if (organisationRole !== undefined && !guards.has(organisationRole))
      guards.set(
        organisationRole,
        await mayGiveOrganisationRole(deps, caller, 'anybody', organisationRole, {
          type,
          fields,
          field: `${field}.organisationRole`,
        }),
      )
  }
  return [...guards.values()].flat()
}

/**
 * What mappings gave that are there no more. The next login would take it away; but who never logs in again may hold keys.
 * What another mapping still gives stays.
 */
export function takenAway(
  { store: { db } }: BrokerDeps,
  cameBy: string,
  before: readonly GroupMapping[],
  after: readonly GroupMapping[],
): Statement[] {
  const places = (groups: readonly GroupMapping[]) =>
    new Map(
      groups.flatMap((mapping) => {
        const { team } = mapping
        const role = mappedRole(mapping)
        return team === undefined ? [] : [[`${team}/${role}`, { team, role }] as const]
      }),
    )
  const roles = (groups: readonly GroupMapping[]) =>
    new Set(groups.flatMap(({ organisationRole }) => organisationRole ?? []))
  const kept = places(after)
  const members = [...places(before)].filter(([place]) => !kept.has(place))
  const keptRoles = roles(after)
  const lost = [...roles(before)].filter((role) => !keptRoles.has(role))
  return [
    ...members.map(([, place]) => removeMapped(db, cameBy, place)),
    ...lost.flatMap((role) => {
      const change = removeMappedRole(db, cameBy, role)
      return role === 'admin' ? keepingAnAdmin(db, change) : [change]
    }),
  ]
}
