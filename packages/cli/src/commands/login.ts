import type { Command } from 'commander'
import { configFile, readLogin, removeLogin, saveLogin } from '../config-file.ts'
import { handler, openClient, type Context, type GlobalOptions, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { askLine, askSecret, readAll } from '../prompt.ts'
import { checkedUrl, givenToken, type GivenToken } from '../server-settings.ts'
import { printableLine } from '../text.ts'

export function addLogin(program: Command, run: Run): void {
  program
    .command('login')
    .description('check an API key and keep it for later commands')
    .argument('[url]', 'address of the server; asked for on a terminal')
    .addHelpText(
      'after',
      examples(
        'signpost login https://signpost.example.com',
        'signpost login https://signpost.example.com --token-file ./key',
        'some-vault read key | signpost login https://signpost.example.com',
      ),
    )
    .action(
      handler(run, async (context, [text]: [string | undefined], options: GlobalOptions) => {
        const url = await urlOf(context, text ?? options.url)
        warnIfClear(context, url)
        const { token, tokenFrom } = await tokenOf(context, options)
        const client = await openClient(context.io, { url, token, tokenFrom })
        try {
          const me = await client.call('getMe', {}, { signal: context.signal })
          const file = await saveLogin(context.io, { url, token })
          if (context.json) context.printJson({ url, username: me.username, file })
          else context.print(`Logged in to ${url} as ${printableLine(me.username)}; kept in ${file}`)
          noteOverrides(context)
        } finally {
          client.close()
        }
      }),
    )
  program
    .command('logout')
    .description('forget the kept API key; the server still takes it until it is deleted')
    .addHelpText('after', examples('signpost logout'))
    .action(
      handler(run, async (context) => {
        const wasThere = (await readLogin(context.io).catch(() => null)) !== undefined
        await removeLogin(context.io)
        if (context.json) context.printJson({ removed: wasThere })
        else context.print(wasThere ? `Removed ${configFile(context.io)}` : 'Nobody was logged in')
      }),
    )
}

async function urlOf({ io }: Context, given: string | undefined): Promise<string> {
  const known = given ?? (io.env['SIGNPOST_URL'] || undefined)
  if (known !== undefined) return checkedUrl(known)
  if (!io.stdin.isTTY) throw new UsageError('which server? signpost login https://signpost.example.com')
  return checkedUrl(await askLine(io, 'Address of the Signpost server: '))
}

async function tokenOf(
  { io }: Context,
  options: GlobalOptions,
): Promise<Partial<GivenToken> & { token: string }> {
  const given = await givenToken(io, options)
  if (given) return given
  const token = io.stdin.isTTY
    ? await askSecret(io, 'API key (not shown): ')
    : (await readAll(io.stdin)).trim()
  if (token === '') throw new UsageError('no API key was given')
  return { token }
}

function warnIfClear(context: Context, url: string): void {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return
  context.note(`signpost: ${url} is not https: the key crosses the network in the clear`)
}

function noteOverrides({ io, note }: Context): void {
  const set = [
    'SIGNPOST_URL',
    'SIGNPOST_TOKEN',
    'SIGNPOST_TOKEN_FILE',
    'SIGNPOST_IDENTITY_TOKEN_FILE',
  ].filter((name) => io.env[name])
  if (set.length > 0) note(`signpost: ${set.join(' and ')} in the environment still come first`)
}
