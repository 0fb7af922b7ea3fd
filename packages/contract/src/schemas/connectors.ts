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
const Marker = z
  .enum(['username', 'pseudonym'])
  .default('username')
  .describe("What `X-User` holds in every URL: the username, or the principal's opaque pseudonym")

const common = {
  name: Slug.describe('What the connector is called here; cannot be changed'),
  bucket: Bucket.describe('Name of the bucket; on Azure, of the container'),
  endpoint: Endpoint.optional().describe(
    "Of another service than the provider's own, such as https://s3.example.com",
  ),
}

export const S3Connector = z.strictObject({
  ...common,
  kind: z.literal('s3'),
  region: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9-]+$/)
    .describe('As the provider writes it, such as eu-central-1'),
  addressing: z
    .enum(['virtual', 'path'])
    .default('virtual')
    .describe('virtual: bucket.host; path: host/bucket (MinIO, Ceph and most others)'),
  marker: Marker,
  credential: z.strictObject({
    type: z.literal('static'),
    accessKeyId: z.string().min(1).max(256).describe('The public half'),
    secretAccessKey: z.string().min(1).max(512).describe('Sealed; never shown again'),
    sessionToken: z.string().min(1).max(8192).optional().describe('Of temporary credentials'),
  }),
})

export const GcsConnector = z.strictObject({
  ...common,
  kind: z.literal('gcs'),
  addressing: z.enum(['virtual', 'path']).default('path').describe('virtual: bucket.host; path: host/bucket'),
  marker: Marker,
  credential: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('serviceAccountKey'),
      clientEmail: z.string().min(3).max(320).describe('`client_email` of the key file'),
      privateKey: z.string().min(1).max(16_384).describe('PEM, the `private_key` of the key file'),
    }),
    z.strictObject({
      type: z.literal('hmacKey'),
      accessId: z.string().min(1).max(256).describe('The public half'),
      secret: z.string().min(1).max(512).describe('Sealed; never shown again'),
    }),
  ]),
})

export const AzureConnector = z.strictObject({
  ...common,
  kind: z.literal('azure'),
  account: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, 'must be a storage account name')
    .describe('Name of the storage account'),
  marker: z
    .enum(['uuid', 'username', 'pseudonym', 'random', 'none'])
    .default('uuid')
    .describe(
      'What `scid` holds on a user delegation SAS; uuid: UUIDv5 of the username. A service SAS (account key) carries none',
    ),
  credential: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('accountKey'),
      accountKey: z.base64().max(256).describe('Sealed; never shown again'),
    }),
    z.strictObject({
      type: z.literal('clientSecret'),
      tenantId: z.string().min(1).max(128).describe('Of Microsoft Entra'),
      clientId: z.string().min(1).max(128).describe('Of the app registration'),
      clientSecret: z.string().min(1).max(512).describe('Sealed; never shown again'),
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
  isDefault: z.boolean().optional().describe('true takes the place of the default that is there'),
  check: z.boolean().default(true).describe('Try the bucket before saving'),
})

/** What is shown of a connector: never a secret. */
export const Connector = z.object({
  id: z.string().describe('Stays the same'),
  name: z.string().describe('What teams and audit events call it'),
  kind: z.enum(['s3', 'gcs', 'azure']).describe('Which way of signing and addressing'),
  team: z.string().nullable().describe('Whose own it is; null: the organisation'),
  isDefault: z.boolean().describe('Used by teams without one of their own'),
  settings: z
    .record(z.string(), z.union([z.string(), z.record(z.string(), z.string())]))
    .describe('As given, with the credential cut down to its public half'),
  createdAt: Instant,
})
export type Connector = z.infer<typeof Connector>

export const ConnectorCheck = z.object({
  ok: z.boolean().describe('Every check has passed'),
  checks: z.array(
    z.object({
      name: z.string().describe('What was tried'),
      result: z.enum(['pass', 'fail']).describe('How it went'),
      seen: z.string().describe('What the bucket answered'),
      fix: z.string().nullable().describe('What to change; null where nothing is wrong'),
    }),
  ),
})
export type ConnectorCheck = z.infer<typeof ConnectorCheck>
