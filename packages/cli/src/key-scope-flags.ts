/** What a key may be used for, by options. What is not named is not narrowed. */
import type { Command } from 'commander'
import type { KeyScope } from '@signpost/contract'
import { collect } from './parse.ts'
import { printableLine } from './text.ts'

export interface KeyScopeFlags {
  read?: boolean
  write?: boolean
  delete?: boolean
  manage?: boolean
  team?: string[]
  prefix?: string[]
  key?: string[]
  network?: string[]
}

const actions = ['read', 'write', 'delete', 'manage'] as const

/** Each may be given more than once. */
export function withKeyScopeFlags(command: Command): Command {
  return command
    .option('--read', 'only to read and list (and what else is named of these four)')
    .option('--write', 'only to write')
    .option('--delete', 'only to delete')
    .option('--manage', 'only for what is no object: members, settings, audit events')
    .option('--team <team>', 'only in this team; more than one: again', collect)
    .option('--prefix <prefix>', 'only keys that begin so; more than one: again', collect)
    .option('--key <key>', 'only this object key; more than one: again', collect)
    .option('--network <range>', 'only from this address range (CIDR); more than one: again', collect)
}

/** Undefined: nothing is narrowed. */
export function keyScopeOf(flags: KeyScopeFlags): KeyScope | undefined {
  const named = actions.filter((action) => flags[action] === true)
  const { team, prefix, key, network } = flags
  const scope: KeyScope = {
    ...(team === undefined ? {} : { teams: team }),
    ...(named.length === 0 ? {} : { actions: named }),
    ...(prefix === undefined ? {} : { prefixes: prefix }),
    ...(key === undefined ? {} : { keys: key }),
    ...(network === undefined ? {} : { networks: network }),
  }
  return Object.keys(scope).length === 0 ? undefined : scope
}

/** For people, in one line. */
export function keyScopeText(scope: KeyScope | null): string {
  if (scope === null) return 'all of its owner'
  const { teams, actions: named = ['read', 'write', 'delete'], prefixes = [], keys = [], networks } = scope
  const objects = [...prefixes.map((prefix) => `${prefix}*`), ...keys]
  const parts = [
    named.join(','),
    ...(teams === undefined ? [] : [`in ${teams.join(',')}`]),
    ...(objects.length === 0 ? [] : [`of ${objects.join(',')}`]),
    ...(networks === undefined ? [] : [`from ${networks.join(',')}`]),
  ]
  return printableLine(parts.join(' '))
}
