import type { Command } from 'commander'
import type { LogFile, LogSource } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatOf, logSourceSettings, withLogSourceFlags, type LogSourceFlags } from '../log-source-flags.ts'
import { inOptions } from '../option-names.ts'
import { humanDuration, plural, printableLine } from '../text.ts'

const columns = {
  NAME: (found: LogSource) => found.name,
  FROM: (found: LogSource) => placeText(found),
  FORMAT: (found: LogSource) => found.format,
  CONNECTOR: (found: LogSource) => found.connector ?? 'any',
  'LAST ACCESS': (found: LogSource) => found.state.lastAccessAt,
  LAG: ({ state }: LogSource) => (state.lagSeconds === null ? null : humanDuration(state.lagSeconds)),
  WAITING: (found: LogSource) => found.state.waiting,
  FAILED: (found: LogSource) => found.state.failed,
  LINES: (found: LogSource) => found.state.lines,
  UNPARSED: (found: LogSource) => found.state.unparsed,
  PROBLEM: (found: LogSource) => found.state.problem,
}

export function addLogSource(logs: Command, run: Run): void {
  const source = logs.command('source').description('where access logs come from')
  withLogSourceFlags(source.command('add').description('have access logs read').argument('<name>'))
    .addHelpText(
      'after',
      examples(
        'signpost logs source add prod-logs --bucket log-bucket --prefix s3/ --format s3-server-access --connector prod',
        'signpost logs source add minio --http --format minio --connector minio',
        'signpost logs source add ceph --ceph ops.log --connector ceph',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: LogSourceFlags) => {
        const settings = logSourceSettings(flags)
        if (!settings)
          throw new UsageError('give one of --bucket, --http, --folder, --ceph, --local-store and --upload')
        const body = {
          name,
          settings,
          format: formatOf(flags, settings),
          ...(flags.connector === undefined ? {} : { connector: flags.connector }),
        }
        const client = await context.connect()
        const making = client.call('createLogSource', { body }, { signal: context.signal })
        const made = await inOptions(making, 'source')
        await printMade(context, made)
      }),
    )
  source
    .command('list')
    .description('all of them, and whether anything comes')
    .addHelpText('after', examples('signpost logs source list', 'signpost logs source list --json'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const found = client.items('listLogSources', { query: {} }, { signal: context.signal })
        context.printList(await everything(found), columns)
      }),
    )
  addShowing(source, run)
  addChanging(source, run)
}

function addShowing(source: Command, run: Run): void {
  source
    .command('show')
    .description('one of them, and its files: those that were given up, or the newest')
    .argument('<name>')
    .addHelpText('after', examples('signpost logs source show prod-logs'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        const input = { params: { name } }
        const found = await client.call('getLogSource', input, { signal: context.signal })
        const state = found.state.failed > 0 ? { state: 'failed' as const } : {}
        const files = client.items(
          'listLogFiles',
          { ...input, query: { ...state, limit: 20 } },
          { signal: context.signal },
        )
        const some = await everything(files, 20)
        if (context.json) return context.printJson({ ...found, files: some })
        context.printList([found], columns)
        if (some.length === 0) return context.note('no files yet')
        context.print('')
        context.printList(some, {
          FILE: (file: LogFile) => file.name,
          STATE: (file) => file.state,
          FOUND: (file) => file.foundAt,
          READ: (file) => file.readAt,
          LINES: (file) => file.lines,
          UNPARSED: (file) => file.unparsed,
          PROBLEM: (file) => file.problem,
        })
      }),
    )
  source
    .command('read')
    .description('look for new files now, and read them')
    .argument('<name>')
    .addHelpText('after', examples('signpost logs source read prod-logs'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        const reading = await client.call('readLogSource', { params: { name } }, { signal: context.signal })
        if (context.json) context.printJson(reading)
        else {
          const { found, read, failed, waiting } = reading
          context.print(`${plural(found, 'new file')}, ${read} read, ${failed} failed, ${waiting} waiting`)
          if (reading.problem !== null) context.note(`signpost: ${printableLine(reading.problem)}`)
        }
        return reading.problem === null && reading.failed === 0 ? exitCodes.ok : exitCodes.failed
      }),
    )
}

function addChanging(source: Command, run: Run): void {
  withLogSourceFlags(
    source
      .command('update')
      .description('change one: files that were given up are tried again')
      .argument('<name>')
      .option('--new-token', 'a new token for deliveries; the one before ends')
      .option('--any-connector', 'each line names its bucket'),
  )
    .addHelpText(
      'after',
      examples(
        'signpost logs source update prod-logs --connector prod',
        'signpost logs source update minio --new-token',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: LogSourceFlags & { newToken?: true }) => {
        const settings = logSourceSettings(flags)
        if (flags.connector !== undefined && flags.anyConnector)
          throw new UsageError('give one of --connector and --any-connector')
        const connector = flags.anyConnector ? null : flags.connector
        const body = {
          ...(settings === undefined ? {} : { settings }),
          ...(flags.format === undefined ? {} : { format: flags.format }),
          ...(connector === undefined ? {} : { connector }),
          ...(flags.newToken ? { newToken: true } : {}),
        }
        if (Object.keys(body).length === 0) throw new UsageError('nothing to change: see --help')
        const client = await context.connect()
        const input = { params: { name }, body }
        const changing = client.call('updateLogSource', input, { signal: context.signal })
        await printMade(context, await inOptions(changing, 'source'))
      }),
    )
  withYes(source.command('remove').description('read it no more; what it told stays').argument('<name>'))
    .addHelpText('after', examples('signpost logs source remove prod-logs'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `log source ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteLogSource', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`removed log source ${printableLine(name)}`)
        return exitCodes.ok
      }),
    )
}

async function printMade(context: Context, made: LogSource & { token?: string | undefined }): Promise<void> {
  if (context.json) return context.printJson(made)
  context.print(`log source ${made.name}: ${placeText(made)}`)
  if (made.settings.kind !== 'http') return
  const { url } = await context.settings()
  context.print(`send to ${new URL(`/v1/log-sources/${made.name}/deliveries`, url).href}`)
  if (made.token !== undefined) context.print(`with this bearer token, shown this once: ${made.token}`)
}

function placeText({ settings }: LogSource): string {
  switch (settings.kind) {
    case 'bucket':
      return `bucket ${settings.reader}/${settings.prefix}`
    case 'folder':
      return `folder ${settings.path}`
    case 'ceph':
      return `ceph ${settings.how} ${settings.path}`
    case 'http':
      return settings.pubsub ? 'Pub/Sub' : 'deliveries'
    case 'local-store':
      return 'the embedded store'
    case 'upload':
      return 'files handed in'
  }
}
