import { z } from 'zod'
import { Instant, Slug } from './common.ts'
import { Endpoint } from './endpoint.ts'
import { Cidrs, Policy } from './policy.ts'
import { S3Credential } from './s3-credential.ts'
import { renewedText, secretText, type Resolved } from './secret.ts'

const Bucket = z
  .string()
  .min(1)
  .max(255)
  // `.` and `..` would be dropped from a path, so that the key's first segment is taken for the bucket.
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._$-]+$/, 'must be a bucket (container) name')

/** What stands in `X-User`: the username, or the principal's opaque pseudonym. */
const Marker = z
  .enum(['username', 'pseudonym'])
  .default('username')
  .describe("What `X-User` holds in every URL: the username, or the principal's opaque pseudonym")

/** An address of the bucket for some of its clients: URLs are signed for the host that the client will use, never rewritten. */
export const Audience = z.strictObject({
  name: Slug.describe('What a caller asks for it by: `internal`, `public`, `vpce` ...'),
  endpoint: Endpoint.describe('Of the service, as these clients reach it'),
  addressing: z.enum(['virtual', 'path']).optional().describe("The connector's, unless told"),
  networks: Cidrs.optional().describe(
    'Callers from here get it without asking; the first audience that fits counts',
  ),
})
export type Audience = z.infer<typeof Audience>

const common = {
  name: Slug.describe('What the connector is called here; cannot be changed'),
  bucket: Bucket.describe('Name of the bucket; on Azure, of the container'),
  endpoint: Endpoint.optional().describe(
    "Of another service than the provider's own, such as https://s3.example.com. Signpost's own way to the bucket, and every client's that has no audience",
  ),
  audiences: z
    .array(Audience)
    .max(16)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names must differ')
    .optional()
    .describe('Other addresses of the same bucket, for other clients'),
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
  credential: S3Credential,
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
      privateKey: secretText(16_384).describe('PEM, the `private_key` of the key file; or {env}, {file}'),
    }),
    z.strictObject({
      type: z.literal('hmacKey'),
      accessId: renewedText(256).describe('The public half; or {env}, {file}'),
      secret: secretText(512),
    }),
    z.strictObject({
      type: z.literal('impersonation'),
      serviceAccount: z.email().max(320).describe('Whose rights the URLs carry; signed by IAM signBlob'),
      source: z
        .discriminatedUnion('type', [
          z.strictObject({ type: z.literal('metadata'), metadataHost: Endpoint.optional() }),
          z.strictObject({
            type: z.literal('serviceAccountKey'),
            clientEmail: z.string().min(3).max(320),
            privateKey: secretText(16_384),
            tokenEndpoint: Endpoint.optional().describe('https://oauth2.googleapis.com unless told'),
          }),
        ])
        .describe('Who impersonates it: the machine that Signpost runs on, or another service account'),
      iamEndpoint: Endpoint.optional().describe('https://iamcredentials.googleapis.com unless told'),
      teamServiceAccounts: z
        .array(z.strictObject({ team: Slug, serviceAccount: z.email().max(320) }))
        .max(1000)
        .optional()
        .describe('One service account a team, by name of the team; others: `serviceAccount`'),
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
      accountKey: secretText(256)
        .refine((key) => typeof key !== 'string' || z.base64().safeParse(key).success, 'must be base64')
        .describe('base64; or {env}, {file}'),
    }),
    z.strictObject({
      type: z.literal('clientSecret'),
      tenantId: z.string().min(1).max(128).describe('Of Microsoft Entra'),
      clientId: z.string().min(1).max(128).describe('Of the app registration'),
      clientSecret: secretText(512),
      authorityHost: Endpoint.optional().describe(
        'Entra authority; https://login.microsoftonline.com unless told',
      ),
    }),
    z.strictObject({
      type: z.literal('workloadIdentity'),
      tenantId: z.string().min(1).max(128).describe('Of Microsoft Entra'),
      clientId: z
        .string()
        .min(1)
        .max(128)
        .describe('Of the application or managed identity with a federated credential'),
      token: secretText(16_384).describe('Federated token; best {file}, which the platform renews'),
      authorityHost: Endpoint.optional(),
    }),
    z.strictObject({
      type: z.literal('managedIdentity'),
      clientId: z
        .string()
        .min(1)
        .max(128)
        .optional()
        .describe('Of a user-assigned identity; left out: the system-assigned'),
    }),
  ]),
})

export const ConnectorSettings = z.discriminatedUnion('kind', [S3Connector, GcsConnector, AzureConnector])
/** As stored: secrets may be references. */
export type ConnectorSettings = z.infer<typeof ConnectorSettings>
/** As used: every secret in its place. */
export type ResolvedSettings = Resolved<ConnectorSettings>

export const UpdateConnector = z.strictObject({
  settings: ConnectorSettings.optional().describe(
    'Whole settings, credential included; kind, bucket, account and endpoint may not change',
  ),
  isDefault: z.boolean().optional().describe('true takes the place of the default that is there'),
  policy: Policy.optional().describe('Takes the place of the whole policy that is there'),
  check: z.boolean().default(true).describe('Try the bucket before saving'),
})

/** What is shown of a connector: never a secret. */
export const Connector = z.object({
  id: z.string().describe('Stays the same'),
  name: z.string().describe('What teams and audit events call it'),
  kind: z.enum(['s3', 'gcs', 'azure']).describe('Which way of signing and addressing'),
  team: z.string().nullable().describe('Whose own it is; null: the organisation'),
  isDefault: z.boolean().describe('Used by teams without one of their own'),
  address: z
    .string()
    .describe('The bucket in one line, such as s3://bucket?region=eu-central-1; never with a credential'),
  settings: z
    .record(z.string(), z.unknown())
    .describe('As given, with the credential cut down to what is no secret'),
  policy: Policy,
  createdAt: Instant,
})
export type Connector = z.infer<typeof Connector>
