import type { Command } from 'commander'
import type { ListEntry } from '@signpost/sdk/node'
import { asFolder, formatRemote, remoteAddress, type RemoteAddress } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { humanBytes, printableLine } from '../text.ts'

interface LsOptions {
  long?: true
  recursive?: true
}

export function addLs(program: Command, run: Run): void {
  program
    .command('ls')
    .description('list objects and folders; without an address, your teams')
    .argument('[address]', 'sp://team/ or sp://team/beginning-of-keys')
    .option('-l, --long', 'with size and time')
    .option('-r, --recursive', 'everything below, not only this level')
    .addHelpText(
      'after',
      examples(
        'signpost ls sp://vision/',
        'signpost ls -l sp://vision/models/',
        'signpost ls -r --json sp://vision/',
      ),
    )
    .action(
      handler(run, async (context, [text]: [string | undefined], options: LsOptions) => {
        if (text === undefined) return listTeams(context)
        const address = remoteAddress(text)
        const found = await listObjects(context, address, options)
        if (found > 0 || address.key === '') return
        context.note(`signpost: nothing begins with ${formatRemote(address)}`)
        return exitCodes.notFound
      }),
    )
}

async function listTeams(context: Context): Promise<void> {
  const client = await context.connect()
  const { teams } = await client.call('getMe', {}, { signal: context.signal })
  for (const { team, role } of teams) {
    if (context.json) context.printJson({ team, role })
    else context.print(`sp://${team}/`)
  }
}

async function listObjects(context: Context, address: RemoteAddress, options: LsOptions): Promise<number> {
  const client = await context.connect()
  const { team, key: prefix } = address
  const delimiter = options.recursive ? {} : { delimiter: '/' }
  const shown = prefix.slice(0, prefix.lastIndexOf('/') + 1).length
  let found = 0
  for await (const entry of client.list(team, { prefix, ...delimiter, signal: context.signal })) {
    found += 1
    if (context.json) context.printJson(entry)
    else context.print(entryLine(entry, shown, options.long ?? false))
  }
  return found
}

const sizeWidth = 9
const timeWidth = '2026-01-01T00:00:00Z'.length

function entryLine(entry: ListEntry, shown: number, long: boolean): string {
  const isFolder = 'prefix' in entry
  const name = printableLine((isFolder ? asFolder(entry.prefix) : entry.key).slice(shown))
  if (!long) return name
  const size = isFolder ? '-' : humanBytes(entry.sizeBytes)
  const time = isFolder ? '-' : entry.lastModified.replace(/\.\d+Z$/, 'Z')
  return `${size.padStart(sizeWidth)}  ${time.padEnd(timeWidth)}  ${name}`
}
