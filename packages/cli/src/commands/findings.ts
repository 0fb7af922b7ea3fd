import { Option, type Command } from 'commander'
import type { CallInput, ExplainedFinding, FindingGroup } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { findingLines } from '../finding-shown.ts'
import { nearest } from '../nearest.ts'
import { parseInstant, parsePositive } from '../parse.ts'
import { printableLine, tableLines } from '../text.ts'

type Filters = NonNullable<CallInput<'countFindings'>['query']>

interface FindingOptions {
  list?: true
  limit: number
  finding?: string
  from?: string
  to?: string
  user?: string
  team?: string
  connector?: string
  state?: 'open' | 'acknowledged'
}

const columns = {
  FINDING: (group: FindingGroup) => group.finding,
  CONNECTOR: (group: FindingGroup) => group.connector,
  STATE: (group: FindingGroup) => group.state,
  COUNT: (group: FindingGroup) => group.count,
  FIRST: (group: FindingGroup) => group.firstAt,
  LAST: (group: FindingGroup) => group.lastAt,
}

export function addFindings(program: Command, run: Run): void {
  const findings = program
    .command('findings')
    .description('accesses that want a look: how many of each kind, or each with what it means')
    .option('-l, --list', 'each of them, newest first, explained')
    .option('-n, --limit <count>', 'with --list: how many', parsePositive, 20)
    .option('--finding <finding>', 'only of this kind, such as not_issued_here')
    .option('--from <time>', 'from this instant, or so long ago: 2026-01-31T12:00:00Z, 24h', parseInstant)
    .option('--to <time>', 'before this instant', parseInstant)
    .option('--user <username>', 'only what is put down to this user or service account')
    .option('--team <team>', 'only of this team')
    .option('--connector <connector>', 'only of this bucket')
    .addOption(new Option('--state <state>', 'only in this state').choices(['open', 'acknowledged']))
    .addHelpText(
      'after',
      examples(
        'signpost findings --from 30d',
        'signpost findings --list --state open --finding not_issued_here',
        'signpost findings acknowledge mibk2x00-1f2e3d --note "the backup job, ticket 4711"',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: FindingOptions) => {
        const query = await filtersOf(options)
        if (options.list) await list(context, query, options.limit)
        else await count(context, query)
      }),
    )
  findings
    .command('show')
    .description('one of them, with all that the log says')
    .argument('<id>')
    .addHelpText('after', examples('signpost findings show mibk2x00-1f2e3d'))
    .action(
      handler(run, async (context, [id]: [string]) => {
        const client = await context.connect()
        show(context, await client.call('getFinding', { params: { id } }, { signal: context.signal }))
      }),
    )
  addChange(findings, run, 'acknowledge')
  addChange(findings, run, 'reopen')
}

function addChange(findings: Command, run: Run, name: 'acknowledge' | 'reopen'): void {
  const isSeen = name === 'acknowledge'
  const say = 'why; kept with it and in the audit trail'
  const command = findings.command(name).argument('<id>')
  command
    .description(
      isSeen ? 'say that somebody has looked at it; it hides nothing' : 'say that it wants a look again',
    )
    .option('--note <text>', say)
    .addHelpText('after', examples(`signpost findings ${name} mibk2x00-1f2e3d --note "ticket 4711"`))
    .action(
      handler(run, async (context, [id]: [string], { note = '' }: { note?: string }) => {
        const client = await context.connect()
        const body = { state: isSeen ? ('acknowledged' as const) : ('open' as const), note }
        const input = { params: { id }, body }
        const changed = await client.call('updateFinding', input, { signal: context.signal })
        if (context.json) context.printJson(changed)
        else context.print(`${changed.finding} ${id} is ${changed.state}`)
      }),
    )
}

async function count(context: Context, query: Filters): Promise<void> {
  const client = await context.connect()
  const counts = await client.call('countFindings', { query }, { signal: context.signal })
  if (context.json) return context.printJson(counts)
  if (counts.groups.length === 0) return context.note('no findings')
  context.printList(counts.groups, columns)
  context.note('signpost findings --list tells of each')
  if (!counts.complete) context.note('there are more than are counted at once: narrow it by --from and --to')
}

async function list(context: Context, query: Filters, limit: number): Promise<void> {
  const client = await context.connect()
  const page = { ...query, limit: Math.min(limit, 1000) }
  const found = await everything(
    client.items('listFindings', { query: page }, { signal: context.signal }),
    limit,
  )
  if (found.length === 0 && !context.json) context.note('no findings')
  for (const finding of found)
    if (context.json) context.printJson(finding)
    else for (const line of findingLines(finding)) context.print(line)
}

function show(context: Context, found: ExplainedFinding): void {
  if (context.json) return context.printJson(found)
  for (const line of findingLines(found)) context.print(line)
  const { evidence, sentences: _, ...plain } = found
  const rows = Object.entries({ ...plain, ...evidence }).map(([name, value]) => [
    `  ${name}`,
    printableLine(typeof value === 'string' ? value : JSON.stringify(value)),
  ])
  for (const line of tableLines(rows)) context.print(line)
}

async function filtersOf(options: FindingOptions): Promise<Filters> {
  const { finding, from, to, user, team, connector, state } = options
  if (finding !== undefined) await checkFinding(finding)
  const all = { finding, from, to, username: user, team, connector, state }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** The contract is imported only here, since it takes time. */
async function checkFinding(text: string): Promise<void> {
  const { Finding } = await import('@signpost/contract')
  if (Finding.safeParse(text).success) return
  const near = nearest(text, Finding.options)
  const advice = near === undefined ? `they are ${Finding.options.join(', ')}` : `did you mean ${near}?`
  throw new UsageError(`--finding: there is none called ${JSON.stringify(text)}: ${advice}`)
}
