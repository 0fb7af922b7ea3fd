import type { Command } from 'commander'
import type { Reply } from '@signpost/contract'
import { handler, type Run } from '../context.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { keyScopeText } from '../key-scope-flags.ts'
import { createKey, withNewKeyOptions, type NewKeyOptions } from '../new-key.ts'

type ApiKey = Reply<'listApiKeys'>['items'][number]

export function addKey(program: Command, run: Run): void {
  const key = program.command('key').description('API keys')
  key
    .command('list')
    .description('your API keys, or those of a user')
    .option('--user <username>', 'whose keys')
    .addHelpText('after', examples('signpost key list', 'signpost key list --user alice'))
    .action(
      handler(run, async (context, _: [], { user }: { user?: string }) => {
        const client = await context.connect()
        const query = user === undefined ? {} : { username: user }
        const keys = client.items('listApiKeys', { query }, { signal: context.signal })
        context.printList(await everything(keys), {
          ID: (found: ApiKey) => found.id,
          USERNAME: (found) => found.username,
          EXPIRES: (found) => found.expiresAt ?? 'never',
          'LAST USED': (found) => found.lastUsedAt ?? 'never',
          'MAY BE USED FOR': (found) => keyScopeText(found.scope),
          'MADE BY': (found) => found.madeBy ?? found.username,
          NAME: (found) => found.name,
        })
      }),
    )
  withNewKeyOptions(key.command('create').description('create an API key; it is shown once'))
    .option('--user <username>', 'whose key, if not yours')
    .addHelpText(
      'after',
      examples(
        'signpost key create --name laptop --expires 90d --output my.key',
        'signpost key create --name backup --read --team vision --prefix models/ --network 203.0.113.0/24 --expires 30d',
      ),
    )
    .action(
      handler(run, (context, _: [], options: NewKeyOptions & { user?: string }) =>
        createKey(context, options, options.user),
      ),
    )
  key
    .command('delete')
    .description('delete an API key; it is refused from now on')
    .argument('<id>', 'what stands between the two _ of the key')
    .addHelpText('after', examples('signpost key delete gzenq410e5fa'))
    .action(
      handler(run, async (context, [id]: [string]) => {
        const client = await context.connect()
        await client.call('deleteApiKey', { params: { id } }, { signal: context.signal })
        if (!context.json) context.print(`deleted key ${id}`)
      }),
    )
}
