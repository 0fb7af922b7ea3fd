import { z } from 'zod'
import { parseBucketAddress } from '../bucket-address.ts'
import { SignpostError } from '../errors.ts'
import { Slug } from './common.ts'
import { ConnectorSettings } from './connectors.ts'
import { Policy } from './policy.ts'

/** Either `settings`, or `name` and `address` and what an address does not tell. */
const Asked = z.strictObject({
  settings: ConnectorSettings.optional().describe('Whole settings; or give `name` and `address`'),
  name: Slug.optional().describe('With `address`: what the connector is called here'),
  address: z
    .string()
    .min(1)
    .max(32_768)
    .optional()
    .describe(
      'The bucket in one line: `s3://bucket?region=…`, `s3://key:secret@host/bucket?region=…&tls=true`, `cw://bucket?region=…`, `gs://email:key@bucket`, `az://:key@account/container`. The credential percent-encoded, or left out and given in `credential`',
    ),
  region: z.string().min(1).max(64).optional().describe('With `address`: where that names none'),
  credential: z
    .record(z.string().max(64), z.unknown())
    .optional()
    .describe('With `address`: as in `settings`, for an address that holds none'),
  team: Slug.optional().describe('Belongs to this team alone; left out: to the organisation'),
  isDefault: z
    .boolean()
    .default(false)
    .describe("The instance's connector, for teams without one of their own"),
  policy: Policy.optional().describe('Life of URLs, networks, what is written into objects'),
  check: z.boolean().default(true).describe('Try the bucket before saving'),
})
type Asked = z.output<typeof Asked>
type Issue = { path: PropertyKey[]; message: string }

export const CreateConnector = Asked.transform(
  ({ settings, name, address, region, credential, ...others }, context) => {
    const result = settingsOf({ settings, name, address, region, credential })
    if ('settings' in result) return { ...others, settings: result.settings }
    for (const issue of result.issues) context.addIssue({ code: 'custom', ...issue })
    return z.NEVER
  },
)

function settingsOf({
  settings,
  ...beside
}: Pick<Asked, 'settings' | 'name' | 'address' | 'region' | 'credential'>):
  | { settings: ConnectorSettings }
  | { issues: readonly Issue[] } {
  const { name, address, region, credential } = beside
  const one = (field: string, message: string) => ({ issues: [{ path: [field], message }] })
  if (settings !== undefined) {
    const extra = Object.entries(beside).find(([, value]) => value !== undefined)
    return extra ? one(extra[0], 'goes with address; settings hold it already') : { settings }
  }
  if (address === undefined) return one('settings', 'is required, or name and address in its place')
  if (name === undefined) return one('name', 'is required with address')
  try {
    const parsed = parseBucketAddress(address, name, region)
    if (parsed.prefix !== '')
      return one('address', "must end with the bucket: a sub-path is the team's (`prefix` of the team)")
    return complete({ ...parsed.settings }, credential)
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    return one('address', error.message.replace(/^address: |\.$/g, ''))
  }
}

function complete(
  fromAddress: Record<string, unknown>,
  credential: Asked['credential'],
): ReturnType<typeof settingsOf> {
  if (fromAddress['credential'] !== undefined && credential !== undefined)
    return {
      issues: [{ path: ['credential'], message: 'stands in the address already; give one of the two' }],
    }
  const result = ConnectorSettings.safeParse({ ...(credential && { credential }), ...fromAddress })
  return result.success ? { settings: result.data } : { issues: result.error.issues }
}
