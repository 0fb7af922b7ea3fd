import type { Command } from 'commander'
import type { AuditSink, CallInput, Reply } from '@signpost/contract'
import {
  auditSinkFilter,
  auditSinkSecrets,
  auditSinkSettings,
  withAuditSinkFlags,
  type AuditSinkFlags,
} from '../audit-sink-flags.ts'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { inOptions, withFlags } from '../option-names.ts'
import { humanDuration, printableLine } from '../text.ts'

type NewSink = Reply<'createAuditSink'>

const columns = {
  NAME: (sink: AuditSink) => sink.name,
  TO: (sink: AuditSink) => placeText(sink),
  STATE: ({ enabled, state }: AuditSink) =>
    enabled ? (state.failures > 0 ? 'failing' : 'active') : 'stopped',
  BEHIND: ({ state }: AuditSink) => state.lagEvents,
  FOR: ({ state }: AuditSink) => (state.lagEvents === 0 ? null : humanDuration(state.lagSeconds)),
  SENT: ({ state }: AuditSink) => state.sent,
  REJECTED: ({ state }: AuditSink) => state.rejected,
  'LAST SENT': ({ state }: AuditSink) => state.lastSentAt,
  PROBLEM: ({ state }: AuditSink) => state.problem,
}

export function addAuditSink(audit: Command, run: Run): void {
  const sink = audit.command('sink').description('where the audit trail is sent, and how far each is behind')
  withAuditSinkFlags(sink.command('add').description('send audit events somewhere').argument('<name>'))
    .option('--from-now', 'only what is recorded from now on; without it, all that ever was')
    .addHelpText(
      'after',
      examples(
        'signpost audit sink add lake --bucket archive --format parquet --every 10m',
        'signpost audit sink add siem --webhook https://siem.example.com/in --shape ocsf --from-now',
        'signpost audit sink add otel --otlp https://otel.example.com/v1/logs --headers-file ./headers',
        'signpost audit sink add soc --syslog log.example.com:6514 --ca-file ca.pem --decision deny',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: AuditSinkFlags & { fromNow?: true }) => {
        const settings = (await auditSinkSettings(context.io, flags))!
        const secrets = await auditSinkSecrets(context.io, flags)
        const filter = auditSinkFilter(flags) ?? {}
        const body = { name, settings, secrets, filter, from: flags.fromNow ? 'now' : 'beginning' } as const
        const client = await context.connect()
        const making = client.call('createAuditSink', { body }, { signal: context.signal })
        printMade(context, await inOptions(making, 'sink'))
      }),
    )
  sink
    .command('list')
    .description('all of them: what waits to be sent, since when, and what went wrong')
    .addHelpText('after', examples('signpost audit sink list', 'signpost audit sink list --json'))
    .action(handler(run, async (context) => context.printList(await allSinks(context), columns)))
  addTest(sink, run)
  addChanging(sink, run)
}

function addTest(sink: Command, run: Run): void {
  sink
    .command('test')
    .description('send one event that says that it is a test')
    .argument('<name>')
    .addHelpText('after', examples('signpost audit sink test siem'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        const tested = await client.call('testAuditSink', { params: { name } }, { signal: context.signal })
        if (context.json) context.printJson(tested)
        else {
          context.print(`${printableLine(name)} ${tested.ok ? 'took it' : 'did not take it'}`)
          if (tested.problem !== null) context.note(`signpost: ${printableLine(withFlags(tested.problem))}`)
        }
        return tested.ok ? exitCodes.ok : exitCodes.failed
      }),
    )
}

interface ChangeFlags extends AuditSinkFlags {
  stop?: true
  start?: true
  newSecret?: true
  allEvents?: true
}

function addChanging(sink: Command, run: Run): void {
  withAuditSinkFlags(
    sink
      .command('update')
      .description('change one: what was not sent yet is sent by what is said now')
      .argument('<name>')
      .option('--stop', 'send nothing; what is recorded meanwhile is sent later')
      .option('--start', 'send again, from where it stopped')
      .option('--new-secret', 'a new signing secret; for a day the one before signs beside it')
      .option('--all-events', 'without filter'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost audit sink update siem --stop',
        'signpost audit sink update siem --new-secret',
        'signpost audit sink update lake --every 1h',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: ChangeFlags) => {
        const input = { params: { name }, body: await changesOf(context, name, flags) }
        const client = await context.connect()
        const changing = client.call('updateAuditSink', input, { signal: context.signal })
        printMade(context, await inOptions(changing, 'sink'))
      }),
    )
  withYes(
    sink.command('remove').description('send it nothing more; what was sent stays there').argument('<name>'),
  )
    .addHelpText('after', examples('signpost audit sink remove siem'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `audit sink ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteAuditSink', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`removed audit sink ${printableLine(name)}`)
      }),
    )
}

async function changesOf(
  context: Context,
  name: string,
  flags: ChangeFlags,
): Promise<CallInput<'updateAuditSink'>['body']> {
  const { stop, start, newSecret, allEvents, ...rest } = flags
  if (stop && start) throw new UsageError('give one of --stop and --start')
  const chosen = auditSinkFilter(rest)
  if (allEvents && chosen) throw new UsageError('give --all-events, or which events')
  const filter = allEvents ? {} : chosen
  const secrets = await auditSinkSecrets(context.io, rest)
  const { type: _, decision: __, secretFile: ___, headersFile: ____, ...settingFlags } = rest
  const isSaid = Object.keys(settingFlags).length > 0
  const settings = isSaid
    ? await auditSinkSettings(context.io, rest, await settingsNow(context, name))
    : undefined
  const body = {
    ...(stop || start ? { enabled: start === true } : {}),
    ...(settings === undefined ? {} : { settings }),
    ...(filter === undefined ? {} : { filter }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(newSecret ? { newSigningSecret: true } : {}),
  }
  if (Object.keys(body).length === 0) throw new UsageError('nothing to change: see --help')
  return body
}

async function settingsNow(context: Context, name: string): Promise<AuditSink['settings']> {
  const found = (await allSinks(context)).find((sink) => sink.name === name)
  if (!found)
    throw new UsageError(`there is no audit sink ${JSON.stringify(name)}: see signpost audit sink list`)
  return found.settings
}

async function allSinks(context: Context): Promise<AuditSink[]> {
  const client = await context.connect()
  return everything(client.items('listAuditSinks', { query: {} }, { signal: context.signal }))
}

function printMade(context: Context, made: NewSink): void {
  if (context.json) return context.printJson(made)
  context.printList([made], columns)
  if (made.signingSecret === undefined) return
  context.print(`signing secret, shown this once: ${made.signingSecret}`)
}

function placeText({ settings }: AuditSink): string {
  switch (settings.kind) {
    case 'files':
      return `${settings.format} in ${settings.connector}/${settings.prefix}`
    case 'syslog':
      return `syslog ${settings.host}:${settings.port}`
    case 'webhook':
    case 'otlp':
      return `${settings.kind} ${settings.url}`
  }
}
