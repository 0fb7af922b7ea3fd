import { decideObject, type TeamAccess } from './decide-object-access.ts'
import type { Principal } from './principal.ts'

export interface PrefixReach {
  prefix: string
  /** write: also read and delete, as far as the role goes. */
  access: 'read' | 'write'
}

/** Which restricted prefixes of a team somebody reaches, by name or role, whatever denies it for a time. */
export function prefixReachOf(
  principal: Principal,
  team: Pick<TeamAccess, 'name' | 'role' | 'permissions' | 'prefixes'>,
): PrefixReach[] {
  const access = { ...team, restrictions: [] }
  const may = (ask: 'read' | 'write' | 'delete', key: string) =>
    decideObject(principal, access, { ask, key, address: '', at: 0 }).outcome === 'allow'
  return team.prefixes.flatMap(({ prefix }): PrefixReach[] => {
    if (may('write', prefix) || may('delete', prefix)) return [{ prefix, access: 'write' }]
    return may('read', prefix) ? [{ prefix, access: 'read' }] : []
  })
}
