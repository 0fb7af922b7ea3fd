import { z } from 'zod'
import { Instant, Slug } from './common.ts'
import { AuditEventType } from './audit.ts'

/** The version of OCSF whose classes are sent. */
export const ocsfVersion = '1.3.0'

export const SinkShape = z
  .enum(['plain', 'cloudevents', 'ocsf'])
  .describe(
    `plain: the lines of an export, byte for byte, so that hashes can be checked. cloudevents: CloudEvents 1.0, with the event as data. ocsf: OCSF ${ocsfVersion} (API Activity, Authentication, Account Change)`,
  )
export type SinkShape = z.infer<typeof SinkShape>

const Address = z
  .url({ protocol: /^https?$/, abort: true, error: 'must be a URL, such as https://siem.example.com/in' })
  .max(512)
  .refine((url) => {
    const { username, password } = new URL(url)
    return !username && !password && !/[?#]/.test(url)
  }, 'must not hold a user, a password, a query or a fragment: what is secret goes into headers')

const allowInternal = z
  .boolean()
  .default(false)
  .describe('It may be at an internal address (loopback, private, link-local), and without TLS')

const shape = SinkShape.default('plain')
const eventsMax = z.number().int().min(1).max(1000).default(100).describe('Events in one message, at most')

const pem = (what: string) =>
  z
    .string()
    .max(64 * 1024)
    .regex(/^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'must be certificates in PEM')
    .describe(what)

/** Where audit events go. Nothing secret is in here. */
export const AuditSinkSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('files').describe('Files in a bucket'),
    connector: Slug.describe("Connector to the bucket, one of the organisation's own"),
    prefix: z
      .string()
      .max(512)
      .regex(
        /^(?:[\w.=-]+\/)+$/,
        'must be folders of letters, digits, dots, dashes, underscores and =, with / at the end',
      )
      .refine((text) => !text.split('/').some((part) => /^\.+$/.test(part)), 'must not hold . or ..')
      .default('signpost-audit/')
      .describe('No team of that bucket may read or write there'),
    format: z.enum(['ndjson', 'parquet']).default('ndjson').describe('ndjson: packed with gzip'),
    shape: shape.describe('Of NDJSON; Parquet is always plain'),
    eventsMax: z.number().int().min(1).max(10_000).default(2000).describe('Events in one file, at most'),
    everySeconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe('The oldest event waits so long for others; then a file is written, however small'),
  }),
  z.strictObject({
    kind: z.literal('syslog').describe('Syslog (RFC 5424) over TLS (RFC 5425)'),
    host: z
      .string()
      .max(253)
      .regex(/^[\w.:-]+$/, 'must be a host name or an address'),
    port: z.number().int().min(1).max(65_535).default(6514),
    shape,
    ca: pem('Who signed its certificate, PEM; left out: what Node trusts').optional(),
    serverName: z
      .string()
      .max(253)
      .regex(/^[\w.-]+$/, 'must be a host name')
      .optional()
      .describe('The name in its certificate, where that is not `host`'),
    certificate: pem("Signpost's own certificate chain, PEM, with its key as secret").optional(),
    allowInternal: allowInternal.describe('It may be at an internal address. TLS is always used'),
  }),
  z.strictObject({
    kind: z.literal('webhook').describe('HTTP POST, signed as Standard Webhooks says'),
    url: Address,
    shape,
    eventsMax,
    allowInternal,
  }),
  z.strictObject({
    kind: z.literal('otlp').describe('OpenTelemetry logs, OTLP/HTTP with JSON'),
    url: Address.describe('The whole address, such as https://otel.example.com/v1/logs'),
    shape: shape.describe('Of the body of a log record'),
    eventsMax,
    allowInternal,
  }),
])
export type AuditSinkSettings = z.infer<typeof AuditSinkSettings>

export const AuditSinkFilter = z.strictObject({
  types: z.array(AuditEventType).min(1).max(200).optional().describe('Only events of these types'),
  decision: z.enum(['allow', 'deny']).optional().describe('Only what was given, or refused'),
})
export type AuditSinkFilter = z.infer<typeof AuditSinkFilter>

/** Headers that a sink writes itself, or that say how a message is carried. */
const ownHeaders =
  /^(?:host|content-(?:type|length|encoding)|connection|transfer-encoding|te|upgrade|trailer|expect|accept-encoding|webhook-.*|keep-alive|proxy-.*)$/

export const AuditSinkSecrets = z
  .strictObject({
    signing: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, 'must be whsec_ and 24 to 64 bytes in base64')
      .optional()
      .describe('Of a webhook; left out: one is made, and shown once'),
    headers: z
      .record(
        z
          .string()
          .max(64)
          .regex(/^[a-z0-9-]+$/, 'must be the name of a header, in lower case')
          .refine((name) => !ownHeaders.test(name), 'is a header that Signpost writes itself'),
        z
          .string()
          .min(1)
          .max(4096)
          .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'),
      )
      .refine((headers) => Object.keys(headers).length <= 10, 'must not be more than 10')
      .optional()
      .describe('Of a webhook or OTLP: sent with each message, such as `authorization`'),
    clientKey: z
      .string()
      .max(64 * 1024)
      .regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+-----END [A-Z ]*PRIVATE KEY-----\s*$/, {
        error: 'must be a private key in PEM',
      })
      .optional()
      .describe('Of syslog: the key of `certificate`'),
  })
  .describe('Sealed, and never shown again')
export type AuditSinkSecrets = z.infer<typeof AuditSinkSecrets>

export const CreateAuditSink = z.strictObject({
  name: Slug.describe('Not taken'),
  settings: AuditSinkSettings,
  filter: AuditSinkFilter.default({}),
  secrets: AuditSinkSecrets.default({}),
  from: z
    .enum(['beginning', 'now'])
    .default('beginning')
    .describe('beginning: all that was ever recorded; now: what is recorded from now on'),
})

export const UpdateAuditSink = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe('false: nothing is sent; what is recorded meanwhile is sent later'),
  settings: AuditSinkSettings.optional().describe('Whole, of the same kind'),
  filter: AuditSinkFilter.optional().describe('For what was not sent yet; `{}`: all'),
  secrets: AuditSinkSecrets.optional().describe('Those that are given replace those before'),
  newSigningSecret: z
    .boolean()
    .optional()
    .describe('true: makes a new one; for a day the one before signs beside it'),
})

export const AuditSink = z.object({
  name: Slug,
  enabled: z.boolean(),
  settings: AuditSinkSettings,
  filter: AuditSinkFilter,
  secrets: z.array(z.string()).describe('Which secrets it has: their names'),
  createdAt: Instant,
  state: z.object({
    lagEvents: z.number().int().describe('Recorded, and not sent yet'),
    lagSeconds: z.number().int().describe('How long the oldest of them has waited; 0: there are none'),
    sent: z.number().int().describe('Events sent, in all'),
    rejected: z.number().int().describe('Of these, how many the receiver said it does not take'),
    lastSentAt: Instant.nullable(),
    failures: z.number().int().describe('In a row'),
    nextTryAt: Instant.nullable().describe('After a failure; null: at once'),
    problem: z.string().nullable().describe('What went wrong the last time; null: nothing'),
  }),
})
export type AuditSink = z.infer<typeof AuditSink>

export const NewAuditSink = AuditSink.extend({
  signingSecret: z.string().optional().describe('Of a webhook, where it was just made. Shown once'),
})

export const AuditSinkTest = z.object({
  ok: z.boolean(),
  problem: z.string().nullable().describe('Why not; null: it was taken'),
})
export type AuditSinkTest = z.infer<typeof AuditSinkTest>
