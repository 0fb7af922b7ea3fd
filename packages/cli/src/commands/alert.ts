import type { Command } from 'commander'
import type { Alert, CallInput } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { UsageError } from '../errors.ts'
import { handler, type Run } from '../context.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { inOptions, withFlags } from '../option-names.ts'
import { parseDuration, parsePositive } from '../parse.ts'
import { humanDuration, printableLine } from '../text.ts'

type Body = CallInput<'createAlert'>['body']

interface AddOptions {
  to: string
  finding?: NonNullable<Body['findings']>
  team?: string[]
  min?: number
  quiet?: number
  allowInternal?: boolean
}

interface ChangeOptions extends Partial<AddOptions> {
  rename?: string
  allTeams?: true
  stop?: true
  start?: true
  newSecret?: true
}

const columns = {
  NAME: (alert: Alert) => alert.name,
  TO: ({ receiver, enabled }: Alert) => (enabled ? receiver : `${receiver} (stopped)`),
  FINDINGS: ({ findings }: Alert) => findings.join(' '),
  TEAMS: ({ teams }: Alert) => teams?.join(' ') ?? 'all',
  'AT LEAST': (alert: Alert) => alert.minimum,
  'QUIET FOR': ({ quietSeconds }: Alert) => humanDuration(quietSeconds),
  WAITING: ({ state }: Alert) => state.waiting,
  UNSENT: ({ state }: Alert) => state.unsent,
  'LAST SENT': ({ state }: Alert) => state.lastSentAt,
  PROBLEM: ({ state }: Alert) => state.problem,
}

export function addAlert(program: Command, run: Run): void {
  const alert = program.command('alert').description('who is told of findings, by themselves')
  addAdd(alert, run)
  addUpdate(alert, run)
  alert
    .command('list')
    .description('all of them, and whether it arrives')
    .addHelpText('after', examples('signpost alert list', 'signpost alert list --json'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const found = client.items('listAlerts', { query: {} }, { signal: context.signal })
        context.printList(await everything(found), columns)
      }),
    )
  alert
    .command('test')
    .description('send a message that says that it is a test; 1 if it was not taken')
    .argument('<name>')
    .addHelpText('after', examples('signpost alert test security'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        const done = await client.call('testAlert', { params: { name } }, { signal: context.signal })
        if (context.json) context.printJson(done)
        else if (done.ok) context.print(`${name} took it`)
        else context.note(`signpost: ${printableLine(withFlags(done.problem ?? 'it was not taken'))}`)
        return done.ok ? exitCodes.ok : exitCodes.failed
      }),
    )
  withYes(alert.command('remove').description('tell it no more').argument('<name>'))
    .addHelpText('after', examples('signpost alert remove security --yes'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `alert ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteAlert', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`removed alert ${name}`)
        return exitCodes.ok
      }),
    )
}

function addAdd(alert: Command, run: Run): void {
  alert
    .command('add')
    .description('have a webhook told of findings from now on, signed as Standard Webhooks says')
    .argument('<name>')
    .requiredOption('--to <url>', 'its address, https; kept sealed')
    .option('--finding <finding...>', 'of these kinds; else all but refused and likely')
    .option('--team <team...>', 'only of these teams')
    .option('--min <count>', 'not before there are so many', parsePositive)
    .option('--quiet <time>', 'after it told, no more of the same for so long; 1h unless told', parseDuration)
    .option('--allow-internal', 'it may be at an internal address, and without TLS')
    .addHelpText(
      'after',
      examples(
        'signpost alert add security --to https://hooks.example.com/in/T0/B0',
        'signpost alert add vision --to https://hooks.example.com/v --team vision --min 5 --quiet 6h',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: AddOptions) => {
        const body: Body = { name, url: options.to, ...rulesOf(options) }
        const client = await context.connect()
        const making = client.call('createAlert', { body }, { signal: context.signal })
        const made = await inOptions(making, 'alert')
        if (context.json) return context.printJson(made)
        context.print(made.signingSecret)
        context.note(`alert ${made.name} tells ${made.receiver}. This key of its signatures is shown once.`)
      }),
    )
}

function rulesOf({ finding, team, min, quiet, allowInternal }: Partial<AddOptions>) {
  return {
    ...(finding === undefined ? {} : { findings: finding }),
    ...(team === undefined ? {} : { teams: team }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(quiet === undefined ? {} : { quietSeconds: quiet }),
    ...(allowInternal === undefined ? {} : { allowInternal }),
  }
}

function addUpdate(alert: Command, run: Run): void {
  alert
    .command('update')
    .description('change one, for what is read from now on; what is not given stays')
    .argument('<name>')
    .option('--rename <name>', 'another name')
    .option('--to <url>', 'another address; what was not taken yet goes there')
    .option('--finding <finding...>', 'of these kinds')
    .option('--team <team...>', 'only of these teams')
    .option('--all-teams', 'of all teams')
    .option('--min <count>', 'not before there are so many', parsePositive)
    .option('--quiet <time>', 'after it told, no more of the same for so long', parseDuration)
    .option('--allow-internal', 'it may be at an internal address, and without TLS')
    .option('--no-allow-internal', 'it may not')
    .option('--stop', 'tell it nothing, and not later either what is found meanwhile')
    .option('--start', 'tell it again')
    .option('--new-secret', 'a new signing secret; the one before ends')
    .addHelpText(
      'after',
      examples(
        'signpost alert update security --quiet 6h --min 5',
        'signpost alert update security --stop',
        'signpost alert update security --to https://hooks.example.com/in/T1/B1 --new-secret',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: ChangeOptions) => {
        const body = changesOf(options)
        const client = await context.connect()
        const input = { params: { name }, body }
        const changing = client.call('updateAlert', input, { signal: context.signal })
        const changed = await inOptions(changing, 'alert')
        if (context.json) return context.printJson(changed)
        context.printList([changed], columns)
        if (changed.signingSecret === undefined) return
        context.print(changed.signingSecret)
        context.note('This key of its signatures is shown once.')
      }),
    )
}

function changesOf(options: ChangeOptions): CallInput<'updateAlert'>['body'] {
  const { rename, to, stop, start, team, allTeams, newSecret } = options
  if (stop && start) throw new UsageError('give one of --stop and --start')
  if (team && allTeams) throw new UsageError('give one of --team and --all-teams')
  const body = {
    ...rulesOf(options),
    ...(rename === undefined ? {} : { name: rename }),
    ...(to === undefined ? {} : { url: to }),
    ...(allTeams ? { teams: null } : {}),
    ...(stop || start ? { enabled: start === true } : {}),
    ...(newSecret ? { newSigningSecret: true } : {}),
  }
  if (Object.keys(body).length === 0) throw new UsageError('nothing to change: see --help')
  return body
}
