import { z } from 'zod'
import { Instant, Slug } from './common.ts'

/** A bucket in the host, and another one in the path, would open the first under the name of the second. */
const bucketInHost =
  /^(?!s3[a-z0-9-]*\.(?!.*\bs3[.-])|(?:bucket|accesspoint)\.vpce-).*\.amazonaws\.com(?:\.cn)?$/
const bucketInGoogleHost = /^(?!(?:commondata)?storage[a-z0-9-]*\.(?!.*\bstorage[.-])).*\.googleapis\.com$/

const Endpoint = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .refine((url) => {
    const { username, password, search, hash, pathname } = new URL(url)
    return !username && !password && !search && !hash && pathname === '/'
  }, 'must be scheme, host and port only, such as https://s3.example.com')
  .refine((url) => {
    const { hostname } = new URL(url)
    return !hostname.endsWith('.') && !bucketInHost.test(hostname) && !bucketInGoogleHost.test(hostname)
  }, 'must not hold the bucket, nor end with a dot: give the host of the service')

const Bucket = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9._$-]+$/, 'must be a bucket (container) name')

/** What stands in `X-User`: the username, or the principal's opaque pseudonym. */
const Marker = z.enum(['username', 'pseudonym']).default('username')

const common = { name: Slug, bucket: Bucket, endpoint: Endpoint.optional() }

export const S3Connector = z.strictObject({
  ...common,
  kind: z.literal('s3'),
  region: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9-]+$/),
  addressing: z
    .enum(['virtual', 'path'])
    .default('virtual')
    .describe('virtual: bucket.host; path: host/bucket (MinIO, Ceph and most others)'),
  marker: Marker,
  credential: z.strictObject({
    type: z.literal('static'),
    accessKeyId: z.string().min(1).max(256),
    secretAccessKey: z.string().min(1).max(512),
    sessionToken: z.string().min(1).max(8192).optional(),
  }),
})

export const GcsConnector = z.strictObject({
  ...common,
  kind: z.literal('gcs'),
  addressing: z.enum(['virtual', 'path']).default('path'),
  marker: Marker,
  credential: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('serviceAccountKey'),
      clientEmail: z.string().min(3).max(320),
      privateKey: z.string().min(1).max(16_384).describe('PEM, the `private_key` of the key file'),
    }),
    z.strictObject({
      type: z.literal('hmacKey'),
      accessId: z.string().min(1).max(256),
      secret: z.string().min(1).max(512),
    }),
  ]),
})

export const AzureConnector = z.strictObject({
  ...common,
  kind: z.literal('azure'),
  account: z.string().regex(/^[a-z0-9]{3,24}$/, 'must be a storage account name'),
  marker: z
    .enum(['uuid', 'username', 'pseudonym', 'random', 'none'])
    .default('uuid')
    .describe(
      'What `scid` holds on a user delegation SAS; uuid: UUIDv5 of the username. A service SAS (account key) carries none',
    ),
  credential: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('accountKey'), accountKey: z.base64().max(256) }),
    z.strictObject({
      type: z.literal('clientSecret'),
      tenantId: z.string().min(1).max(128),
      clientId: z.string().min(1).max(128),
      clientSecret: z.string().min(1).max(512),
      authorityHost: Endpoint.optional().describe(
        'Entra authority; https://login.microsoftonline.com unless told',
      ),
    }),
  ]),
})

export const ConnectorSettings = z.discriminatedUnion('kind', [S3Connector, GcsConnector, AzureConnector])
export type ConnectorSettings = z.infer<typeof ConnectorSettings>

export const CreateConnector = z.strictObject({
  settings: ConnectorSettings,
  team: Slug.optional().describe('Belongs to this team alone; left out: to the organisation'),
  isDefault: z
    .boolean()
    .default(false)
    .describe("The instance's connector, for teams without one of their own"),
  check: z.boolean().default(true).describe('Try the bucket before saving'),
})
export const UpdateConnector = z.strictObject({
  settings: ConnectorSettings.optional().describe(
    'Whole settings, credential included; kind, bucket, account and endpoint may not change',
  ),
  isDefault: z.boolean().optional(),
  check: z.boolean().default(true),
})

/** What is shown of a connector: never a secret. */
export const Connector = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['s3', 'gcs', 'azure']),
  team: z.string().nullable(),
  isDefault: z.boolean(),
  settings: z
    .record(z.string(), z.union([z.string(), z.record(z.string(), z.string())]))
    .describe('As given, with the credential cut down to its public half'),
  createdAt: Instant,
})
export type Connector = z.infer<typeof Connector>

export const ConnectorCheck = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      result: z.enum(['pass', 'fail']),
      seen: z.string(),
      fix: z.string().nullable(),
    }),
  ),
})
export type ConnectorCheck = z.infer<typeof ConnectorCheck>
