import { InvalidArgumentError, type Command } from 'commander'
import type { AuditHold, AuditRetention } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { inOptions } from '../option-names.ts'
import { parseInstant } from '../parse.ts'

interface SetOptions {
  trail?: number | null
  accessLogs?: number | null
  unparsed?: number | null
}

/** `90d`, `90` -> days; `forever` -> null. For commander. */
function parseDays(text: string): number | null {
  if (text === 'forever') return null
  const days = Number(/^(\d{1,5})d?$/.exec(text)?.[1])
  if (!(days >= 1 && days <= 36_500))
    throw new InvalidArgumentError('Write days from 1 to 36500, such as 400d, or forever.')
  return days
}

export function addRetention(audit: Command, run: Run): void {
  const retention = audit.command('retention').description('how long what was recorded is kept')
  retention
    .command('show')
    .description('how long audit events, access log records and unreadable lines are kept')
    .addHelpText('after', examples('signpost audit retention show'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        show(context, await client.call('getAuditRetention', {}, { signal: context.signal }))
      }),
    )
  retention
    .command('set')
    .description('delete what is older, from now on; what is not named stays as it is')
    .option('--trail <days>', 'audit events: 400d, or forever', parseDays)
    .option('--access-logs <days>', 'access log records', parseDays)
    .option('--unparsed <days>', 'lines of logs that could not be read', parseDays)
    .addHelpText(
      'after',
      examples(
        'signpost audit retention set --trail 400d --access-logs 90d --unparsed 14d',
        'signpost audit retention set --trail forever',
      ),
    )
    .action(handler(run, (context, _: [], options: SetOptions) => set(context, options)))
}

async function set(context: Context, { trail, accessLogs, unparsed }: SetOptions): Promise<void> {
  if (trail === undefined && accessLogs === undefined && unparsed === undefined)
    throw new UsageError('give at least one of --trail, --access-logs and --unparsed')
  const { signal } = context
  const client = await context.connect()
  const before = await client.call('getAuditRetention', {}, { signal })
  const body: AuditRetention = {
    trailDays: trail === undefined ? before.trailDays : trail,
    accessLogDays: accessLogs === undefined ? before.accessLogDays : accessLogs,
    unparsedDays: unparsed === undefined ? before.unparsedDays : unparsed,
  }
  show(context, await inOptions(client.call('setAuditRetention', { body }, { signal }), 'retention'))
}

function show(context: Context, retention: AuditRetention): void {
  if (context.json) return context.printJson(retention)
  const text = (days: number | null) => (days === null ? 'forever' : `${days} days`)
  context.print(`audit events: ${text(retention.trailDays)}`)
  context.print(`access log records: ${text(retention.accessLogDays)}`)
  context.print(`unreadable lines of logs: ${text(retention.unparsedDays)}`)
}

interface HoldOptions {
  reason: string
  user?: string
  team?: string
  from?: string
  to?: string
  evenIfUnknown?: boolean
}

const columns = {
  NAME: (hold: AuditHold) => hold.name,
  WHO: (hold: AuditHold) => hold.username ?? 'everybody',
  TEAM: (hold: AuditHold) => hold.team ?? 'all',
  FROM: (hold: AuditHold) => hold.from ?? 'the beginning',
  TO: (hold: AuditHold) => hold.to ?? 'open',
  REASON: (hold: AuditHold) => hold.reason,
}

export function addHold(audit: Command, run: Run): void {
  const hold = audit.command('hold').description('what is neither deleted nor erased')
  hold
    .command('list')
    .description('holds that are in force')
    .addHelpText('after', examples('signpost audit hold list'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const found = client.items('listAuditHolds', { query: {} }, { signal: context.signal })
        context.printList(await everything(found), columns)
      }),
    )
  hold
    .command('create')
    .description('hold what was recorded; all that is named must be so')
    .argument('<name>')
    .requiredOption('--reason <text>', 'the case, the law')
    .option('--user <username>', 'what they did, and what names them')
    .option('--team <team>', 'what concerns this team')
    .option('--from <time>', 'from this instant, or so long ago', parseInstant)
    .option('--to <time>', 'before this instant', parseInstant)
    .option('--even-if-unknown', 'also where no user or team has or had that name')
    .addHelpText(
      'after',
      examples('signpost audit hold create case-7 --user alice --from 90d --reason "claim 7 of 2026"'),
    )
    .action(
      handler(run, async (context, [name]: [string], { user, ...rest }: HoldOptions) => {
        const client = await context.connect()
        const body = { name, ...(user === undefined ? {} : { username: user }), ...rest }
        const made = client.call('createAuditHold', { body }, { signal: context.signal })
        context.printList([await inOptions(made, 'hold')], columns)
      }),
    )
  hold
    .command('end')
    .description('end a hold: what it covered goes as the policy says')
    .argument('<name>')
    .addHelpText('after', examples('signpost audit hold end case-7'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        await client.call('endAuditHold', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`ended hold ${name}`)
      }),
    )
}
