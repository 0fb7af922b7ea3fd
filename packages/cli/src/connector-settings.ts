import type { ConnectorSettings } from '@signpost/contract'
import { audiencesOf, type AudienceFlags } from './audience-flags.ts'
import { azureCredential, azureType } from './connector-credentials/azure.ts'
import { credentialTypes, type CredentialFlags } from './connector-credentials/flags.ts'
import { gcsCredential, gcsType } from './connector-credentials/gcs.ts'
import { s3Credential, s3Type } from './connector-credentials/s3.ts'
import type { Given, SecretSources } from './connector-credentials/secret.ts'
import { UsageError } from './errors.ts'

export type { SecretSources } from './connector-credentials/secret.ts'

export interface ConnectorFlags extends CredentialFlags, AudienceFlags {
  kind?: 's3' | 'gcs' | 'azure'
  bucket?: string
  endpoint?: string
  addressing?: 'virtual' | 'path'
  marker?: string
  region?: string
  account?: string
}

/** Settings as the API shows them: without the secrets. */
export type ShownSettings = Readonly<Record<string, unknown>>

/**
 * The whole settings for the API, from flags and, for a change, from what is there already.
 *
 * @throws UsageError naming the flag that is missing
 */
export async function connectorSettings(
  name: string,
  flags: ConnectorFlags,
  sources: SecretSources,
  before: ShownSettings = {},
): Promise<ConnectorSettings> {
  const kind = flags.kind ?? text(before, 'kind')
  if (kind !== 's3' && kind !== 'gcs' && kind !== 'azure')
    throw new UsageError('which kind of store? Give --kind s3, gcs or azure')
  const credential = await credentialOf(kind, flags, sources, before)
  const need = (flag: 'bucket' | 'region' | 'account', option: string) => {
    const value = flags[flag] ?? text(before, flag)
    if (value === undefined) throw new UsageError(`a connector of kind ${kind} needs ${option}`)
    return value
  }
  const own =
    kind === 's3'
      ? { region: need('region', '--region') }
      : kind === 'azure'
        ? { account: need('account', '--account') }
        : {}
  const given = {
    ...flags,
    addressing: flags.addressing ?? text(before, 'addressing') ?? usualAddressing(kind, flags),
  }
  const optional = (['endpoint', 'addressing', 'marker'] as const).flatMap((flag) => {
    const value = given[flag] ?? text(before, flag)
    return value === undefined ? [] : [[flag, value]]
  })
  const audiences = audiencesOf(flags) ?? before['audiences']
  const bucket = need('bucket', '--bucket')
  // The server checks every field by the contract, and names the one that is wrong.
  return {
    name,
    kind,
    bucket,
    ...own,
    ...Object.fromEntries(optional),
    ...(audiences === undefined ? {} : { audiences }),
    credential,
  } as ConnectorSettings
}

/** Nearly every store but AWS, CoreWeave and the like has no names for buckets: as in an address (`s3://KEYID@HOST/BUCKET`). */
function usualAddressing(kind: string, { endpoint }: ConnectorFlags): 'path' | undefined {
  if (kind !== 's3' || endpoint === undefined) return undefined
  return /\.amazonaws\.com(?:\.cn)?\b|\b(?:cwobject|cwlota)\.com\b/.test(endpoint) ? undefined : 'path'
}

function text(settings: ShownSettings, field: string): string | undefined {
  const value = settings[field]
  return typeof value === 'string' ? value : undefined
}

const kinds = {
  s3: { typeOf: s3Type, make: s3Credential },
  gcs: { typeOf: gcsType, make: gcsCredential },
  azure: { typeOf: azureType, make: azureCredential },
} as const

async function credentialOf(
  kind: keyof typeof kinds,
  flags: ConnectorFlags,
  sources: SecretSources,
  before: ShownSettings,
): Promise<object> {
  const { credentialFile, credentialType } = flags
  if (credentialFile !== undefined)
    return parsedCredential(await sources.readSecret(credentialFile, '--credential-file'), credentialFile)
  const types: readonly string[] = credentialTypes[kind]
  if (credentialType !== undefined && !types.includes(credentialType))
    throw new UsageError(`--credential-type of kind ${kind} is one of ${types.join(', ')}`)
  const there = (before['credential'] ?? {}) as Given['shown']
  const given: Given = { flags, sources, shown: there }
  const type = credentialType ?? kinds[kind].typeOf(given, text(there, 'type'))
  return kinds[kind].make(type, { ...given, shown: there['type'] === type ? there : {} })
}

/** The server checks its fields, and names the one that is wrong. */
function parsedCredential(content: string, file: string): object {
  try {
    const credential = JSON.parse(content) as unknown
    if (typeof credential === 'object' && credential !== null && !Array.isArray(credential)) return credential
  } catch {
    // Said below, without the content.
  }
  throw new UsageError(
    `${file === '-' ? 'standard input' : file} is no credential: it must be a JSON object such as {"type": "static", "accessKeyId": {"file": "vision/id"}, "secretAccessKey": {"file": "vision/secret"}}`,
  )
}
