import type { Command } from 'commander'
import { asFolder, formatRemote, remoteAddress, remoteObject, type RemoteAddress } from '../address.ts'
import { mayDelete } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { reportOf, sentenceOf, UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import { printableLine } from '../text.ts'

interface RmOptions {
  recursive?: true
  yes?: true
}

/** Deletions under way together. */
const atOnce = 8

export function addRm(program: Command, run: Run): void {
  program
    .command('rm')
    .description('delete objects; what is not there is no error')
    .argument('<addresses...>', 'sp://team/key')
    .option('-r, --recursive', 'everything below the address, after a confirmation')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      examples('signpost rm sp://vision/old.bin', 'signpost rm -r --yes sp://vision/run-6/'),
    )
    .action(
      handler(run, async (context, [texts]: [string[]], options: RmOptions) => {
        const keys: RemoteAddress[] = []
        for (const text of texts) {
          if (options.recursive) await collectBelow(context, remoteAddress(text), keys)
          else keys.push(objectOf(text))
        }
        if (options.recursive && keys.length > 0) {
          const count = keys.length === 1 ? '1 object' : `${keys.length} objects`
          if (!(await mayDelete(context, `${count} below ${texts.join(', ')}`, options)))
            return exitCodes.failed
        }
        return removeAll(context, keys)
      }),
    )
}

function objectOf(text: string): RemoteAddress {
  const address = remoteObject(text)
  if (address.key.endsWith('/')) throw new UsageError(`${text} is a folder: delete it with --recursive`)
  return address
}

async function collectBelow(context: Context, address: RemoteAddress, into: RemoteAddress[]): Promise<void> {
  const client = await context.connect()
  const prefix = asFolder(address.key)
  for await (const entry of client.list(address.team, { prefix, signal: context.signal }))
    if ('key' in entry) into.push({ team: address.team, key: entry.key })
}

async function removeAll(context: Context, addresses: readonly RemoteAddress[]): Promise<number> {
  const client = await context.connect()
  const codes = new Set<number>()
  const rest = addresses.values()
  const worker = async () => {
    for (const address of rest) {
      context.signal.throwIfAborted()
      const name = formatRemote(address)
      try {
        await client.remove(address, { signal: context.signal })
        if (context.json) context.printJson({ address: name, status: 'deleted' })
        else context.print(`deleted ${printableLine(name)}`)
      } catch (error) {
        context.signal.throwIfAborted()
        codes.add(exitCodeOf(error))
        if (context.json) context.printJson({ address: name, status: 'failed', error: reportOf(error) })
        else context.note(`signpost: ${printableLine(name)}: ${sentenceOf(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const [only, ...others] = codes
  return only === undefined ? exitCodes.ok : others.length > 0 ? exitCodes.failed : only
}
