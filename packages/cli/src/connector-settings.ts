import type { ConnectorSettings } from '@signpost/contract'
import { UsageError } from './errors.ts'

export interface ConnectorFlags {
  kind?: 's3' | 'gcs' | 'azure'
  bucket?: string
  endpoint?: string
  addressing?: 'virtual' | 'path'
  marker?: string
  region?: string
  accessKeyId?: string
  secretAccessKeyFile?: string
  sessionTokenFile?: string
  serviceAccountKeyFile?: string
  hmacAccessId?: string
  hmacSecretFile?: string
  account?: string
  accountKeyFile?: string
  tenantId?: string
  clientId?: string
  clientSecretFile?: string
  authorityHost?: string
  /** The whole credential, JSON. */
  credentialFile?: string
}

/** Where secrets come from: the file of a flag, the environment, or a question on the terminal. Never an argument. */
export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>
  readSecret(file: string, flag: string): Promise<string>
  /** Undefined where there is no terminal. */
  ask: ((question: string) => Promise<string>) | undefined
}

/** Settings as the API shows them: without the secrets. */
export type ShownSettings = Readonly<Record<string, string | Readonly<Record<string, string>>>>

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
  if (kind === undefined) throw new UsageError('which kind of store? Give --kind s3, gcs or azure')
  const credential = await credentialOf(kind, flags, sources, before)
  const need = (flag: keyof ConnectorFlags, option: string) => {
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
  const optional = (['endpoint', 'addressing', 'marker'] as const).flatMap((flag) => {
    const value = flags[flag] ?? text(before, flag)
    return value === undefined ? [] : [[flag, value]]
  })
  const bucket = need('bucket', '--bucket')
  // The server checks every field by the contract, and names the one that is wrong.
  return { name, kind, bucket, ...own, ...Object.fromEntries(optional), credential } as ConnectorSettings
}

function text(settings: ShownSettings, field: string): string | undefined {
  const value = settings[field]
  return typeof value === 'string' ? value : undefined
}

async function credentialOf(
  kind: string,
  flags: ConnectorFlags,
  sources: SecretSources,
  before: ShownSettings,
): Promise<object> {
  const { credentialFile } = flags
  if (credentialFile !== undefined)
    return parsedCredential(await sources.readSecret(credentialFile, '--credential-file'), credentialFile)
  const shown = typeof before['credential'] === 'object' ? before['credential'] : {}
  if (kind === 's3') return s3Credential(flags, sources, shown['accessKeyId'])
  if (kind === 'gcs') return gcsCredential(flags, sources, shown['accessId'])
  return azureCredential(flags, sources, shown)
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

async function secret(
  sources: SecretSources,
  file: string | undefined,
  flag: string,
  variable: string | undefined,
): Promise<string> {
  if (file !== undefined) return sources.readSecret(file, flag)
  const set = variable === undefined ? undefined : sources.env[variable]
  if (set) return set
  if (sources.ask) return sources.ask(`${flag.replace(/^--|-file$/g, '').replaceAll('-', ' ')} (not shown): `)
  const or = variable === undefined ? '' : `, or set ${variable}`
  throw new UsageError(`give ${flag} FILE (- for standard input)${or}`)
}

async function s3Credential(
  flags: ConnectorFlags,
  sources: SecretSources,
  shown: string | undefined,
): Promise<object> {
  const { env } = sources
  const accessKeyId = flags.accessKeyId ?? shown ?? env['AWS_ACCESS_KEY_ID']
  if (!accessKeyId)
    throw new UsageError('a connector of kind s3 needs --access-key-id (or AWS_ACCESS_KEY_ID)')
  // The environment's secret belongs to the environment's id.
  const isOfEnvironment = env['AWS_ACCESS_KEY_ID'] === undefined || env['AWS_ACCESS_KEY_ID'] === accessKeyId
  const variable = (name: string) => (isOfEnvironment ? name : undefined)
  const secretAccessKey = await secret(
    sources,
    flags.secretAccessKeyFile,
    '--secret-access-key-file',
    variable('AWS_SECRET_ACCESS_KEY'),
  )
  const sessionToken =
    flags.sessionTokenFile !== undefined
      ? await sources.readSecret(flags.sessionTokenFile, '--session-token-file')
      : flags.secretAccessKeyFile === undefined && isOfEnvironment
        ? env['AWS_SESSION_TOKEN'] || undefined
        : undefined
  return { type: 'static', accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}

async function gcsCredential(
  flags: ConnectorFlags,
  sources: SecretSources,
  shownAccessId: string | undefined,
): Promise<object> {
  const accessId =
    flags.hmacAccessId ?? (flags.serviceAccountKeyFile === undefined ? shownAccessId : undefined)
  if (accessId !== undefined)
    return {
      type: 'hmacKey',
      accessId,
      secret: await secret(sources, flags.hmacSecretFile, '--hmac-secret-file', undefined),
    }
  const file = flags.serviceAccountKeyFile ?? (sources.env['GOOGLE_APPLICATION_CREDENTIALS'] || undefined)
  if (file === undefined)
    throw new UsageError(
      'a connector of kind gcs needs --service-account-key-file FILE (or GOOGLE_APPLICATION_CREDENTIALS), or --hmac-access-id and --hmac-secret-file',
    )
  const key = parsedKeyFile(await sources.readSecret(file, '--service-account-key-file'), file)
  return { type: 'serviceAccountKey', clientEmail: key.client_email, privateKey: key.private_key }
}

function parsedKeyFile(content: string, file: string): { client_email: string; private_key: string } {
  try {
    const key = JSON.parse(content) as Record<string, unknown> | null
    const { client_email, private_key } = key ?? {}
    if (typeof client_email === 'string' && typeof private_key === 'string')
      return { client_email, private_key }
  } catch {
    // Said below, without the content.
  }
  throw new UsageError(
    `${file} is no key file of a service account: it must be JSON with client_email and private_key`,
  )
}

async function azureCredential(
  flags: ConnectorFlags,
  sources: SecretSources,
  shown: Readonly<Record<string, string>>,
): Promise<object> {
  const { env } = sources
  const tenantId = flags.tenantId ?? shown['tenantId']
  const clientId = flags.clientId ?? shown['clientId']
  const isClientSecret =
    flags.accountKeyFile === undefined && (tenantId !== undefined || flags.clientSecretFile !== undefined)
  if (!isClientSecret)
    return {
      type: 'accountKey',
      accountKey: await secret(sources, flags.accountKeyFile, '--account-key-file', 'AZURE_STORAGE_KEY'),
    }
  const [tenant, client] = [tenantId ?? env['AZURE_TENANT_ID'], clientId ?? env['AZURE_CLIENT_ID']]
  if (!tenant || !client) throw new UsageError('a client secret needs --tenant-id and --client-id')
  const authorityHost = flags.authorityHost ?? shown['authorityHost']
  return {
    type: 'clientSecret',
    tenantId: tenant,
    clientId: client,
    clientSecret: await secret(
      sources,
      flags.clientSecretFile,
      '--client-secret-file',
      'AZURE_CLIENT_SECRET',
    ),
    ...(authorityHost === undefined ? {} : { authorityHost }),
  }
}
