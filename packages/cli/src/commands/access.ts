import { Option, type Command } from 'commander'
import type { CallInput, Reply } from '@signpost/contract'
import { remoteObject } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { parseAhead, parsePositive } from '../parse.ts'
import { tableLines, printableLine } from '../text.ts'
import type { ReviewOptions } from '../review-access.ts'

type Asked = CallInput<'explainAccess'>['body']

interface ExplainOptions {
  user?: string
  team?: string
  key?: string
  action: Asked['action']
  address?: string
  at?: string
}

export function addAccess(program: Command, run: Run): void {
  const access = program.command('access').description('who may reach what, and why')
  addExplain(access, run)
  access
    .command('review')
    .description('every way in: roles and keys of everybody, and what of it was not used')
    .option('--team <team>', 'only this team; its admins may ask that too')
    .option('--unused-days <days>', 'what was not used for so long is named', parsePositive, 90)
    .option('--unused', 'show only what was not used')
    .option('--csv <file>', 'all of it as CSV, into a file; - for standard output')
    .addHelpText(
      'after',
      examples(
        'signpost access review --csv review.csv',
        'signpost access review --team vision --unused-days 30 --unused',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: ReviewOptions) => {
        const { reviewAccess } = await import('../review-access.ts')
        await reviewAccess(context, options)
      }),
    )
}

function addExplain(access: Command, run: Run): void {
  access
    .command('explain')
    .description('may somebody do that, and which rule says so; 1 if they may not')
    .argument('[address]', 'sp://team/key, or --team and --key')
    .option('--user <username>', 'who; you, unless told')
    .option('--team <team>', 'in which team')
    .option('--key <key>', 'object key, relative to the team')
    .addOption(
      new Option('-a, --action <action>', 'what').choices(['read', 'write', 'delete']).default('read'),
    )
    .option('--address <address>', 'asked from this network address; yours, unless told')
    .option('--at <time>', 'at this instant, or a time from now (8h, 7d); now, unless told', parseAhead)
    .addHelpText(
      'after',
      examples(
        'signpost access explain sp://vision/payroll/march.csv --user alice',
        'signpost access explain --user alice --team vision --key payroll/march.csv --action write',
      ),
    )
    .action(
      handler(run, async (context, [address]: [string | undefined], options: ExplainOptions) => {
        const { user, action, address: from, at } = options
        const body: Asked = {
          ...objectOf(address, options),
          action,
          ...(user === undefined ? {} : { username: user }),
          ...(from === undefined ? {} : { address: from }),
          ...(at === undefined ? {} : { at }),
        }
        const client = await context.connect()
        const told = await client.call('explainAccess', { body }, { signal: context.signal })
        show(context, told)
        return told.outcome === 'allow' ? exitCodes.ok : exitCodes.failed
      }),
    )
}

function objectOf(address: string | undefined, { team, key }: ExplainOptions): { team: string; key: string } {
  if (address !== undefined) {
    if (team !== undefined || key !== undefined) throw new UsageError('give an address, or --team and --key')
    return remoteObject(address)
  }
  if (team === undefined || key === undefined)
    throw new UsageError('name the object: sp://team/key, or --team and --key')
  return { team, key }
}

const marks = { passes: 'ok', denies: 'no', allows: 'yes', narrows: 'less' } as const

function show(context: Context, told: Reply<'explainAccess'>): void {
  if (context.json) return context.printJson(told)
  context.print(printableLine(told.sentence))
  const rows = told.steps.map(({ rule, verdict, detail }) => [
    `  ${marks[verdict]}`,
    rule,
    printableLine(detail),
  ])
  for (const line of tableLines(rows)) context.print(line)
}
