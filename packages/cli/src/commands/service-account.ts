import type { Command } from 'commander'
import type { Reply } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { createKey, withNewKeyOptions, type NewKeyOptions } from '../new-key.ts'
import { printableLine } from '../text.ts'

type ServiceAccount = Reply<'createServiceAccount'>

interface AccountOptions {
  team?: string
  role?: string
  organisationRole?: string
}

const columns = {
  USERNAME: (account: ServiceAccount) => account.username,
  TEAM: (account: ServiceAccount) => account.team ?? '(organisation)',
  STATE: (account: ServiceAccount) => (account.active ? 'active' : 'stopped'),
  'ORGANISATION ROLE': (account: ServiceAccount) => account.organisationRole,
  CREATED: (account: ServiceAccount) => account.createdAt,
}

export function addServiceAccount(program: Command, run: Run): void {
  const account = program.command('service-account').description('accounts of programs')
  account
    .command('list')
    .description('service accounts')
    .option('--team <team>', 'of one team')
    .addHelpText('after', examples('signpost service-account list --team vision'))
    .action(
      handler(run, async (context, _: [], { team }: { team?: string }) => {
        const client = await context.connect()
        const query = team === undefined ? {} : { team }
        const accounts = client.items('listServiceAccounts', { query }, { signal: context.signal })
        context.printList(await everything(accounts), columns)
      }),
    )
  account
    .command('create')
    .description('create a service account, of the organisation or of a team')
    .argument('<username>')
    .option('--team <team>', 'the team that it belongs to')
    .option(
      '--role <role>',
      'its role in that team: viewer, member, admin, or one of your own; member unless told',
    )
    .option('--organisation-role <role>', 'one of the organisation: its role there; any but admin')
    .addHelpText('after', examples('signpost service-account create ci --team vision --role viewer'))
    .action(
      handler(
        run,
        async (context, [username]: [string], { team, role, organisationRole }: AccountOptions) => {
          if (role !== undefined && team === undefined) throw new UsageError('--role needs --team')
          const client = await context.connect()
          const body = {
            username,
            ...(team === undefined ? {} : { team }),
            ...(role === undefined ? {} : { role }),
            ...(organisationRole === undefined ? {} : { organisationRole }),
          }
          const created = await client.call('createServiceAccount', { body }, { signal: context.signal })
          context.printList([created], columns)
        },
      ),
    )
  addChanges(account, run)
}

function addChanges(account: Command, run: Run): void {
  account
    .command('update')
    .description('stop or start a service account, or change its role in the organisation')
    .argument('<username>')
    .option('--active', 'let it in again')
    .option('--no-active', 'stop it now: every key of its is refused')
    .option('--organisation-role <role>', 'one of the organisation: its role there; any but admin')
    .addHelpText(
      'after',
      examples(
        'signpost service-account update ci --no-active',
        'signpost service-account update siem --organisation-role auditor',
      ),
    )
    .action(
      handler(run, async (context, [username]: [string], options: { active?: boolean } & AccountOptions) => {
        const { active, organisationRole } = options
        if (active === undefined && organisationRole === undefined)
          throw new UsageError('nothing to change: give --active, --no-active or --organisation-role')
        const client = await context.connect()
        const body = {
          ...(active === undefined ? {} : { active }),
          ...(organisationRole === undefined ? {} : { organisationRole }),
        }
        const input = { params: { username }, body }
        const changed = await client.call('updateServiceAccount', input, { signal: context.signal })
        context.printList([changed], columns)
      }),
    )
  withYes(
    account.command('delete').description('delete a service account and its keys').argument('<username>'),
  )
    .addHelpText(
      'after',
      examples('signpost service-account delete ci', 'signpost service-account delete --yes ci'),
    )
    .action(
      handler(run, async (context, [username]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `service account ${username}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteServiceAccount', { params: { username } }, { signal: context.signal })
        if (!context.json) context.print(`deleted service account ${printableLine(username)}`)
      }),
    )
  withNewKeyOptions(
    account
      .command('key')
      .description('create an API key for a service account; it is shown once')
      .argument('<username>'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost service-account key ci --name runner --expires 90d --output ci.key',
        'signpost service-account key ci --name upload --write --prefix builds/',
      ),
    )
    .action(
      handler(run, (context, [username]: [string], options: NewKeyOptions) =>
        createKey(context, options, username),
      ),
    )
}
