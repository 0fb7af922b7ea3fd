import type { Command } from 'commander'
import type { Reply } from '@signpost/contract'
import { formatRemote, remoteObject } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { collect, parseDuration, parsePositive } from '../parse.ts'
import { printableLine } from '../text.ts'

type Link = Reply<'listShareLinks'>['items'][number]

interface CreateOptions {
  expires?: number
  uses?: number
  network?: string[]
  note?: string
}

export function addLink(program: Command, run: Run): void {
  const link = program
    .command('link')
    .description('links that read an object, or a folder, without a key of their own')
  link
    .command('create')
    .description('make a link; it is shown once, and reads what you may read, as long as you may')
    .argument('<address>', 'sp://team/key, or sp://team/folder/ for all that lies below')
    .option('--expires <time>', 'its life: 24h, 30d (default: 7d)', parseDuration)
    .option('--uses <count>', 'so many downloads at most', parsePositive)
    .option('--network <range>', 'only from this address range (CIDR); more than one: again', collect)
    .option('--note <text>', 'for whom, or what for')
    .addHelpText(
      'after',
      examples(
        'signpost link create sp://vision/reports/may.pdf --expires 2d --uses 3 --note "for the auditors"',
        'signpost link create sp://vision/models/v7/ --network 203.0.113.0/24',
      ),
    )
    .action(
      handler(run, (context, [address]: [string], options: CreateOptions) =>
        createLink(context, address, options),
      ),
    )
  link
    .command('list')
    .description('your links in a team; all of them, for its admins')
    .argument('<team>')
    .addHelpText('after', examples('signpost link list vision'))
    .action(
      handler(run, async (context, [team]: [string]) => {
        const client = await context.connect()
        const links = client.items(
          'listShareLinks',
          { params: { team }, query: {} },
          { signal: context.signal },
        )
        context.printList(await everything(links), {
          ID: (found: Link) => found.id,
          ADDRESS: addressOf,
          'MADE BY': (found) => found.createdBy,
          EXPIRES: (found) => found.expiresAt,
          USES: (found) => `${found.uses}${found.usesMax === null ? '' : ` of ${found.usesMax}`}`,
          'LAST USED': (found) => found.lastUsedAt ?? 'never',
          FROM: (found) => found.networks.join(',') || 'anywhere',
          NOTE: (found) => found.note,
        })
      }),
    )
  link
    .command('revoke')
    .description('take a link back; it leads nowhere from now on')
    .argument('<team>')
    .argument('<id>', 'what stands behind sl_ in the link')
    .addHelpText('after', examples('signpost link revoke vision gzenq410e5fa'))
    .action(
      handler(run, async (context, [team, id]: [string, string]) => {
        const client = await context.connect()
        await client.call('deleteShareLink', { params: { team, id } }, { signal: context.signal })
        if (!context.json) context.print(`revoked link ${printableLine(id)}`)
      }),
    )
}

async function createLink(context: Context, address: string, options: CreateOptions): Promise<void> {
  const { team, key } = remoteObject(address)
  const { expires, uses, network, note } = options
  const body = {
    ...(key.endsWith('/') ? { prefix: key } : { key }),
    ...(expires === undefined ? {} : { expiresInSeconds: expires }),
    ...(uses === undefined ? {} : { usesMax: uses }),
    ...(network === undefined ? {} : { networks: network }),
    ...(note === undefined ? {} : { note }),
  }
  const client = await context.connect()
  const made = await client.call('createShareLink', { params: { team }, body }, { signal: context.signal })
  if (context.json) return context.printJson(made)
  const times = made.usesMax === null ? '' : `, ${made.usesMax === 1 ? 'once' : `${made.usesMax} times`}`
  context.note(
    `Link ${made.id} reads ${printableLine(addressOf(made))} until ${made.expiresAt}${times}. Who has it may; it is shown this once:`,
  )
  context.print(made.url ?? '(shown before)')
}

function addressOf({ team, key, prefix }: Link): string {
  return formatRemote({ team, key: key ?? prefix ?? '' })
}
