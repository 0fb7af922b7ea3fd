import type { Command } from 'commander'
import type { CallInput, Reply } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import {
  identityProviderChanges,
  withIdentityProviderFlags,
  type IdentityProviderFlags,
} from '../identity-provider-flags.ts'
import { printableLine } from '../text.ts'

type Provider = Reply<'createIdentityProvider'>

export function addIdentityProvider(program: Command, run: Run): void {
  const provider = program
    .command('identity-provider')
    .description('where people log in: identity providers, by OpenID Connect')
  withIdentityProviderFlags(provider.command('add').description('let people log in').argument('<name>'), true)
    .addHelpText(
      'after',
      examples(
        'signpost identity-provider add okta --issuer https://acme.okta.com --client-id 0oa1 --client-secret-file ./secret',
        'signpost identity-provider add okta --issuer https://acme.okta.com --client-id 0oa1 --client-secret-file - \\',
        '    --groups-claim groups --map ml=vision:member --map platform=organisation:admin --domain acme.com',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: IdentityProviderFlags) => {
        const body = { name, ...(await identityProviderChanges(context.io, flags)) }
        const client = await context.connect()
        const input = { body } as CallInput<'createIdentityProvider'>
        const made = await client.call('createIdentityProvider', input, { signal: context.signal })
        printProvider(context, made)
      }),
    )
  provider
    .command('list')
    .description('all identity providers')
    .addHelpText('after', examples('signpost identity-provider list'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const providers = client.items('listIdentityProviders', { query: {} }, { signal: context.signal })
        context.printList(await everything(providers), {
          NAME: (found: Provider) => found.name,
          STATE: (found) => (found.enabled ? 'active' : 'stopped'),
          ISSUER: (found) => found.issuer,
          'CLIENT ID': (found) => found.clientId,
          'NEW USERS': (found) => (found.createUsers ? 'yes' : 'no'),
          GROUPS: (found) => found.groups.map(mappingText).join(' ') || null,
          REDIRECT: (found) => found.redirectUri,
        })
      }),
    )
  addChanging(provider, run)
  addLinks(provider, run)
}

function addChanging(provider: Command, run: Run): void {
  withIdentityProviderFlags(
    provider
      .command('update')
      .description('change one; --stop ends the sessions that came by it')
      .argument('<name>')
      .option('--stop', 'nobody logs in by it any more')
      .option('--start', 'people log in by it again'),
    false,
  )
    .addHelpText('after', examples('signpost identity-provider update okta --stop'))
    .action(
      handler(
        run,
        async (context, [name]: [string], flags: IdentityProviderFlags & { stop?: true; start?: true }) => {
          if (flags.stop && flags.start) throw new UsageError('give one of --stop and --start')
          const changes = await identityProviderChanges(context.io, flags)
          const enabled = flags.stop || flags.start ? { enabled: flags.start === true } : {}
          const body = { ...changes, ...enabled }
          if (Object.keys(body).length === 0) throw new UsageError('nothing to change: see --help')
          const client = await context.connect()
          const input = { params: { name }, body }
          printProvider(
            context,
            await client.call('updateIdentityProvider', input, { signal: context.signal }),
          )
        },
      ),
    )
  withYes(
    provider
      .command('remove')
      .description('forget one: its sessions end, and what its groups gave; its users stay')
      .argument('<name>'),
  )
    .addHelpText('after', examples('signpost identity-provider remove okta'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `identity provider ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteIdentityProvider', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`removed identity provider ${printableLine(name)}`)
      }),
    )
}

function addLinks(provider: Command, run: Run): void {
  provider
    .command('links')
    .description('by which subjects of identity providers a user logs in')
    .argument('<username>')
    .addHelpText('after', examples('signpost identity-provider links alice'))
    .action(
      handler(run, async (context, [username]: [string]) => {
        const client = await context.connect()
        const input = { params: { username } }
        const { items } = await client.call('listIdentities', input, { signal: context.signal })
        context.printList(items, {
          ID: (found: (typeof items)[number]) => found.id,
          ISSUER: (found) => found.issuer,
          SUBJECT: (found) => found.subject,
          SINCE: (found) => found.createdAt,
        })
      }),
    )
  provider
    .command('link')
    .description(
      'let a subject log in as a user who is there; a refused login tells its subject in the audit trail',
    )
    .argument('<username>')
    .requiredOption('--issuer <url>', 'issuer identifier')
    .requiredOption('--subject <sub>', 'claim `sub` of whoever logs in')
    .addHelpText(
      'after',
      examples(
        'signpost audit list --type auth.login --decision deny --json',
        'signpost identity-provider link admin --issuer https://acme.okta.com --subject 00u1',
      ),
    )
    .action(
      handler(run, async (context, [username]: [string], options: { issuer: string; subject: string }) => {
        const client = await context.connect()
        const { issuer, subject } = options
        const input = { params: { username }, body: { issuer, subject } }
        const linked = await client.call('linkIdentity', input, { signal: context.signal })
        if (context.json) context.printJson(linked)
        else context.print(`linked ${printableLine(subject)} of ${issuer} to ${printableLine(username)}`)
      }),
    )
  provider
    .command('unlink')
    .description('end that, and the logins of the user')
    .argument('<username>')
    .argument('<id>', 'as `identity-provider links` shows it')
    .addHelpText(
      'after',
      examples('signpost identity-provider unlink alice 5feceb66ffc86f38d952786c6d696c79'),
    )
    .action(
      handler(run, async (context, [username, id]: [string, string]) => {
        const client = await context.connect()
        await client.call('unlinkIdentity', { params: { username, id } }, { signal: context.signal })
        if (!context.json) context.print(`unlinked ${printableLine(id)} from ${printableLine(username)}`)
      }),
    )
}

function printProvider(context: Context, provider: Provider): void {
  if (context.json) return context.printJson(provider)
  const state = provider.enabled ? 'people log in by it' : 'stopped'
  context.print(`identity provider ${provider.name}: ${state}`)
  context.print(`register this redirect URI at the provider: ${provider.redirectUri}`)
}

function mappingText({ group, team, role, organisationRole }: Provider['groups'][number]): string {
  const gives = [
    ...(team === undefined ? [] : [`${team}:${role ?? 'member'}`]),
    ...(organisationRole === undefined ? [] : [`organisation:${organisationRole}`]),
  ]
  return `${group}=${gives.join('+')}`
}
