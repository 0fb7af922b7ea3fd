import { z } from 'zod'
import { Instant, NextCursor, ObjectKey, Problem, Slug } from './common.ts'

export const Action = z.enum(['read', 'write'])
export type Action = z.infer<typeof Action>

export const UrlMethod = z.enum(['GET', 'HEAD', 'PUT', 'DELETE', 'POST'])
export type UrlMethod = z.infer<typeof UrlMethod>

/** What cut `expiresAt`: nothing (`requested`), the policy, the provider's limit, or the life left in the credential. */
export const LimitedBy = z
  .enum(['requested', 'policy', 'provider', 'credential'])
  .describe(
    "What set `expiresAt`: the request, the server's policy, the provider's limit, or the life left in the bucket's credential",
  )
export type LimitedBy = z.infer<typeof LimitedBy>

export const Checksum = z.strictObject({
  algorithm: z
    .enum(['md5', 'sha256', 'crc32c'])
    .describe('Which a store verifies differs: see `enforcement`'),
  value: z.base64().max(88).describe('base64 of the digest'),
})
export type Checksum = z.infer<typeof Checksum>

const ContentType = z
  .string()
  .max(256)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[\x20-\x7e]+$/, 'must be a media type such as text/plain')

export const UrlRequest = z.strictObject({
  action: Action.describe('`read` takes the role viewer in the team, `write` the role member'),
  key: ObjectKey,
  method: UrlMethod.optional().describe(
    'read: GET (default) or HEAD; write: PUT (default), DELETE, or POST (a form: `fields` and the file last)',
  ),
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "Life of the URL. Default and ceiling: the server's policy (unless changed: 1 h to read, 24 h to write)",
    ),
  expiryMode: z
    .enum(['shorten', 'refuse', 'exact'])
    .default('shorten')
    .describe(
      'When the wish cannot be had in full, with a new session of the credential neither: `shorten` it, or `refuse`. `exact` refuses too, and takes expiresInSeconds',
    ),
  contentType: ContentType.optional().describe('write: signed where the store can; the client must send it'),
  contentLength: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('write, bytes: exact length of the body'),
  checksum: Checksum.optional().describe('write: of the body, for the store to verify where it can'),
  contentLengthRange: z
    .strictObject({
      min: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      max: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    })
    .refine(({ min, max }) => min <= max, 'min must not be more than max')
    .optional()
    .describe(
      'write, bytes: how long the body may be; held by the store with method POST (S3, Google Cloud)',
    ),
  createOnly: z.boolean().optional().describe('write: never overwrite'),
  audience: Slug.optional().describe(
    "Which of the connector's addresses the URL is for; left out: by the caller's network, else the connector's own",
  ),
  downloadAs: z.string().min(1).max(255).optional().describe('read: file name that a browser saves under'),
})
export type UrlRequest = z.infer<typeof UrlRequest>
export type UrlRequestInput = z.input<typeof UrlRequest>

/** Per constraint that was asked for: who holds the client to it. */
export const Enforcement = z
  .record(z.string(), z.enum(['storage', 'verified-after', 'none']))
  .describe(
    'For each constraint that was asked for, who holds the client to it: `storage` refuses, `verified-after` is looked at when the upload is completed, or the write is reported or its URL has ended, `none`: nobody',
  )
export type Enforcement = z.infer<typeof Enforcement>

/** The header contract: send `method`, `url` and `headers` as they came; `successStatuses` mean success. */
export const IssuedUrl = z.object({
  grantId: z
    .string()
    .describe(
      "Names this grant in the audit trail; in the URL too, and so in the bucket's own log, where the store allows",
    ),
  method: UrlMethod.describe('Send the request to the store with this method'),
  url: z
    .string()
    .describe('Send it here, unchanged: a letter more or less breaks the signature. A secret while it lives'),
  headers: z.record(z.string(), z.string()).describe('Send these as they came; the signature may hold them'),
  fields: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'POST: send them as multipart/form-data, in this order, with the file last under the name `file`',
    ),
  audience: z
    .string()
    .optional()
    .describe('Which of the addresses of the bucket it is signed for, where it has several'),
  successStatuses: z.array(z.number().int()).describe("Statuses of the store's answer that mean success"),
  expiresAt: Instant.describe('From then on the store refuses the URL (UTC, RFC 3339)'),
  limitedBy: LimitedBy,
  enforcement: Enforcement,
  etagExpected: z
    .boolean()
    .optional()
    .describe(
      'write: whether a success carries an ETag (default true; parts of an Azure upload have none). If a browser sees none, CORS hides it',
    ),
})
export type IssuedUrl = z.infer<typeof IssuedUrl>

