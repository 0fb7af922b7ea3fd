/**
 * A bucket in one line, as W&B writes it: `s3://key:secret@host/bucket?region=…&tls=true`, `s3://bucket?region=…`,
 * `cw://cwobject.com/bucket` and `cw://bucket.cwobject.com`, `gs://email:key@bucket`, `az://:key@account/container`.
 */
import { addressParts, addressProblem, type AddressParts } from './address-parts.ts'
import type { SignpostError } from './errors.ts'
import { ConnectorSettings } from './schemas/connectors.ts'

type SettingsOf<Kind extends ConnectorSettings['kind']> = Extract<ConnectorSettings, { kind: Kind }>
type Addressed<Kind extends ConnectorSettings['kind']> = Omit<
  SettingsOf<Kind>,
  'credential' | 'marker' | 'audiences'
> & {
  credential?: SettingsOf<Kind>['credential']
}

/** Settings as far as an address tells them: the credential where it stands in it, no marker and no audiences. */
export type AddressedSettings = {
  [Kind in ConnectorSettings['kind']]: Addressed<Kind>
}[ConnectorSettings['kind']]

export interface ParsedAddress {
  settings: AddressedSettings
  /** The sub-path: what a team's prefix is to be. Empty, or ends with `/`. */
  prefix: string
  /** Given without its secret. */
  accessKeyId?: string
}

