import { InvalidArgumentError, Option, type Command } from 'commander'
import type { IssuedUrl, UrlRequestInput } from '@signpost/sdk/node'
import { remoteObject } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { curlLine } from '../curl-line.ts'
import { examples } from '../examples.ts'
import { UsageError } from '../errors.ts'
import { inOptions } from '../option-names.ts'
import { parseBytes, parseChecksum, parseDuration } from '../parse.ts'
import { humanDuration, printableLine } from '../text.ts'

interface SignOptions {
  action: 'read' | 'write'
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  expires?: number
  exact?: true
  contentType?: string
  contentLength?: number
  minBytes?: number
  maxBytes?: number
  checksum?: ReturnType<typeof parseChecksum>
  createOnly?: true
  audience?: string
  downloadAs?: string
  curl?: true
}

export function addSign(program: Command, run: Run): void {
  program
    .command('sign')
    .description('ask for a pre-signed URL and print it')
    .argument('<address>', 'sp://team/key')
    .addOption(
      new Option('-a, --action <action>', 'what it is for')
        .choices(['read', 'write'])
        .argParser(parseAction)
        .default('read'),
    )
    .addOption(
      new Option('-X, --method <method>', 'read: GET or HEAD; write: PUT, POST (a form) or DELETE').choices([
        'GET',
        'HEAD',
        'PUT',
        'POST',
        'DELETE',
      ]),
    )
    .option('-e, --expires <time>', 'its life: 3600, 90s, 15m, 24h', parseDuration)
    .option('--exact', 'refuse rather than shorten its life')
    .option('--content-type <type>', 'write: the type that must be sent')
    .option('--content-length <bytes>', 'write: the exact size that must be sent', parseBytes)
    .option('--max-bytes <size>', 'write: the largest size that may be sent, such as 64M', parseBytes)
    .option('--min-bytes <size>', 'write: the smallest; goes with --max-bytes', parseBytes)
    .option(
      '--checksum <digest>',
      'write: md5:, sha256: or crc32c: and the digest, hex or base64',
      parseChecksum,
    )
    .option('--create-only', 'write: never overwrite')
    .option('--audience <name>', "for which of the bucket's addresses, by its name in the connector")
    .option('--download-as <name>', 'read: file name that a browser saves under')
    .option('--curl', 'print a curl line instead of the bare URL')
    .addHelpText(
      'after',
      examples(
        'curl -fsS "$(signpost sign sp://vision/hello.txt)"',
        'curl -fsS -T hello.txt "$(signpost sign --action write sp://vision/hello.txt)"',
        'signpost sign --expires 15m --curl sp://vision/hello.txt',
        'signpost sign --action write --content-length 6 --create-only --curl sp://vision/hello.txt | sh',
        'signpost sign --action write -X POST --max-bytes 64M --curl sp://vision/hello.txt',
        'signpost sign --json --action write --content-type text/plain sp://vision/hello.txt',
      ),
    )
    .action(
      handler(run, async (context, [text]: [string], options: SignOptions) => {
        const { team, key } = remoteObject(text)
        if (options.method === 'POST' && !options.curl && !context.json)
          throw new UsageError('a form is more than its URL: add --curl or --json')
        const client = await context.connect()
        const asking = client.url(team, requestOf(key, options), { signal: context.signal })
        const issued = await inOptions(asking, 'request')
        if (context.json) return context.printJson(issued)
        context.print(options.curl ? curlLine(issued) : issued.url)
        if (options.expires !== undefined) noteShorter(context, issued)
        if (options.curl) return
        if (context.io.stderr.isTTY) explain(context, issued)
        else noteHeaders(context, issued)
      }),
    )
}

function parseAction(text: string): 'read' | 'write' {
  if (text === 'read' || text === 'write') return text
  const toDelete = text === 'delete' ? ' A URL that deletes is --action write -X DELETE.' : ''
  throw new InvalidArgumentError(`Allowed choices are read, write.${toDelete}`)
}

function requestOf(key: string, options: SignOptions): UrlRequestInput {
  const { action, method, expires, exact, contentType, contentLength, createOnly, downloadAs, audience } =
    options
  const { minBytes, maxBytes, checksum } = options
  if (minBytes !== undefined && maxBytes === undefined)
    throw new UsageError('--min-bytes goes with --max-bytes')
  return {
    action,
    key,
    ...(method === undefined ? {} : { method }),
    ...(expires === undefined ? {} : { expiresInSeconds: expires }),
    ...(exact === undefined ? {} : { expiryMode: 'exact' as const }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentLength === undefined ? {} : { contentLength }),
    ...(maxBytes === undefined ? {} : { contentLengthRange: { min: minBytes ?? 0, max: maxBytes } }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(createOnly === undefined ? {} : { createOnly }),
    ...(downloadAs === undefined ? {} : { downloadAs }),
    ...(audience === undefined ? {} : { audience }),
  }
}

/** A shorter life than what was asked for must not go unnoticed in a script. */
function noteShorter(context: Context, { limitedBy, expiresAt }: IssuedUrl): void {
  if (limitedBy === 'requested') return
  const life = humanDuration((Date.parse(expiresAt) - Date.now()) / 1000)
  context.note(`signpost: shortened to ${life} by ${limitedBy}`)
}

/** A URL that a script sends without its headers is refused by the store, which does not say why. */
function noteHeaders(context: Context, { headers }: IssuedUrl): void {
  const names = Object.keys(headers)
  if (names.length > 0)
    context.note(
      `signpost: this URL works only with its headers (${names.map(printableLine).join(', ')}): --curl prints a line with them, --json all of it`,
    )
}

/** What the bare URL does not say. */
function explain(context: Context, issued: IssuedUrl): void {
  const cut = issued.limitedBy === 'requested' ? '' : `, limited by ${issued.limitedBy}`
  context.note(`${issued.method}, until ${issued.expiresAt}${cut}; grant ${issued.grantId}`)
  for (const [name, value] of Object.entries(issued.headers))
    context.note(`send the header  ${printableLine(`${name}: ${value}`)}`)
  for (const [name, by] of Object.entries(issued.enforcement))
    if (by !== 'storage') context.note(`${name}: ${by === 'none' ? 'nobody holds the sender to it' : by}`)
}
