import { z } from 'zod'

/** What was found when a written object was looked at. */
export const Verification = z.object({
  grantId: z.string().describe('Of the URL that it was written with'),
  state: z
    .enum(['waiting', 'passed', 'failed', 'absent'])
    .describe(
      'absent: nothing was written. waiting: the object is looked at when it is reported, or the URL has ended',
    ),
  failed: z.array(z.string()).describe('The constraints that the object does not meet'),
  outcome: z
    .enum(['kept', 'quarantined', 'deleted'])
    .nullable()
    .describe('What was done with an object that failed; null: nothing'),
})
export type Verification = z.infer<typeof Verification>
