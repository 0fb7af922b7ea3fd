/** The options of an identity provider, and what they say of it. */
import type { Command } from 'commander'
import type { ParsedInput } from '@signpost/contract'
import { referenceOf } from './connector-credentials/secret.ts'
import { UsageError } from './errors.ts'
import type { Io } from './io.ts'
import { collect, parseDuration } from './parse.ts'
import { readSecretFile } from './server-settings.ts'

export interface IdentityProviderFlags {
  issuer?: string
  clientId?: string
  clientSecretFile?: string
  secretFrom?: string
  scope?: string[]
  usernameClaim?: string
  groupsClaim?: string
  /** false: none any more */
  map?: string[] | false
  domain?: string[] | false
  createUsers?: boolean
  idle?: number
  life?: number
  allowInternal?: boolean
}

type Changes = ParsedInput<'updateIdentityProvider'>['body']

export function withIdentityProviderFlags(command: Command, isNew: boolean): Command {
  const named = isNew
    ? command
        .requiredOption('--issuer <url>', 'issuer identifier, exactly as its discovery document has it')
        .requiredOption('--client-id <id>', 'what the provider calls this server')
    : command
        .option('--issuer <url>', 'issuer identifier, exactly as its discovery document has it')
        .option('--client-id <id>', 'what the provider calls this server')
  const both = named
    .option('--client-secret-file <file>', 'file with the client secret; - for standard input')
    .option(
      '--secret-from <place>',
      'where the server finds it instead: env:SIGNPOST_SECRET_NAME or file:PATH below its SIGNPOST_SECRETS_DIR',
    )
    .option('--scope <scope>', 'asked for beside openid, again for more; else profile and email', collect)
    .option('--username-claim <claim>', 'names a user at the first login; else email, verified')
    .option('--groups-claim <claim>', 'where the groups of a user stand')
    .option(
      '--map <group=role>',
      'group=TEAM:ROLE, or group=organisation:ROLE, again for more; the first for a team counts',
      collect,
    )
    .option('--domain <domain>', 'only verified addresses of this domain, again for more', collect)
    .option('--create-users', 'make users at their first login')
    .option('--no-create-users', 'only users that are there')
    .option('--idle <time>', 'a session ends when it was not used for so long: 8h', parseDuration)
    .option('--life <time>', 'the latest end of a session: 24h', parseDuration)
    .option('--allow-internal', 'its addresses may be internal ones')
    .option('--no-allow-internal', 'its addresses must be public ones')
  if (isNew) return both
  // Behind their opposites: before them each would be a default.
  return both
    .option('--no-map', 'groups give nothing any more')
    .option('--no-domain', 'addresses of any domain again')
}

export async function identityProviderChanges(io: Io, flags: IdentityProviderFlags): Promise<Changes> {
  const clientSecret = await clientSecretOf(io, flags)
  const scopes = flags.scope === undefined ? undefined : [...new Set(['openid', ...flags.scope])]
  const all = {
    issuer: flags.issuer,
    clientId: flags.clientId,
    clientSecret,
    scopes,
    usernameClaim: flags.usernameClaim,
    groupsClaim: flags.groupsClaim,
    groups: flags.map === false ? [] : flags.map?.map(mappingOf),
    domains: flags.domain === false ? [] : flags.domain,
    createUsers: flags.createUsers,
    sessionIdleSeconds: flags.idle,
    sessionSeconds: flags.life,
    allowInternal: flags.allowInternal,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Changes
}

async function clientSecretOf(
  io: Io,
  { clientSecretFile: file, secretFrom }: IdentityProviderFlags,
): Promise<Changes['clientSecret']> {
  if (file !== undefined && secretFrom !== undefined)
    throw new UsageError('give one of --client-secret-file and --secret-from')
  if (file !== undefined) return readSecretFile(io, file, '--client-secret-file')
  return secretFrom === undefined ? undefined : referenceOf(secretFrom)
}

/** A group's name may hold anything, `=` and `:` too: the last ones count. */
function mappingOf(text: string): NonNullable<Changes['groups']>[number] {
  const match = /^(.+)=([a-z0-9-]+):([a-z0-9-]+)$/s.exec(text)
  if (!match) throw new UsageError(`--map ${text}: write GROUP=TEAM:ROLE or GROUP=organisation:ROLE`)
  const [, group = '', team = '', role = ''] = match
  return team === 'organisation' ? { group, organisationRole: role } : { group, team, role }
}
