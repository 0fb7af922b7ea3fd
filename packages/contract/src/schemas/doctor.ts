import { z } from 'zod'
import { Instant } from './common.ts'

export const CheckResult = z
  .enum(['pass', 'warn', 'fail', 'not_possible'])
  .describe('not_possible: this store, or this credential, gives no way to look')
export type CheckResult = z.infer<typeof CheckResult>

export const Check = z.object({
  name: z.string().describe('Stable word for what was looked at, such as `cors.etag_exposed`'),
  result: CheckResult,
  seen: z.string().describe('What was seen'),
  fix: z.string().nullable().describe('What to change; null where nothing is wrong'),
  paste: z
    .string()
    .nullable()
    .describe('A command or document that does it, to paste; null where there is none'),
})
export type Check = z.infer<typeof Check>

export const DoctorReport = z.object({
  connector: z.string().describe('Name of the connector'),
  at: Instant,
  ok: z.boolean().describe('No check failed'),
  durationMs: z.number().int().describe('How long it took'),
  checks: z.array(Check),
})
export type DoctorReport = z.infer<typeof DoctorReport>

export const RunDoctor = z.strictObject({
  origins: z
    .array(z.url({ protocol: /^https?$/ }).max(256))
    .max(16)
    .optional()
    .describe("Browser origins that must reach the bucket; left out: the server's SIGNPOST_CORS_ORIGINS"),
})

/** A document or command for the bucket's owner to use. */
export const PolicyDocument = z.object({
  name: z.string().describe('Stable word, such as `bucket-policy`, `cors`, `iam-policy`, `trust-policy`'),
  title: z.string().describe('What it is'),
  format: z.enum(['json', 'xml', 'terraform', 'shell']),
  text: z.string().describe('To use as it is'),
  notes: z.array(z.string()).describe('What to know before it is used'),
})
export type PolicyDocument = z.infer<typeof PolicyDocument>
export const PolicyDocuments = z.object({ documents: z.array(PolicyDocument) })

export const NetworkPlan = z.object({
  networks: z
    .array(z.string())
    .describe(
      "The connector's list; those of teams hold for their prefixes besides, and stand in the documents",
    ),
  documents: z.array(PolicyDocument),
  current: z.string().nullable().describe('What the bucket holds now; null: nothing, or it cannot be read'),
  difference: z.array(z.string()).describe('Line by line, as diff -u writes it; empty: it holds already'),
  digest: z
    .string()
    .describe('Of what was read and what is to be written: `apply` refuses when either changed'),
  canApply: z.boolean().describe("The store's API takes it from this credential"),
  notEnforceable: z.array(z.string()).describe('What this store cannot hold anybody to'),
})
export type NetworkPlan = z.infer<typeof NetworkPlan>
export const ApplyNetwork = z.strictObject({
  digest: z.string().max(128).describe('From the plan that was shown'),
})
export const NetworkVerification = z.object({ ok: z.boolean(), checks: z.array(Check) })
