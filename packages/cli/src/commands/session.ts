import type { Command } from 'commander'
import type { Reply } from '@signpost/contract'
import { handler, type Run } from '../context.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { printableLine } from '../text.ts'

type Session = Reply<'listSessions'>['items'][number]

export function addSession(program: Command, run: Run): void {
  const session = program.command('session').description('logins in browsers and at terminals')
  session
    .command('list')
    .description('your logins and short-lived tokens, or those of a user')
    .option('--user <username>', 'whose')
    .addHelpText('after', examples('signpost session list', 'signpost session list --user alice'))
    .action(
      handler(run, async (context, _: [], { user }: { user?: string }) => {
        const client = await context.connect()
        const query = user === undefined ? {} : { username: user }
        const sessions = client.items('listSessions', { query }, { signal: context.signal })
        context.printList(await everything(sessions), {
          ID: (found: Session) => found.id,
          KIND: (found) => found.kind,
          USERNAME: (found) => found.username,
          CREATED: (found) => found.createdAt,
          EXPIRES: (found) => found.expiresAt ?? 'never',
          'LAST USED': (found) => found.lastUsedAt ?? 'never',
          CURRENT: (found) => (found.current ? 'yes' : 'no'),
          NAME: (found) => found.name,
        })
      }),
    )
  session
    .command('end')
    .description('end one, at once')
    .argument('<id>', 'as `session list` shows it')
    .addHelpText('after', examples('signpost session end gzenq410e5fa'))
    .action(
      handler(run, async (context, [id]: [string]) => {
        const client = await context.connect()
        await client.call('deleteSession', { params: { id } }, { signal: context.signal })
        if (!context.json) context.print(`ended session ${printableLine(id)}`)
      }),
    )
}
