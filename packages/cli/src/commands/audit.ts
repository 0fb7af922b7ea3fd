import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Option, type Command } from 'commander'
import type { CallInput, ChainedAuditEvent } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { nearest } from '../nearest.ts'
import { parseInstant, parsePositive } from '../parse.ts'
import { printableLine } from '../text.ts'
import { writeWhole } from '../whole-file.ts'
import { addCheckpoint } from './audit-checkpoint.ts'
import { addAuditSink } from './audit-sink.ts'
import { addHold, addRetention } from './audit-retention.ts'
import { addVerify } from './audit-verify.ts'

type Filters = CallInput<'exportAuditEvents'>['query']
interface FilterOptions {
  from?: string
  to?: string
  type?: NonNullable<Filters['type']>
  decision?: 'allow' | 'deny'
  user?: string
  team?: string
  key?: string
  grant?: string
}

interface ExportOptions extends FilterOptions {
  output?: string
  pseudonymised?: true
  pseudonymKeyFile?: string
}

const pageMax = 1000

export function addAudit(program: Command, run: Run): void {
  const audit = program.command('audit').description('who was let in, when and to what')
  withFilters(
    audit
      .command('list')
      .description('audit events, newest first')
      .option('-n, --limit <count>', 'how many', parsePositive, 100),
  )
    .addHelpText(
      'after',
      examples(
        'signpost audit list --limit 3',
        'signpost audit list --user alice --from 24h',
        'signpost audit list --decision deny --json',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: FilterOptions & { limit: number }) => {
        const filters = await filtersOf(options)
        const client = await context.connect()
        const query = { ...filters, limit: Math.min(options.limit, pageMax) }
        const found = client.items('listAuditEvents', { query }, { signal: context.signal })
        const events = await everything(found, options.limit)
        if (events.length > 0) context.printList(events, columns)
        else if (!context.json) context.note('no events')
      }),
    )
  withFilters(
    audit
      .command('export')
      .description('audit events as NDJSON, oldest first')
      .option('-o, --output <file>', 'into a file instead of standard output')
      .option('--pseudonymised', 'pseudonyms in the place of users, addresses, agents and markers')
      .option('--pseudonym-key-file <file>', 'the same pseudonyms in every export with this key'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost audit export -o audit.ndjson && signpost audit verify --export audit.ndjson',
        'signpost audit export --team vision --from 7d | jq .event.username',
        'signpost audit export --pseudonymised -o for-others.ndjson',
      ),
    )
    .action(handler(run, (context, _: [], options: ExportOptions) => exportEvents(context, options)))
  addVerify(audit, run)
  addCheckpoint(audit, run)
  addAuditSink(audit, run)
  addRetention(audit, run)
  addHold(audit, run)
  audit
    .command('who-is')
    .description('whom an X-User, X-Grant or scid in a bucket log names')
    .argument('<marker>')
    .addHelpText('after', examples('signpost audit who-is 0f8fad5b-d9cb-469f-a165-70867728950e'))
    .action(
      handler(run, async (context, [marker]: [string]) => {
        const client = await context.connect()
        const owner = await client.call('getMarkerOwner', { params: { marker } }, { signal: context.signal })
        if (context.json) context.printJson(owner)
        else context.print(`${printableLine(owner.username)} (${owner.kind}, found by ${owner.foundBy})`)
      }),
    )
}

const columns = {
  AT: ({ event }: ChainedAuditEvent) => event.at,
  TYPE: ({ event }: ChainedAuditEvent) => event.type,
  DECISION: ({ event }: ChainedAuditEvent) => event.decision,
  REASON: ({ event }: ChainedAuditEvent) => event.reason,
  WHO: ({ event }: ChainedAuditEvent) => event.username ?? null,
  TEAM: ({ event }: ChainedAuditEvent) => event.team ?? null,
  CONNECTOR: ({ event }: ChainedAuditEvent) => event.connector ?? null,
  METHOD: ({ event }: ChainedAuditEvent) => event.method ?? null,
  KEY: ({ event }: ChainedAuditEvent) => event.key ?? null,
}

function withFilters(command: Command): Command {
  return command
    .option('--from <time>', 'from this instant, or so long ago: 2026-01-31T12:00:00Z, 24h', parseInstant)
    .option('--to <time>', 'before this instant', parseInstant)
    .option('--type <type>', 'of this type, such as url.issue')
    .addOption(
      new Option('--decision <decision>', 'only what was allowed, or refused').choices(['allow', 'deny']),
    )
    .option('--user <username>', 'of this user or service account')
    .option('--team <team>', 'of this team')
    .option('--key <key>', 'of this object: its whole key in the bucket')
    .option('--grant <id>', 'of this grant')
}

async function filtersOf(options: FilterOptions): Promise<Filters> {
  if (options.type !== undefined) await checkType(options.type)
  const { from, to, type, decision, user, team, key, grant } = options
  const all = { from, to, type, decision, username: user, team, key, grantId: grant }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** The contract is imported only here, since it takes time. */
async function checkType(type: string): Promise<void> {
  const { AuditEventType } = await import('@signpost/contract')
  if (AuditEventType.safeParse(type).success) return
  const near = nearest(type, AuditEventType.options)
  const advice = near === undefined ? 'they look like url.issue or team.create' : `did you mean ${near}?`
  throw new UsageError(`--type: there are no events of type ${JSON.stringify(type)}: ${advice}`)
}

async function exportEvents(context: Context, options: ExportOptions): Promise<void> {
  const change = await changeOf(options)
  const { exportedLines } = await import('../exported-lines.ts')
  const { io, signal } = context
  const filters = await filtersOf(options)
  const settings = await context.settings()
  let count = 0
  const lines = async function* () {
    for await (const line of exportedLines(io, settings, filters)) {
      count += 1
      yield change(line)
    }
  }
  if (options.output === undefined)
    return pipeline(Readable.from(lines()), context.io.stdout, { signal, end: false })
  await writeWhole(lines(), options.output, signal)
  if (context.json) context.printJson({ file: options.output, events: count })
  else context.print(`${count} events in ${options.output}`)
}

async function changeOf({
  pseudonymised,
  pseudonymKeyFile,
}: ExportOptions): Promise<(line: string) => string> {
  if (pseudonymKeyFile !== undefined && !pseudonymised)
    throw new UsageError('--pseudonym-key-file goes with --pseudonymised')
  if (!pseudonymised) return (line) => line
  const { pseudonymisedLine, readPseudonymKey } = await import('../pseudonymise.ts')
  const key = await readPseudonymKey(pseudonymKeyFile)
  return (line) => pseudonymisedLine(line, key)
}
