import { z } from 'zod'

/** By the rules of CIDR, v4 or v6; a lone address is one of its own. */
const Cidr = z
  .union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])
  .refine(
    (text) => !text.includes('.', text.indexOf('/') + 1 || text.length),
    'must have a whole number after /',
  )
  .refine((text) => !isMapped(text), 'must be written as IPv4 where it is IPv4 (::ffff:... is not)')
/** https://docs.aws.amazon.com/vpc/latest/privatelink: holds at the bucket only, since no request to this server shows it. */
const VpcEndpoint = z
  .string()
  .regex(
    /^vpce-[0-9a-f]{8,17}$/,
    'must be an address range (CIDR), such as 203.0.113.0/24, or a VPC endpoint, such as vpce-0123456789abcdef0',
  )

/** RFC 4291 §2.5.5.2. The URL parser writes every form of an address in one. */
function isMapped(text: string): boolean {
  const address = text.split('/')[0]!
  return address.includes(':') && new URL(`http://[${address}]`).hostname.startsWith('[::ffff:')
}

export const Cidrs = z.array(Cidr).max(64)
/** Without the VPC endpoints, which only a bucket sees. */
export const AddressRange = Cidr.describe('An address range (CIDR, v4 or v6)')

export const Network = z
  .union(
    [Cidr, VpcEndpoint],
    'must be an address range (CIDR), such as 203.0.113.0/24 (IPv4 not as ::ffff:...), or a VPC endpoint, such as vpce-0123456789abcdef0',
  )
  .describe('An address range (CIDR, v4 or v6), or on AWS a VPC endpoint')
export type Network = z.infer<typeof Network>

const seconds = () =>
  z.number().int().min(1).max(604_800, 'must be at most 604800 seconds (7 days)').optional()

/** How long URLs live. What is left out is the next wider one's word: team, connector, server; the shortest ceiling counts. */
export const ExpiryPolicy = z.strictObject({
  readSecondsDefault: seconds().describe('Life of a URL to read when the caller asks for none'),
  readSecondsMax: seconds().describe('Longest life of a URL to read'),
  writeSecondsDefault: seconds().describe('Life of a URL to write when the caller asks for none'),
  writeSecondsMax: seconds().describe('Longest life of a URL to write'),
})

const HeaderText = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')

/** "Object tagging" (S3), "Blob index tags" (Azure): ten. */
const tagsMax = 10
/** "User-defined object metadata": 2 KB, names included; the id of the grant goes in too. */
const metadataBytesMax = 1984

/** What is written into every object, signed into the URL: callers do not choose it. */
export const WritePolicy = z.strictObject({
  storageClass: z
    .string()
    .regex(/^[A-Za-z_]{2,40}$/)
    .optional()
    .describe('As the store writes it: STANDARD_IA, NEARLINE, Cool ...'),
  kmsKeyId: z
    .string()
    .regex(/^[\w:/.-]{1,512}$/)
    .optional()
    .describe('Key (ARN or id; on Google Cloud its resource name) that the store encrypts with'),
  tags: z
    .record(z.string().regex(/^[\w .:/=+@-]{1,128}$/), HeaderText)
    .refine((tags) => Object.keys(tags).length <= tagsMax, `must be ${tagsMax} at most`)
    .optional()
    .describe('Object tags; S3 and Azure'),
  metadata: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), HeaderText)
    .refine(
      (metadata) => Object.entries(metadata).flat().join('').length <= metadataBytesMax,
      `must have ${metadataBytesMax} bytes at most, names and values together`,
    )
    .optional()
    .describe('Metadata of the object, by names without prefix'),
})
export type WritePolicy = z.infer<typeof WritePolicy>

/** What is done about what no store holds a client to. What is left out is the connector's word, then the default. */
export const VerificationPolicy = z.strictObject({
  after: z
    .boolean()
    .optional()
    .describe(
      'Look at the object afterwards, where the store could not hold the client to what was asked for; true unless told',
    ),
  onFailure: z
    .enum(['quarantine', 'delete', 'keep'])
    .optional()
    .describe(
      'quarantine (unless told): move it below `.signpost-quarantine/` of the team; recorded in any case',
    ),
  readBytesMax: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'Largest object that is read to compare a checksum that the store does not tell; 1073741824 unless told',
    ),
})

/** Of a connector or a team. Both hold: the shorter life, the networks that are in both lists. */
export const Policy = z.strictObject({
  expiry: ExpiryPolicy.optional(),
  networks: z
    .array(Network)
    .max(64)
    .optional()
    .describe('Where URLs may be asked for and used from; left out or empty: anywhere'),
  writes: WritePolicy.optional().describe(
    "What every written object gets; a team's word goes before its connector's",
  ),
  verification: VerificationPolicy.optional(),
})
export type Policy = z.infer<typeof Policy>