const coreweaveHost = /^(?:(.+)\.)?(cwobject|cwlota)\.com$/
const awsHost = /\.amazonaws\.com(?:\.cn)?$/
/** The host that stands for a region, or for all of them: the connector needs no endpoint to reach it. */
const regionalHost = /^s3(?:[.-]([a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:\.cn)?$/

/**
 * `region`: where the address has none.
 *
 * @throws SignpostError `invalid` with field `address`; says what is wrong and repeats nothing that was given
 */
export function parseBucketAddress(text: string, name: string, region?: string): ParsedAddress {
  const parts = addressParts(text)
  const parsed = byScheme[parts.scheme](parts, name, parts.query.get('region') ?? region)
  const problem = problemOf(parsed.settings)
  if (problem) throw problem
  return parsed
}

const byScheme = { s3: parseS3, cw: parseCoreWeave, gs: parseGcs, az: parseAzure }

/** What the contract says of the settings; the secret is looked at too, and never repeated. */
function problemOf(settings: AddressedSettings): SignpostError | undefined {
  const instead = { type: settings.kind === 's3' ? 'environment' : 'managedIdentity' }
  const hmac = { type: 'hmacKey', accessId: 'x', secret: 'x' }
  const credential = settings.credential ?? (settings.kind === 'gcs' ? hmac : instead)
  const issue = ConnectorSettings.safeParse({ ...settings, credential }).error?.issues[0]
  if (!issue) return undefined
  const field = issue.path.map(String).join('.')
  const isRegionMissing = settings.kind === 's3' && settings.region === undefined
  const rule =
    isRegionMissing && field === 'region' ? 'must be given, such as ?region=eu-central-1' : issue.message
  return addressProblem(`${field}: ${rule}`)
}

function parseS3(parts: AddressParts, name: string, region: string | undefined): ParsedAddress {
  const { user, host, segments, query } = parts
  refuse(query, 'endpoint')
  // Without a key and without `tls`, what comes first is the bucket; a bucket alone may also have a key before it.
  const isBucketFirst =
    (user === undefined && !query.has('tls')) || (segments.length === 0 && !/[.:]/.test(host))
  if (isBucketFirst) {
    if (query.has('tls')) throw addressProblem('tls goes with s3://host/bucket')
    return s3(parts, { name, bucket: host, region, segments, isAws: true })
  }
  const [bucket, ...rest] = segments
  if (bucket === undefined) throw addressProblem('names no bucket after the host: s3://host/bucket')
  const regional = regionalHost.exec(host)
  const isTls = tlsOf(query)
  // A host of another region than the one to sign for stays as it was given.
  if (regional && isTls && (regional[1] ?? region) === (region ?? regional[1]))
    return s3(parts, { name, bucket, region: region ?? regional[1], segments: rest, isAws: true })
  const endpoint = `${isTls ? 'https' : 'http'}://${host}`
  return s3(parts, { name, bucket, region, segments: rest, endpoint, isAws: awsHost.test(host) })
}

function parseCoreWeave(parts: AddressParts, name: string, region: string | undefined): ParsedAddress {
  const { host, segments, query } = parts
  refuse(query, 'endpoint', 'addressing')
  const [, before, service = 'cwobject'] = coreweaveHost.exec(host) ?? []
  const isService = coreweaveHost.test(host)
  if (!isService && /[.:]/.test(host))
    throw addressProblem(
      'must be cw://bucket, cw://bucket.cwobject.com or cw://cwobject.com/bucket (cwlota.com inside a cluster)',
    )
  const bucket = isService ? (before ?? segments[0]) : host
  if (bucket === undefined) throw addressProblem('names no bucket: cw://cwobject.com/bucket')
  const isFirstSegment = isService && before === undefined
  // CoreWeave's rules, so that the store does not answer with a name that cannot be resolved.
  if (/_|^(?:cw|vip)-/.test(bucket))
    throw addressProblem("bucket: CoreWeave's names hold no underscore and begin neither with cw- nor vip-")
  if (region === undefined)
    throw addressProblem("region: give CoreWeave's availability zone, such as ?region=US-EAST-04A")
  const isTls = tlsOf(query, service === 'cwobject')
  if (service === 'cwobject' && !isTls) throw addressProblem('tls: cwobject.com speaks TLS only')
  const endpoint = `${isTls ? 'https' : 'http'}://${service}.com`
  const rest = isFirstSegment ? segments.slice(1) : segments
  return s3(parts, { name, bucket, region, segments: rest, endpoint, isAws: true })
}

interface S3Place {
  name: string
  bucket: string
  region: string | undefined
  segments: readonly string[]
  endpoint?: string
  /** Buckets stand before the host there, unless told. */
  isAws: boolean
}

function s3(
  parts: AddressParts,
  { name, bucket, region, segments, endpoint, isAws }: S3Place,
): ParsedAddress {
  const { user, password, query } = parts
  const hasKey = user !== undefined && user !== ''
  if (password !== undefined && !hasKey)
    throw addressProblem('has a secret without an access key id before it')
  const settings = {
    kind: 's3',
    name,
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    region: region as string,
    addressing: addressingOf(query, isAws ? 'virtual' : 'path'),
    ...(hasKey && password
      ? { credential: { type: 'static', accessKeyId: user, secretAccessKey: password } }
      : {}),
  } satisfies Addressed<'s3'>
  return { settings, prefix: prefixOf(segments), ...(hasKey && !password ? { accessKeyId: user } : {}) }
}

function parseGcs({ user, password, host, segments, query }: AddressParts, name: string): ParsedAddress {
  refuse(query, 'region', 'tls')
  const endpoint = query.get('endpoint')
  if (user !== undefined && !password) throw addressProblem('has a service account without its private key')
  // In a key file line breaks are written as \n.
  const privateKey = password?.replaceAll('\\n', '\n')
  const credential =
    user === undefined || privateKey === undefined
      ? undefined
      : user.startsWith('GOOG')
        ? ({ type: 'hmacKey', accessId: user, secret: privateKey } as const)
        : ({ type: 'serviceAccountKey', clientEmail: user, privateKey } as const)
  const settings = {
    kind: 'gcs',
    name,
    bucket: host,
    ...(endpoint === undefined ? {} : { endpoint }),
    addressing: addressingOf(query, 'path'),
    ...(credential ? { credential } : {}),
  } satisfies Addressed<'gcs'>
  return { settings, prefix: prefixOf(segments) }
}

function parseAzure({ user, password, host, segments, query }: AddressParts, name: string): ParsedAddress {
  refuse(query, 'region', 'tls', 'addressing')
  const account = host.replace(/\.blob\.core\.windows\.net$/, '')
  const [bucket, ...rest] = segments
  if (bucket === undefined) throw addressProblem('names no container: az://account/container')
  if (user && user !== account)
    throw addressProblem('before the key stands only a colon: az://:key@account/container')
  if (user !== undefined && !password) throw addressProblem('has no key before the @')
  const endpoint = query.get('endpoint')
  const settings = {
    kind: 'azure',
    name,
    account,
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(password ? { credential: { type: 'accountKey', accountKey: password } } : {}),
  } satisfies Addressed<'azure'>
  return { settings, prefix: prefixOf(rest) }
}

function refuse(query: AddressParts['query'], ...names: string[]): void {
  const found = names.find((name) => query.has(name))
  if (found !== undefined) throw addressProblem(`${found} does not go with this kind of bucket`)
}

/** Over TLS, unless told otherwise. */
function tlsOf(query: AddressParts['query'], unless = true): boolean {
  const text = query.get('tls') ?? String(unless)
  if (text !== 'true' && text !== 'false') throw addressProblem('tls: must be true or false')
  return text === 'true'
}

function addressingOf(query: AddressParts['query'], unless: 'virtual' | 'path'): 'virtual' | 'path' {
  const text = query.get('addressing') ?? unless
  if (text !== 'virtual' && text !== 'path') throw addressProblem('addressing: must be virtual or path')
  return text
}

function prefixOf(segments: readonly string[]): string {
  return segments.map((segment) => `${segment}/`).join('')
}
