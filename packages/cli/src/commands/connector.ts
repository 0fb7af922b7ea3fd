import { Option, type Command } from 'commander'
import { flagNames, secretSources, withFlags, withPlaceFlags } from '../connector-flags.ts'
import { connectorSettings, type ConnectorFlags } from '../connector-settings.ts'
import { connectorColumns, showConnector } from '../connector-shown.ts'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { addAdd } from './connector-add.ts'
import { cameBy, inOptions } from '../option-names.ts'
import { namesPolicy, noteNetworks, policyOf, withPolicyFlags, type PolicyFlags } from '../policy-flags.ts'
import { addMove } from './connector-move.ts'
import { addPolicies } from './connector-policies.ts'

interface ConnectorOptions extends ConnectorFlags, PolicyFlags {
  team?: string
  default?: boolean
  check: boolean
}

export function addConnector(program: Command, run: Run): void {
  const connector = program.command('connector').description('connected buckets')
  connector
    .command('list')
    .description('connectors that you may see')
    .addHelpText('after', examples('signpost connector list'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const found = client.items('listConnectors', { query: {} }, { signal: context.signal })
        context.printList(await everything(found), connectorColumns)
      }),
    )
  connector
    .command('show')
    .description('one connector, without its secrets')
    .argument('<name>')
    .addHelpText('after', examples('signpost connector show vision-bucket'))
    .action(
      handler(run, async (context, [name]: [string]) => {
        const client = await context.connect()
        showConnector(
          context,
          await client.call('getConnector', { params: { connector: name } }, { signal: context.signal }),
        )
      }),
    )
  addAdd(connector, run)
  addPolicies(connector, run)
  addMove(connector, run)
  addCreate(connector, run)
  addUpdate(connector, run)
  withYes(
    connector
      .command('delete')
      .description('forget a connector that no team uses; the bucket stays as it is')
      .argument('<name>'),
  )
    .addHelpText(
      'after',
      examples('signpost connector delete vision-bucket', 'signpost connector delete --yes vision-bucket'),
    )
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `connector ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteConnector', { params: { connector: name } }, { signal: context.signal })
        if (!context.json) context.print(`deleted connector ${name}`)
      }),
    )
}

function addCreate(connector: Command, run: Run): void {
  const create = connector
    .command('create')
    .description(
      'connect a bucket; it is tried first. Secrets come from files, the environment or a question',
    )
    .argument('<name>')
    .addOption(
      new Option('--kind <kind>', 'kind of store').choices(['s3', 'gcs', 'azure']).makeOptionMandatory(),
    )
    .option('--bucket <bucket>', 'bucket (Azure: container)')
    .option('--team <team>', 'belongs to this team alone')
    .option('--default', 'for all teams that have none of their own')
  withPolicyFlags(withFlags(withPlaceFlags(create)))
    .addHelpText(
      'after',
      examples(
        'signpost connector create vision-bucket --kind s3 --bucket my-bucket --region eu-central-1 \\',
        '  --access-key-id AKIA... --secret-access-key-file ./secret',
        'signpost connector create archive --kind gcs --bucket my-bucket --service-account-key-file ./key.json',
        'signpost connector create blobs --kind azure --account mystore --bucket data --tenant-id T --client-id C \\',
        '  --client-secret-file ./secret',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: ConnectorOptions) => {
        const settings = await connectorSettings(name, options, secretSources(context))
        const policy = await policyOf(context.io, options, undefined)
        const body = {
          settings,
          ...(policy === undefined ? {} : { policy }),
          ...(options.team === undefined ? {} : { team: options.team }),
          isDefault: options.default ?? false,
          check: options.check,
        }
        const client = await context.connect()
        showConnector(
          context,
          await inOptions(
            client.call('createConnector', { body }, { signal: context.signal }),
            cameBy(options),
          ),
        )
      }),
    )
}

function addUpdate(connector: Command, run: Run): void {
  const update = connector
    .command('update')
    .description('change a connector, such as its credential; kind, bucket, account and endpoint stay')
    .argument('<name>')
    .option('--default', 'for all teams that have none of their own')
    .option('--no-default', 'no longer the default')
  withPolicyFlags(withFlags(update))
    .addHelpText(
      'after',
      examples(
        'signpost connector update vision-bucket --access-key-id AKIA... --secret-access-key-file ./secret',
        'signpost connector update vision-bucket --default',
        'signpost connector update vision-bucket --access-key-id AKIA... --secret-from file:vision/secret',
        'signpost connector update vision-bucket --network 203.0.113.0/24 2001:db8::/32 --read-max 15m',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: ConnectorOptions) => {
        const changes = flagNames.some((flag) => options[flag] !== undefined)
        const changesPolicy = namesPolicy(options)
        if (!changes && !changesPolicy && options.default === undefined)
          throw new UsageError('nothing to change: see --help')
        const client = await context.connect()
        const params = { connector: name }
        const before =
          changes || changesPolicy
            ? await client.call('getConnector', { params }, { signal: context.signal })
            : undefined
        const policy = await policyOf(context.io, options, before?.policy)
        const body = {
          ...(policy === undefined ? {} : { policy }),
          ...(before && changes
            ? {
                settings: await connectorSettings(name, options, secretSources(context), before.settings),
              }
            : {}),
          ...(options.default === undefined ? {} : { isDefault: options.default }),
          check: options.check,
        }
        const updating = client.call('updateConnector', { params, body }, { signal: context.signal })
        showConnector(context, await inOptions(updating, cameBy(options)))
        noteNetworks(context, options, name)
      }),
    )
}
