import { z } from 'zod'
import { Endpoint } from './endpoint.ts'
import { renewedText, secretText } from './secret.ts'

const accessKeyId = renewedText(256).describe('The public half; or {env}, {file}')
const sessionSeconds = (max: number) =>
  z.number().int().min(900).max(max).optional().describe('Life of each session; its end limits URLs')
const StsEndpoint = Endpoint.optional().describe(
  "Of the token service; left out: AWS's own in the region, and for another store the store's own address",
)
const RoleArn = z
  .string()
  .max(2048)
  .regex(
    /^arn:[\w-]+:(?:iam|sts):[\w-]*:[\w-]*:role\/[\w+=,.@/-]+$/,
    'must be the ARN of a role, such as arn:aws:iam::123456789012:role/signpost',
  )
const ServerProfile = z
  .string()
  .regex(/^[\w.@-]{1,64}$/)
  .optional()

const StaticKey = z.strictObject({
  type: z.literal('static'),
  accessKeyId,
  secretAccessKey: secretText(512),
  sessionToken: secretText(8192).optional().describe('Of temporary credentials'),
})
/** The chain of the official SDK: variables, profile, web identity, container, instance. */
const EnvironmentChain = z.strictObject({
  type: z.literal('environment'),
  profile: ServerProfile.describe("Of the server's own shared configuration"),
})

export const S3Credential = z.discriminatedUnion('type', [
  StaticKey,
  EnvironmentChain,
  z.strictObject({
    type: z.literal('assumeRole'),
    roleArn: RoleArn.describe('Role of the owner of the bucket'),
    externalId: z
      .string()
      .min(2)
      .max(1224)
      .regex(/^[\w+=,.@:/-]+$/)
      .optional()
      .describe('Asked for by the trust policy'),
    source: z.discriminatedUnion('type', [StaticKey, EnvironmentChain]).describe('Who assumes the role'),
    perRequester: z
      .boolean()
      .default(true)
      .describe("A session of its own for each requester, cut to the team's prefix and the action"),
    sourceIdentity: z
      .boolean()
      .default(true)
      .describe('Set SourceIdentity to the requester; the trust policy must allow it'),
    durationSeconds: sessionSeconds(43_200),
    stsEndpoint: StsEndpoint,
  }),
  z.strictObject({
    type: z.literal('federationToken'),
    accessKeyId,
    secretAccessKey: secretText(512),
    perRequester: z.boolean().default(true).describe('A session of its own for each requester'),
    durationSeconds: sessionSeconds(129_600),
    stsEndpoint: StsEndpoint,
  }),
  z.strictObject({
    type: z.literal('coreweaveOidc'),
    organizationId: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .describe("CoreWeave's id of the organisation"),
    token: secretText(16_384).describe(
      'OIDC token that is exchanged; best {file}, which the platform renews',
    ),
    durationSeconds: sessionSeconds(43_200),
    exchangeEndpoint: Endpoint.optional().describe(
      "Of CoreWeave's API; https://api.coreweave.com unless told",
    ),
  }),
])
