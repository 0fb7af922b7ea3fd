import type { Command } from 'commander'
import type { Team } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { inOptions } from '../option-names.ts'
import {
  namesPolicy,
  noteNetworks,
  policyLines,
  policyOf,
  withPolicyFlags,
  type PolicyFlags,
} from '../policy-flags.ts'
import { printableLine } from '../text.ts'

interface TeamOptions extends PolicyFlags {
  /** `--no-connector` makes it false. */
  connector?: string | false
  prefix?: string
}

const columns = {
  NAME: (team: Team) => team.name,
  CONNECTOR: (team: Team) => team.connector ?? '(default)',
  PREFIX: (team: Team) => team.prefix,
}

export function addTeam(program: Command, run: Run): void {
  const team = program.command('team').description('teams and their members')
  team
    .command('list')
    .description('teams that you may see')
    .addHelpText('after', examples('signpost team list'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        context.printList(
          await everything(client.items('listTeams', { query: {} }, { signal: context.signal })),
          columns,
        )
      }),
    )
  withPolicyFlags(
    team
      .command('create')
      .description('create a team')
      .argument('<name>')
      .option('--connector <name>', 'its own connector, instead of the default one')
      .option('--prefix <prefix>', 'what stands before its keys in the bucket; NAME/ unless told'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost team create vision',
        'signpost team create vision --connector vision-bucket --prefix vision/ --read-max 15m',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: TeamOptions) => {
        const { connector, prefix } = options
        const client = await context.connect()
        const policy = await policyOf(context.io, options, undefined)
        const body = {
          name,
          ...(connector ? { connector } : {}),
          ...(prefix === undefined ? {} : { prefix }),
          ...(policy === undefined ? {} : { policy }),
        }
        show(context, await inOptions(client.call('createTeam', { body }, { signal: context.signal })))
      }),
    )
  team
    .command('show')
    .description('one team')
    .argument('<name>')
    .addHelpText('after', examples('signpost team show vision'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        show(context, await client.call('getTeam', { params: { team: name } }, { signal: context.signal }))
      }),
    )
  addChanges(team, run)
  addMembers(team, run)
}

function show(context: Context, team: Team): void {
  context.printList([team], columns)
  if (!context.json) policyLines(team.policy).forEach(context.print)
}

function addChanges(team: Command, run: Run): void {
  withPolicyFlags(
    team
      .command('update')
      .description("change a team's connector, prefix or policy")
      .argument('<name>')
      .option('--connector <name>', 'its connector')
      .option('--no-connector', 'back to the default connector')
      .option('--prefix <prefix>', 'what stands before its keys in the bucket'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost team update vision --connector vision-bucket --prefix vision/',
        'signpost team update vision --network 203.0.113.0/24 2001:db8::/32 --read-max 15m',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: TeamOptions) => {
        const { connector, prefix } = options
        const changesPolicy = namesPolicy(options)
        if (connector === undefined && prefix === undefined && !changesPolicy)
          throw new UsageError(
            'nothing to change: give --connector, --no-connector, --prefix, --network or another option of the policy',
          )
        const client = await context.connect()
        const params = { team: name }
        const before = changesPolicy
          ? await client.call('getTeam', { params }, { signal: context.signal })
          : undefined
        const policy = await policyOf(context.io, options, before?.policy)
        const body = {
          ...(connector === undefined ? {} : { connector: connector === false ? null : connector }),
          ...(prefix === undefined ? {} : { prefix }),
          ...(policy === undefined ? {} : { policy }),
        }
        const updating = client.call('updateTeam', { params, body }, { signal: context.signal })
        const updated = await inOptions(updating)
        show(context, updated)
        noteNetworks(context, options, updated.connector ?? 'CONNECTOR')
      }),
    )
  withYes(
    team.command('delete').description('delete a team; its objects stay in the bucket').argument('<name>'),
  )
    .addHelpText('after', examples('signpost team delete vision', 'signpost team delete --yes vision'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `team ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteTeam', { params: { team: name } }, { signal: context.signal })
        if (!context.json) context.print(`deleted team ${name}; its objects stay in the bucket`)
      }),
    )
}

function addMembers(team: Command, run: Run): void {
  const member = team.command('member').description('who is in a team, and as what')
  const memberColumns = {
    USERNAME: (found: { username: string }) => found.username,
    KIND: (found: { kind: string }) => found.kind,
    ROLE: (found: { role: string }) => found.role,
    SINCE: (found: { since: string }) => found.since,
  }
  member
    .command('list')
    .description('members of a team')
    .argument('<team>')
    .addHelpText('after', examples('signpost team member list vision'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        const input = { params: { team: name }, query: {} }
        const members = client.items('listMembers', input, { signal: context.signal })
        context.printList(await everything(members), memberColumns)
      }),
    )
  member
    .command('set')
    .description('add a member, or change its role')
    .argument('<team>')
    .argument('<username>')
    .argument(
      '<role>',
      'viewer reads, member also writes, admin also manages; or one of your own (signpost role list)',
    )
    .addHelpText('after', examples('signpost team member set vision alice member'))
    .action(
      handler(run, async (context, [name, username, role]: [string, string, string]) => {
        const client = await context.connect()
        const input = { params: { team: name, username }, body: { role } }
        context.printList([await client.call('setMember', input, { signal: context.signal })], memberColumns)
      }),
    )
  member
    .command('remove')
    .description('remove a member')
    .argument('<team>')
    .argument('<username>')
    .addHelpText('after', examples('signpost team member remove vision alice'))
    .action(
      handler(run, async (context, [name, username]: [string, string]) => {
        const client = await context.connect()
        await client.call('removeMember', { params: { team: name, username } }, { signal: context.signal })
        if (!context.json) context.print(`removed ${printableLine(username)} from ${name}`)
      }),
    )
}
