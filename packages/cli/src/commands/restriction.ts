import { InvalidArgumentError, type Command } from 'commander'
import type { CallInput, Restriction } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { parseAhead, parseBytes, parseDuration } from '../parse.ts'

type Body = CallInput<'createRestriction'>['body']
type Action = Restriction['actions'][number]

interface RestrictOptions {
  user?: string
  team?: string
  prefix?: string
  network?: string[]
  everybody?: true
  deny?: (Action | 'all')[]
  readMax?: number
  writeMax?: number
  bytesMax?: number
  from?: string
  until?: string
  reason: string
}

const columns = {
  ID: (found: Restriction) => found.id,
  WHO: (found: Restriction) => found.username ?? 'everybody',
  WHERE: (found: Restriction) =>
    found.team === null ? 'all teams' : `sp://${found.team}/${found.prefix ?? ''}`,
  NETWORKS: (found: Restriction) => found.networks.join(' ') || 'any',
  WHAT: whatText,
  FROM: (found: Restriction) => found.from,
  UNTIL: (found: Restriction) => found.until ?? 'ended by hand',
  REASON: (found: Restriction) => found.reason,
}

function whatText({ actions, caps }: Restriction): string {
  if (caps === null) return `no ${actions.join(', ')}`
  const { readSecondsMax: read, writeSecondsMax: write, writeBytesMax: bytes } = caps
  const parts = [
    ...(read === undefined ? [] : [`reads of ${read} s`]),
    ...(write === undefined ? [] : [`writes of ${write} s`]),
    ...(bytes === undefined ? [] : [`objects of ${bytes} bytes`]),
  ]
  return `at most ${parts.join(', ')}`
}

const deniable: readonly (Action | 'all')[] = ['read', 'write', 'delete', 'all']

/** Given again, one behind another, or joined by commas as permissions of a role. For commander. */
function parseActions(text: string, before: (Action | 'all')[] | undefined): (Action | 'all')[] {
  const named = text.split(',').map((word) => deniable.find((one) => one === word))
  if (named.includes(undefined)) throw new InvalidArgumentError(`Allowed choices are ${deniable.join(', ')}.`)
  return [...(before ?? []), ...named.filter((one) => one !== undefined)]
}

export function addRestriction(program: Command, run: Run): void {
  program
    .command('restrict')
    .description('deny or narrow what somebody may do, from the next request on')
    .option('--user <username>', 'this user or service account')
    .option('--team <team>', 'in this team')
    .option('--prefix <prefix>', 'keys of the team that begin so')
    .option('--network <network...>', 'who asks from these address ranges')
    .option('--everybody', 'nobody in particular is meant, in no team: everybody, everywhere')
    .option('--deny <action...>', 'refuse these: read, write, delete, or all', parseActions)
    .option('--read-max <time>', 'URLs to read live so long at most', parseDuration)
    .option('--write-max <time>', 'URLs to write live so long at most', parseDuration)
    .option(
      '--bytes-max <size>',
      'objects of so many bytes at most; their length must be declared',
      parseBytes,
    )
    .option('--from <time>', 'an instant, or a time from now; now unless told', parseAhead)
    .option('--until <time>', 'an instant, or a time from now (8h, 7d); else until it is ended', parseAhead)
    .requiredOption('--reason <text>', 'shown to whoever is refused')
    .addHelpText(
      'after',
      examples(
        'signpost restrict --user alice --deny write delete --until 8h --reason "under review"',
        'signpost restrict --team vision --prefix raw/ --deny all --reason "migration"',
        'signpost restrict --user bob --deny all --until 2026-01-31T18:00:00+01:00 --reason "on leave"',
        'signpost restrict --user ci --bytes-max 64M --write-max 5m --reason "trial"',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: RestrictOptions) => {
        const body = bodyOf(options)
        const client = await context.connect()
        show(context, [await client.call('createRestriction', { body }, { signal: context.signal })])
      }),
    )
  const restriction = program
    .command('restriction')
    .description('restrictions that are in force, or will be (to make one: signpost restrict)')
  restriction
    .command('list')
    .description('restrictions of the organisation, of a team, or about a user')
    .option('--team <team>', 'only those of this team')
    .option('--user <username>', 'only those that name this user; your own name shows you yours')
    .addHelpText('after', examples('signpost restriction list', 'signpost restriction list --team vision'))
    .action(
      handler(run, async (context, _: [], { team, user }: { team?: string; user?: string }) => {
        const client = await context.connect()
        const query = {
          ...(team === undefined ? {} : { team }),
          ...(user === undefined ? {} : { username: user }),
        }
        show(
          context,
          await everything(client.items('listRestrictions', { query }, { signal: context.signal })),
        )
      }),
    )
  restriction
    .command('end')
    .description('end a restriction, from the next request on')
    .argument('<id>', 'as list shows it')
    .addHelpText('after', examples('signpost restriction end 01a20845-5a3c-7000-8000-3f6a2b1c9d10'))
    .action(
      handler(run, async (context, [id]: [string]) => {
        const client = await context.connect()
        await client.call('endRestriction', { params: { id } }, { signal: context.signal })
        if (!context.json) context.print(`ended restriction ${id}`)
      }),
    )
}

function show(context: Context, found: Restriction[]): void {
  context.printList(found, columns)
}

function bodyOf(options: RestrictOptions): Body {
  const { user, team, prefix, network, everybody, deny, from, until, reason } = options
  if (prefix !== undefined && team === undefined) throw new UsageError('--prefix goes with --team')
  const isNarrow = user !== undefined || team !== undefined || network !== undefined
  if (!isNarrow && !everybody) throw new UsageError('name --user, --team or --network, or say --everybody')
  if (isNarrow && everybody) throw new UsageError('--everybody goes with no --user, --team or --network')
  const caps = capsOf(options)
  if ((deny === undefined) === (caps === undefined))
    throw new UsageError('say what: --deny, or at least one of --read-max, --write-max and --bytes-max')
  return {
    reason,
    ...(user === undefined ? {} : { username: user }),
    ...(team === undefined ? {} : { team }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(network === undefined ? {} : { networks: network }),
    ...(deny === undefined || deny.includes('all') ? {} : { actions: deny as Action[] }),
    ...(caps === undefined ? {} : { caps }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
  }
}

function capsOf({ readMax, writeMax, bytesMax }: RestrictOptions): Body['caps'] {
  if (readMax === undefined && writeMax === undefined && bytesMax === undefined) return undefined
  return {
    ...(readMax === undefined ? {} : { readSecondsMax: readMax }),
    ...(writeMax === undefined ? {} : { writeSecondsMax: writeMax }),
    ...(bytesMax === undefined ? {} : { writeBytesMax: bytesMax }),
  }
}
