import type { Command } from 'commander'
import type { User } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { createKey, withNewKeyOptions, type NewKeyOptions } from '../new-key.ts'
import { printableLine } from '../text.ts'

interface UserOptions {
  displayName?: string
  admin?: boolean
  role?: string
  active?: boolean
}

const columns = {
  USERNAME: (user: User) => user.username,
  ROLE: (user: User) => user.organisationRole,
  STATE: (user: User) => (user.active ? 'active' : 'stopped'),
  CREATED: (user: User) => user.createdAt,
  NAME: (user: User) => user.displayName,
}

export function addUser(program: Command, run: Run): void {
  const user = program.command('user').description('people')
  user
    .command('list')
    .description('users')
    .addHelpText('after', examples('signpost user list', 'signpost user list --json'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const users = client.items('listUsers', { query: {} }, { signal: context.signal })
        context.printList(await everything(users), columns)
      }),
    )
  user
    .command('create')
    .description('create a user')
    .argument('<username>')
    .option('--display-name <name>', 'name for people')
    .option('--admin', 'an admin of the organisation')
    .option('--role <role>', roleHelp)
    .addHelpText(
      'after',
      examples(
        'signpost user create alice',
        'signpost user create bob@example.com --admin',
        'signpost user create eve --role auditor',
      ),
    )
    .action(
      handler(run, async (context, [username]: [string], options: UserOptions) => {
        const client = await context.connect()
        const body = { username, ...bodyOf(options) }
        context.printList([await client.call('createUser', { body }, { signal: context.signal })], columns)
      }),
    )
  user
    .command('show')
    .description('one user, with what bucket logs show of them')
    .argument('<username>')
    .addHelpText('after', examples('signpost user show alice'))
    .action(
      handler(run, async (context, [username]: [string]) => {
        const client = await context.connect()
        const found = await client.call('getUser', { params: { username } }, { signal: context.signal })
        context.printList([found], columns)
        if (context.json) return
        context.print(`scid on Azure  ${found.scid}`)
        context.print(`pseudonym      ${found.pseudonym}`)
      }),
    )
  addChanges(user, run)
}

function addChanges(user: Command, run: Run): void {
  user
    .command('update')
    .description('change a user, or stop and start one')
    .argument('<username>')
    .option('--display-name <name>', 'name for people')
    .option('--admin', 'make them an admin of the organisation')
    .option('--no-admin', 'an ordinary member again')
    .option('--role <role>', roleHelp)
    .option('--active', 'let them in again')
    .option('--no-active', 'stop them now: every key of theirs is refused')
    .addHelpText(
      'after',
      examples('signpost user update alice --no-active', 'signpost user update bob --admin'),
    )
    .action(
      handler(run, async (context, [username]: [string], options: UserOptions) => {
        const body = bodyOf(options)
        if (Object.keys(body).length === 0)
          throw new UsageError(
            'nothing to change: give --display-name, --[no-]admin, --role or --[no-]active',
          )
        const client = await context.connect()
        const input = { params: { username }, body }
        context.printList([await client.call('updateUser', input, { signal: context.signal })], columns)
      }),
    )
  withYes(
    user
      .command('delete')
      .description('delete a user and their keys; the audit events stay')
      .argument('<username>'),
  )
    .addHelpText('after', examples('signpost user delete alice', 'signpost user delete --yes alice'))
    .action(
      handler(run, async (context, [username]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `user ${username}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteUser', { params: { username } }, { signal: context.signal })
        if (!context.json) context.print(`deleted user ${printableLine(username)}`)
      }),
    )
  withNewKeyOptions(
    user.command('key').description('create an API key for a user; it is shown once').argument('<username>'),
  )
    .addHelpText('after', examples('signpost user key alice --name laptop --output alice.key'))
    .action(
      handler(run, (context, [username]: [string], options: NewKeyOptions) =>
        createKey(context, options, username),
      ),
    )
}

const roleHelp = 'their role in the organisation: member, viewer, auditor, admin, or one of your own'

function bodyOf({ displayName, admin, role, active }: UserOptions) {
  if (admin !== undefined && role !== undefined) throw new UsageError('give --[no-]admin or --role, not both')
  return {
    ...(role === undefined ? {} : { organisationRole: role }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(admin === undefined ? {} : { organisationRole: admin ? ('admin' as const) : ('member' as const) }),
    ...(active === undefined ? {} : { active }),
  }
}
