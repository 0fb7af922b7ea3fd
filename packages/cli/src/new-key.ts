import { open, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { UsageError } from './errors.ts'
import { keyScopeOf, keyScopeText, withKeyScopeFlags, type KeyScopeFlags } from './key-scope-flags.ts'
import { parseDuration } from './parse.ts'
import { printableLine } from './text.ts'

export interface NewKeyOptions extends KeyScopeFlags {
  name: string
  expires?: number
  output?: string
}

/** The options of every command that makes one. */
export function withNewKeyOptions(command: Command): Command {
  return withKeyScopeFlags(
    command
      .requiredOption('--name <name>', 'what it is for')
      .option('--expires <time>', 'its life: 24h, 90d', parseDuration),
  ).option('-o, --output <file>', 'into a new file that only you may read')
}

/** Creates an API key and shows it, this once: alone on standard output, or in a file that must not be there yet. */
export async function createKey(
  context: Context,
  options: NewKeyOptions,
  username: string | undefined,
): Promise<void> {
  const client = await context.connect()
  const scope = keyScopeOf(options)
  const body = {
    name: options.name,
    ...(scope === undefined ? {} : { scope }),
    ...(username === undefined ? {} : { username }),
    ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
  }
  const create = () => client.call('createApiKey', { body }, { signal: context.signal })
  const key = options.output === undefined ? await create() : await createInto(options.output, create)
  const { output } = options
  if (context.json) {
    const { token, ...rest } = key
    return context.printJson(output === undefined ? { ...rest, token } : { ...rest, file: output })
  }
  const until = key.expiresAt === null ? 'until it is deleted' : `until ${key.expiresAt}`
  const narrowed = key.scope === null ? '' : ` for ${keyScopeText(key.scope)}`
  const what = `API key ${key.id} of ${printableLine(key.username)}${narrowed}, good ${until}.`
  if (output !== undefined)
    return context.print(`${what} It is in ${printableLine(output)}, and shown nowhere else.`)
  if (context.io.stdout.isTTY) context.note(`${what} It is shown this once:`)
  context.print(key.token ?? '(shown before)')
  if (!context.io.stdout.isTTY)
    context.note(`${what} The key went to standard output; it is shown this once.`)
}

/** The file is opened before the key is made: else there could be a key that nobody has. */
async function createInto<T extends { token?: string | null | undefined }>(
  path: string,
  create: () => Promise<T>,
): Promise<T> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    throw new UsageError(`--output: ${path} is there already, and is not overwritten`)
  })
  try {
    const key = await create()
    await file.writeFile(`${key.token ?? ''}\n`)
    return key
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
