import { Option, type Command } from 'commander'
import type { ConnectorSettings, ParsedAddress } from '@signpost/contract'
import { credentialFlagNames, withCredentialFlags } from '../connector-credentials/flags.ts'
import { secretSources } from '../connector-flags.ts'
import { connectorSettings, type ConnectorFlags } from '../connector-settings.ts'
import { showConnector } from '../connector-shown.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { cameBy, inOptions } from '../option-names.ts'
import { readSecretFile } from '../server-settings.ts'

interface AddOptions extends ConnectorFlags {
  team?: string
  default?: boolean
  check: boolean
}

const about = `connect a bucket by its address, as W&B writes them; it is tried first

  s3://BUCKET?region=R                      cw://BUCKET?region=R
  s3://KEYID@HOST/BUCKET?region=R           gs://BUCKET
  s3://KEYID:SECRET@HOST/BUCKET?region=R    az://ACCOUNT/CONTAINER

Give an address that holds a secret as -, by standard input: what stands on a command line is seen by others on this machine. Without a secret in it, that comes from a file, the environment or a question.`

export function addAdd(connector: Command, run: Run): void {
  withCredentialFlags(
    connector
      .command('add')
      .summary('connect a bucket by its address: s3://, cw://, gs:// or az://')
      .description(about)
      .argument('<name>')
      .argument('<address>', 'address of the bucket; - for standard input')
      .option('--team <team>', 'belongs to this team alone')
      .option('--default', 'for all teams that have none of their own')
      .option('--region <region>', 's3, cw: region, where the address has none')
      .addOption(
        new Option(
          '--marker <marker>',
          'what names the requester in a URL: username, pseudonym (azure: also uuid, random, none)',
        ),
      ),
  )
    .option('--no-check', 'save without trying the bucket')
    .addHelpText(
      'after',
      examples(
        "signpost connector add vision 's3://AKIA...@s3.eu-central-1.amazonaws.com/my-bucket' --secret-access-key-file ./secret",
        'signpost connector add vision - < address',
        "signpost connector add archive 'gs://my-bucket' --service-account-key-file ./key.json",
        "signpost connector add blobs 'az://mystore/data' --account-key-file ./key",
        "signpost connector add lake 'cw://my-bucket?region=US-EAST-04A' --credential-file ./credential.json",
      ),
    )
    .action(handler(run, add))
}

async function add(
  context: Context,
  [name, given]: readonly [string, string],
  options: AddOptions,
): Promise<void> {
  const parsed = await parsedAddress(context, name, given, options.region)
  const body = {
    settings: await settingsOf(context, name, parsed, options),
    ...(options.team === undefined ? {} : { team: options.team }),
    isDefault: options.default ?? false,
    check: options.check,
  }
  const client = await context.connect()
  const made = await inOptions(
    client.call('createConnector', { body }, { signal: context.signal }),
    cameBy(options),
  )
  showConnector(context, made)
  if (parsed.prefix !== '')
    context.note(
      `${JSON.stringify(parsed.prefix)} is a part of the bucket: give it to a team, with --connector ${name} --prefix ${JSON.stringify(parsed.prefix)}`,
    )
}

async function parsedAddress(
  context: Context,
  name: string,
  given: string,
  region: string | undefined,
): Promise<ParsedAddress> {
  const text = given === '-' ? (await readSecretFile(context.io, '-', 'ADDRESS')).trim() : given
  const { parseBucketAddress, SignpostError } = await import('@signpost/contract')
  try {
    const parsed = parseBucketAddress(text, name, region)
    if (given !== '-' && parsed.settings.credential !== undefined)
      context.note(
        "the address held a secret: the command line is seen by others on this machine and kept in your shell's history. Give - and the address by standard input, or leave the secret out",
      )
    return parsed
  } catch (error) {
    if (error instanceof SignpostError) throw new UsageError(error.message)
    throw error
  }
}

async function settingsOf(
  context: Context,
  name: string,
  { settings, accessKeyId }: ParsedAddress,
  options: AddOptions,
): Promise<ConnectorSettings> {
  const { credential, ...place } = settings
  const marker = options.marker === undefined ? {} : { marker: options.marker }
  const twice = credential && credentialFlagNames.find((flag) => options[flag] !== undefined)
  if (twice !== undefined)
    throw new UsageError('the address holds a credential already: give it there or by options, not both')
  // The server checks every field by the contract, and names the one that is wrong.
  if (credential !== undefined) return { ...place, ...marker, credential } as ConnectorSettings
  const key = accessKeyId === undefined ? {} : { accessKeyId }
  const flags = { ...options, ...place, ...key } as ConnectorFlags
  return connectorSettings(name, flags, secretSources(context))
}
