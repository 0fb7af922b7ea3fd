import { z } from 'zod'
import { Instant, Slug } from './common.ts'
import { Finding, quietFindings } from './findings.ts'

const AlertFinding = Finding.refine(
  (finding) => !quietFindings.includes(finding),
  'must be one that wants a look',
)

/** Left out of an alert: what is refused every day, and what is only likely. */
export const alertFindingsDefault: Finding[] = [
  'marker_tampered',
  'user_mismatch',
  'not_issued_here',
  'after_revocation',
  'outside_network',
  'beyond_grant',
  'after_expiry',
]

const Address = z
  .url({ protocol: /^https?$/, abort: true, error: 'must be a URL, such as https://hooks.example.com/in' })
  .max(1024)
  .refine((url) => {
    const { username, password, hash } = new URL(url)
    return !username && !password && !hash
  }, 'must not hold a user, a password or a fragment')

const findings = z.array(AlertFinding).min(1).max(20).describe('Of these kinds')
const teams = z
  .array(Slug)
  .min(1)
  .max(100)
  .describe('Only accesses that are put down to these teams, or to objects below their prefixes')
const minimum = z.number().int().min(1).max(1_000_000).describe('Not before there are so many')
const quietSeconds = z
  .number()
  .int()
  .min(60)
  .max(604_800)
  .describe('After it told, no more of the same finding and connector for so long; then all of them')

export const CreateAlert = z.strictObject({
  name: Slug.describe('Not taken'),
  url: Address.describe('Asked by POST. It is kept sealed, and shown without its path'),
  allowInternal: z
    .boolean()
    .default(false)
    .describe('It may be at an internal address (loopback, private, link-local), and without TLS'),
  enabled: z.boolean().default(true).describe('false: it is told nothing until it is changed'),
  findings: findings.default(alertFindingsDefault),
  teams: teams.optional(),
  minimum: minimum.default(1),
  quietSeconds: quietSeconds.default(3600),
})

/** What is left out stays as it is. */
export const UpdateAlert = z.strictObject({
  name: Slug.optional().describe('Not taken'),
  url: Address.optional(),
  allowInternal: z.boolean().optional(),
  enabled: z
    .boolean()
    .optional()
    .describe(
      'false: it is told nothing, and not later either what is found meanwhile; messages on their way wait',
    ),
  findings: findings.optional(),
  teams: teams.nullable().optional().describe('null: of all'),
  minimum: minimum.optional(),
  quietSeconds: quietSeconds.optional(),
  newSigningSecret: z.boolean().optional().describe('true: makes a new one; the one before ends'),
})

export const Alert = z.object({
  name: Slug,
  enabled: z.boolean(),
  receiver: z.string().describe('Origin of its address'),
  allowInternal: z.boolean(),
  findings: z.array(Finding),
  teams: z.array(z.string()).nullable(),
  minimum: z.number().int(),
  quietSeconds: z.number().int(),
  createdAt: Instant,
  createdBy: z.string(),
  state: z.object({
    waiting: z.number().int().describe('Found, and not told yet: too few, or in a quiet time'),
    unsent: z.number().int().describe('Messages that the receiver has not taken yet'),
    lastSentAt: Instant.nullable(),
    problem: z.string().nullable().describe('Why the last one was not taken'),
  }),
})
export type Alert = z.infer<typeof Alert>

export const NewAlert = Alert.extend({
  signingSecret: z.string().describe('Of its signatures (Standard Webhooks). Shown once'),
})

export const ChangedAlert = Alert.extend({
  signingSecret: z.string().optional().describe('Where a new one was asked for. Shown once'),
})

export const AlertTest = z.object({ ok: z.boolean(), problem: z.string().nullable() })
