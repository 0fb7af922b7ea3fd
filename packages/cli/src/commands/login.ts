import type { Command } from 'commander'
import { configFile, readLogin, removeLogin, saveLogin, type StoredLogin } from '../config-file.ts'
import { handler, openClient, type Context, type GlobalOptions, type Run } from '../context.ts'
import { deviceLogin } from '../device-login.ts'
import { sentenceOf, UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { askLine, askSecret, readAll } from '../prompt.ts'
import { checkedUrl, givenToken, type GivenToken } from '../server-settings.ts'
import { printableLine } from '../text.ts'

interface LoginOptions extends GlobalOptions {
  browser?: true
  key?: true
}

export function addLogin(program: Command, run: Run): void {
  program
    .command('login')
    .description('log in by a browser, or check an API key; kept for later commands')
    .argument('[url]', 'address of the server; asked for on a terminal')
    .option('--browser', 'confirm in a browser, also where standard input is no terminal')
    .option('--key', 'ask for an API key instead')
    .addHelpText(
      'after',
      examples(
        'signpost login https://signpost.example.com',
        'signpost login https://signpost.example.com --token-file ./key',
        'some-vault read key | signpost login https://signpost.example.com',
      ),
    )
    .action(
      handler(run, async (context, [text]: [string | undefined], options: LoginOptions) => {
        if (options.browser && (options.key || options.tokenFile !== undefined))
          throw new UsageError('give one of --browser, --key and --token-file')
        const url = await urlOf(context, text ?? options.url)
        warnIfClear(context, url)
        const { token, tokenFrom, expiresAt } = await tokenOf(context, url, options)
        const client = await openClient(context.io, { url, token, tokenFrom })
        try {
          const me = await client.call('getMe', {}, { signal: context.signal })
          const file = await saveLogin(context.io, { url, token })
          const until = expiresAt === undefined ? {} : { expiresAt }
          if (context.json) context.printJson({ url, username: me.username, file, ...until })
          else {
            const life = expiresAt === undefined ? '' : `, good until ${expiresAt}`
            context.print(`Logged in to ${url} as ${printableLine(me.username)}; kept in ${file}${life}`)
          }
          noteOverrides(context)
        } finally {
          client.close()
        }
      }),
    )
  program
    .command('logout')
    .description('end a login by browser, and forget what is kept; an API key lives until it is deleted')
    .addHelpText('after', examples('signpost logout'))
    .action(
      handler(run, async (context) => {
        const login = await readLogin(context.io).catch(() => null)
        const wasThere = login !== undefined
        const ended = login ? await endLogin(context, login) : false
        await removeLogin(context.io)
        if (context.json) context.printJson({ removed: wasThere, ended })
        else context.print(wasThere ? `Removed ${configFile(context.io)}` : 'Nobody was logged in')
      }),
    )
}

/** A token of a login by browser is of no use to anybody afterwards; an API key may be in use elsewhere. */
async function endLogin(context: Context, { url, token }: StoredLogin): Promise<boolean> {
  const id = /^st_([0-9a-z]{12})_/.exec(token)?.[1]
  if (id === undefined) return false
  const client = await openClient(context.io, { url, token })
  try {
    await client.call('deleteSession', { params: { id } }, { signal: context.signal })
    return true
  } catch (error) {
    context.signal.throwIfAborted()
    if ((error as { code?: unknown }).code !== 'unauthenticated')
      context.note(`signpost: the login could not be ended at ${url}: ${sentenceOf(error)}`)
    return false
  } finally {
    client.close()
  }
}

async function urlOf({ io }: Context, given: string | undefined): Promise<string> {
  const known = given ?? (io.env['SIGNPOST_URL'] || undefined)
  if (known !== undefined) return checkedUrl(known)
  if (!io.stdin.isTTY) throw new UsageError('which server? signpost login https://signpost.example.com')
  return checkedUrl(await askLine(io, 'Address of the Signpost server: '))
}

async function tokenOf(
  context: Context,
  url: string,
  options: LoginOptions,
): Promise<Partial<GivenToken> & { token: string; expiresAt?: string }> {
  const { io } = context
  const given = options.browser || options.key ? undefined : await givenToken(io, options)
  if (given) return given
  if (!options.key && (options.browser || io.stdin.isTTY)) {
    const confirmed = await deviceLogin(context, url)
    if (confirmed) return confirmed
    if (!io.stdin.isTTY) throw new UsageError(`nobody logs in to ${url} by a browser: give an API key`)
  }
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