export const batchItemsMax = 10_000
/** `UrlRequest`, as far as the document of the API is concerned. */
export const UrlBatchItem = z.unknown()
export const UrlBatchRequest = z.strictObject({
  /** Checked one by one by the server, so that a bad item is its own error line. */
  items: z
    .array(UrlBatchItem)
    .min(1)
    .describe(
      'At most 10,000. An item that is not valid gets its own error line; the others are not touched',
    ),
})
const ItemIndex = z.number().int().describe('Place of the item in the request, from 0')
/** One NDJSON line an item, in the order of the request. */
export const UrlBatchLine = z.union([
  IssuedUrl.extend({ index: ItemIndex }),
  z.object({ index: ItemIndex, error: Problem.describe('Why this item got no URL') }),
])
export type UrlBatchLine = z.infer<typeof UrlBatchLine>

export const ObjectEntry = z.object({
  key: z.string().describe('Object key, relative to the team'),
  sizeBytes: z.number().int().describe('Bytes'),
  etag: z.string().nullable().describe('As the store says it; not the same thing on every store'),
  lastModified: Instant,
})
export const ObjectPage = z.object({
  items: z.array(ObjectEntry),
  prefixes: z.array(z.string()).describe('What `delimiter` groups: the folders below `prefix`'),
  nextCursor: NextCursor,
})
export const ListObjectsQuery = z.strictObject({
  prefix: z.string().max(1024).default('').describe('Only keys that begin with this, relative to the team'),
  delimiter: z.string().max(1).optional().describe('`/` lists one folder; left out: everything below'),
  cursor: z.string().max(4096).optional().describe('Opaque; from `nextCursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(1000).default(1000).describe('Entries in a page, at most'),
})

export const OpenUpload = z.strictObject({
  key: ObjectKey,
  sizeBytes: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Lets Signpost plan the parts; unknown: left out'),
  partSizeBytes: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("A wish; raised or lowered to the provider's limits"),
  contentType: ContentType.optional().describe('Media type of the whole object'),
  checksum: Checksum.optional().describe(
    'Of the whole object, compared when the upload is completed; goes with sizeBytes',
  ),
  createOnly: z.boolean().optional().describe('Never overwrite an object that is there'),
})
export const Upload = z.object({
  uploadId: z.string().describe("Signpost's own id of the upload, not the store's"),
  team: z.string().describe('Name of the team'),
  key: z.string().describe('Object key, relative to the team'),
  state: z
    .enum(['open', 'completed', 'aborted'])
    .describe('aborted: given up, by its opener or because it expired'),
  sizeBytes: z.number().int().nullable().describe('As it was declared; null: it was not'),
  partSizeBytes: z.number().int().describe('Bytes of every part but the last'),
  partCount: z.number().int().nullable().describe('Null while the size is not known'),
  maxParts: z.number().int().describe('The most parts that the store takes'),
  createdAt: Instant,
  expiresAt: Instant.describe('When an upload that nobody completes is swept away'),
  enforcement: Enforcement,
})
export type Upload = z.infer<typeof Upload>
export const ArrivedPart = z.object({
  partNumber: z.number().int().describe('From 1'),
  sizeBytes: z.number().int().describe('Bytes'),
  etag: z.string().nullable().describe('As the store says it'),
})
export const UploadState = Upload.extend({
  parts: z.array(ArrivedPart).describe('Read from the bucket itself'),
})

export const partNumbersMax = 1000
/** Azure's, the largest count of parts of any provider. Bounded where claims are read, too: work is done up to the highest. */
const uploadPartsMax = 50_000
const PartNumber = z.number().int().min(1).max(uploadPartsMax).describe('From 1')
export const SignParts = z.strictObject({
  partNumbers: z
    .array(PartNumber)
    .min(1)
    .max(partNumbersMax)
    .describe('Which parts, from 1; at most 1,000 at a time'),
  expiresInSeconds: z.number().int().min(1).optional().describe('As for a URL to write'),
  audience: Slug.optional().describe('As for a URL to write'),
})
export const SignedParts = z.object({
  parts: z.array(IssuedUrl.extend({ partNumber: z.number().int() })).describe('One URL a part'),
})
export const CompleteUpload = z.strictObject({
  parts: z
    .array(
      z.strictObject({
        partNumber: PartNumber,
        etag: z.string().max(256).describe("The ETag header of the store's answer to the part"),
      }),
    )
    .max(uploadPartsMax)
    .optional()
    .describe(
      "What the client believes it sent; checked against what the bucket holds. Left out: the bucket's word counts",
    ),
})
export const CompletedUpload = z.object({
  uploadId: z.string().describe('The upload, which is completed now'),
  key: z.string().describe('Object key, relative to the team'),
  sizeBytes: z.number().int().describe('Of the whole object, read from the bucket'),
  etag: z.string().nullable().describe('As the store says it'),
  versionId: z.string().nullable().describe('Where the bucket keeps versions'),
})
