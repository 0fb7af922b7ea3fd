import { InvalidArgumentError, type Command } from 'commander'
import { organisationPermissions, teamPermissions, type CallInput, type Role } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { printableLine } from '../text.ts'

type Permission = Role['permissions'][number]
interface RoleOptions {
  organisation?: boolean
  permission?: Permission[]
  description?: string
}

const known: readonly string[] = [...teamPermissions, ...organisationPermissions]
const columns = {
  NAME: (role: Role) => role.name,
  IN: (role: Role) => (role.scope === 'team' ? 'a team' : 'the organisation'),
  'BUILT IN': (role: Role) => (role.builtIn ? 'yes' : 'no'),
  PERMISSIONS: (role: Role) => role.permissions.join(' ') || '(none)',
}
const permissionsText = `
Permissions in a team:
  ${teamPermissions.join('\n  ')}
Permissions in the organisation (--organisation):
  ${organisationPermissions.join('\n  ')}
`

export function addRole(program: Command, run: Run): void {
  const role = program
    .command('role')
    .description('roles: what members of a team, and of the organisation, may')
  role
    .command('list')
    .description('all roles, built-in ones first')
    .addHelpText('after', examples('signpost role list', 'signpost role list --json'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const roles = client.items('listRoles', { query: {} }, { signal: context.signal })
        context.printList(await everything(roles), columns)
      }),
    )
  withFields(role.command('create').description('make a role of permissions').argument('<name>'))
    .addHelpText(
      'after',
      permissionsText +
        examples(
          'signpost role create labeler --permission objects.read,objects.write',
          'signpost role create helpdesk --organisation --permission users.manage',
        ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: RoleOptions) => {
        const { permission: permissions = [], description } = options
        const body = {
          name,
          scope: scopeOf(options),
          permissions,
          ...(description === undefined ? {} : { description }),
        }
        const client = await context.connect()
        context.printList([await client.call('createRole', { body }, { signal: context.signal })], columns)
      }),
    )
  withFields(
    role
      .command('update')
      .description('change a role; it counts for its holders from their next request on')
      .argument('<name>'),
  )
    .addHelpText(
      'after',
      permissionsText +
        examples('signpost role update labeler --permission objects.read --description "Reads only"'),
    )
    .action(
      handler(run, async (context, [name]: [string], options: RoleOptions) => update(context, name, options)),
    )
  withYes(
    inOrganisation(role.command('delete').description('delete a role that nobody holds').argument('<name>')),
  )
    .addHelpText(
      'after',
      examples('signpost role delete labeler', 'signpost role delete --yes helpdesk --organisation'),
    )
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions & RoleOptions) => {
        if (!(await mayDelete(context, `role ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        const params = { scope: scopeOf(options), role: name }
        await client.call('deleteRole', { params }, { signal: context.signal })
        if (!context.json) context.print(`deleted role ${printableLine(name)}`)
      }),
    )
}

async function update(context: Context, name: string, options: RoleOptions): Promise<void> {
  const { permission: permissions, description } = options
  const body: CallInput<'updateRole'>['body'] = {
    ...(permissions === undefined ? {} : { permissions }),
    ...(description === undefined ? {} : { description }),
  }
  if (Object.keys(body).length === 0)
    throw new UsageError('nothing to change: give --permission (all that it is to have) or --description')
  const client = await context.connect()
  const input = { params: { scope: scopeOf(options), role: name }, body }
  context.printList([await client.call('updateRole', input, { signal: context.signal })], columns)
}

function withFields(command: Command): Command {
  return inOrganisation(command)
    .option(
      '--permission <permissions>',
      'what it allows, all of it; joined by commas, or given again',
      permissionsIn,
    )
    .option('--description <text>', 'for people')
}

function inOrganisation(command: Command): Command {
  return command.option('--organisation', 'a role in the organisation, not in a team')
}

function scopeOf({ organisation }: RoleOptions): Role['scope'] {
  return organisation ? 'organisation' : 'team'
}

/** For commander. `none`: a role that allows nothing. */
function permissionsIn(text: string, before: Permission[] | undefined): Permission[] {
  const names = text === 'none' ? [] : text.split(',')
  const strange = names.find((name) => !known.includes(name))
  if (strange !== undefined)
    throw new InvalidArgumentError(`There is no permission ${printableLine(strange)}; --help shows them.`)
  return [...(before ?? []), ...(names as Permission[])]
}
