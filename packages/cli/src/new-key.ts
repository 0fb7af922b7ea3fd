import type { Context } from './context.ts'
import { printableLine } from './text.ts'

export interface NewKeyOptions {
  name: string
  expires?: number
}

/** Creates an API key and shows it, this once: alone on standard output, so that it can go straight into a file. */
export async function createKey(
  context: Context,
  options: NewKeyOptions,
  username: string | undefined,
): Promise<void> {
  const client = await context.connect()
  const body = {
    name: options.name,
    ...(username === undefined ? {} : { username }),
    ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
  }
  const key = await client.call('createApiKey', { body }, { signal: context.signal })
  if (context.json) return context.printJson(key)
  const until = key.expiresAt === null ? 'until it is deleted' : `until ${key.expiresAt}`
  context.note(`API key ${key.id} of ${printableLine(key.username)}, good ${until}. It is shown this once:`)
  context.print(key.token ?? '(shown before)')
}
