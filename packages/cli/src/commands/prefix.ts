import type { Command } from 'commander'
import type { CallInput, Reply } from '@signpost/contract'
import { asFolder, remoteAddress, type RemoteAddress } from '../address.ts'
import { withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { confirmed } from '../prompt.ts'
import { printableLine } from '../text.ts'

type Prefix = Reply<'listRestrictedPrefixes'>['items'][number]
type Grant = CallInput<'setRestrictedPrefix'>['body']['grants'][number]

interface RestrictOptions {
  read?: string[]
  write?: string[]
  readRole?: string[]
  writeRole?: string[]
  add?: true
  nobody?: true
}

const columns = {
  PREFIX: (found: Prefix) => found.prefix,
  'WHO MAY READ': (found: Prefix) => namesOf(found, 'read'),
  'AND WRITE': (found: Prefix) => namesOf(found, 'write'),
}

function namesOf({ grants }: Prefix, access: Grant['access']): string {
  const named = grants.filter((grant) => grant.access === access)
  return named.map(({ username, role }) => username ?? `role ${role}`).join(', ') || '-'
}

export function addPrefix(program: Command, run: Run): void {
  const prefix = program.command('prefix').description('restricted prefixes: who of a team may reach them')
  prefix
    .command('restrict')
    .description("restrict a prefix to these, and nobody else; the team's admins must name themselves")
    .argument('<address>', 'sp://team/prefix/')
    .option('--read <username...>', 'these may read')
    .option('--write <username...>', 'these may read, write and delete, as far as their role allows')
    .option('--read-role <role...>', 'members with these roles may read')
    .option('--write-role <role...>', 'members with these roles may read, write and delete')
    .option('--add', 'besides those who may already')
    .option('--nobody', 'for nobody at all, for now')
    .addHelpText(
      'after',
      examples(
        'signpost prefix restrict sp://vision/payroll/ --write alice --read bob ci',
        'signpost prefix restrict sp://vision/payroll/ --add --read carol',
      ),
    )
    .action(
      handler(run, async (context, [address]: [string], options: RestrictOptions) => {
        const { team, key } = prefixAddress(address)
        const grants = grantsOf(options)
        if (options.add && grants.length === 0)
          throw new UsageError('--add: name somebody with --read or --write')
        // The list takes the place of the one before: an option that was forgotten would shut everybody out.
        if ((grants.length === 0) !== (options.nobody === true))
          throw new UsageError('name somebody with --read, --write or a role, or say --nobody')
        const before = options.add ? (await find(context, { team, key }))?.grants : undefined
        const client = await context.connect()
        const kept = (before ?? []).filter((old) => !grants.some((grant) => isSame(grant, old)))
        const body = { prefix: key, grants: [...kept, ...grants] }
        const asked = { params: { team }, body }
        const made = await client.call('setRestrictedPrefix', asked, { signal: context.signal })
        context.printList([made], columns)
        if (made.grants.length === 0)
          context.note('nobody may reach it now: name somebody with --read or --write')
      }),
    )
  prefix
    .command('list')
    .description('restricted prefixes of a team')
    .argument('<team>')
    .addHelpText('after', examples('signpost prefix list vision'))
    .action(
      handler(run, async (context, [team]: [string]) =>
        context.printList(await list(context, team), columns),
      ),
    )
  withYes(
    prefix
      .command('open')
      .description('open a prefix to the whole team again')
      .argument('<address>', 'sp://team/prefix/'),
  )
    .addHelpText('after', examples('signpost prefix open sp://vision/payroll/'))
    .action(
      handler(run, async (context, [text]: [string], options: ConfirmOptions) => {
        const address = prefixAddress(text)
        const found = await find(context, address)
        if (!found) {
          context.note(
            `signpost: ${printableLine(text)} is no restricted prefix: see signpost prefix list ${address.team}`,
          )
          return exitCodes.notFound
        }
        if (!(await mayOpen(context, text, options))) return exitCodes.failed
        const client = await context.connect()
        const params = { team: address.team, id: found.id }
        await client.call('deleteRestrictedPrefix', { params }, { signal: context.signal })
        if (!context.json) context.print(`opened ${printableLine(text)} to the whole team`)
        return exitCodes.ok
      }),
    )
}

/** A prefix is a folder: with or without its slash. */
function prefixAddress(text: string): RemoteAddress {
  const { team, key } = remoteAddress(text)
  if (key === '')
    throw new UsageError(`${text} names the whole team: name a prefix, such as sp://${team}/payroll/`)
  return { team, key: asFolder(key) }
}

function grantsOf({ read = [], write = [], readRole = [], writeRole = [] }: RestrictOptions): Grant[] {
  return [
    ...write.map((username) => ({ username, access: 'write' as const })),
    ...read.map((username) => ({ username, access: 'read' as const })),
    ...writeRole.map((role) => ({ role, access: 'write' as const })),
    ...readRole.map((role) => ({ role, access: 'read' as const })),
  ]
}

function isSame(one: Grant, other: Grant): boolean {
  return one.username === other.username && one.role === other.role
}

async function list(context: Context, team: string): Promise<Prefix[]> {
  const client = await context.connect()
  const asked = { params: { team }, query: {} }
  return everything(client.items('listRestrictedPrefixes', asked, { signal: context.signal }))
}

async function find(context: Context, { team, key }: RemoteAddress): Promise<Prefix | undefined> {
  return (await list(context, team)).find(({ prefix }) => prefix === key)
}

async function mayOpen({ io }: Context, text: string, { yes }: ConfirmOptions): Promise<boolean> {
  if (yes) return true
  if (!io.stdin.isTTY) throw new UsageError(`give --yes to open ${text} to the whole team`)
  return confirmed(io, `Open ${printableLine(text)} to the whole team?`)
}
