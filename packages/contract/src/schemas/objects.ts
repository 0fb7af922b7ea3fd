import { z } from 'zod'
import { Instant, ObjectKey, Problem } from './common.ts'

export const Action = z.enum(['read', 'write'])
export type Action = z.infer<typeof Action>

export const UrlMethod = z.enum(['GET', 'HEAD', 'PUT', 'DELETE'])
export type UrlMethod = z.infer<typeof UrlMethod>

/** What cut `expiresAt`: nothing (`requested`), the policy, the provider's limit, or the life left in the credential. */
export const LimitedBy = z.enum(['requested', 'policy', 'provider', 'credential'])
export type LimitedBy = z.infer<typeof LimitedBy>

export const Checksum = z.strictObject({
  algorithm: z.enum(['md5', 'sha256', 'crc32c']),
  value: z.base64().max(88).describe('base64 of the digest'),
})
export type Checksum = z.infer<typeof Checksum>

const ContentType = z
  .string()
  .max(256)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[\x20-\x7e]+$/, 'must be a media type such as text/plain')

export const UrlRequest = z.strictObject({
  action: Action,
  key: ObjectKey,
  method: UrlMethod.optional().describe('read: GET (default) or HEAD; write: PUT (default) or DELETE'),
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Default and ceiling: the policy (1 h read, 24 h write)'),
  expiryMode: z.enum(['shorten', 'exact']).default('shorten').describe('`exact`: refuse rather than shorten'),
  contentType: ContentType.optional().describe('write: signed where the store can; the client must send it'),
  contentLength: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('write, bytes: exact length of the body'),
  checksum: Checksum.optional(),
  createOnly: z.boolean().optional().describe('write: never overwrite'),
  downloadAs: z.string().min(1).max(255).optional().describe('read: file name that a browser saves under'),
})
export type UrlRequest = z.infer<typeof UrlRequest>
export type UrlRequestInput = z.input<typeof UrlRequest>

/** Per constraint that was asked for: who holds the client to it. */
export const Enforcement = z.record(z.string(), z.enum(['storage', 'verified-after', 'none']))
export type Enforcement = z.infer<typeof Enforcement>

/** The header contract: send `method`, `url` and `headers` as they came; `successStatuses` mean success. */
export const IssuedUrl = z.object({
  grantId: z.string(),
  method: z.enum(['GET', 'HEAD', 'PUT', 'DELETE']),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  successStatuses: z.array(z.number().int()),
  expiresAt: Instant,
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
export const UrlBatchRequest = z.strictObject({
  /** Checked one by one by the server, so that a bad item is its own error line. */
  items: z.array(z.unknown()).min(1),
})
/** One NDJSON line an item, in the order of the request. */
export const UrlBatchLine = z.union([
  IssuedUrl.extend({ index: z.number().int() }),
  z.object({ index: z.number().int(), error: Problem }),
])
export type UrlBatchLine = z.infer<typeof UrlBatchLine>

export const ObjectEntry = z.object({
  key: z.string(),
  sizeBytes: z.number().int(),
  etag: z.string().nullable(),
  lastModified: Instant,
})
export const ObjectPage = z.object({
  items: z.array(ObjectEntry),
  prefixes: z.array(z.string()),
  nextCursor: z.string().nullable(),
})
export const ListObjectsQuery = z.strictObject({
  prefix: z.string().max(1024).default(''),
  delimiter: z.string().max(1).optional(),
  cursor: z.string().max(4096).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
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
  contentType: ContentType.optional(),
  createOnly: z.boolean().optional(),
})
export const Upload = z.object({
  uploadId: z.string(),
  team: z.string(),
  key: z.string(),
  state: z.enum(['open', 'completed', 'aborted']),
  sizeBytes: z.number().int().nullable(),
  partSizeBytes: z.number().int(),
  partCount: z.number().int().nullable().describe('Null while the size is not known'),
  maxParts: z.number().int(),
  createdAt: Instant,
  expiresAt: Instant.describe('When an upload that nobody completes is swept away'),
  enforcement: Enforcement,
})
export type Upload = z.infer<typeof Upload>
export const ArrivedPart = z.object({
  partNumber: z.number().int(),
  sizeBytes: z.number().int(),
  etag: z.string().nullable(),
})
export const UploadState = Upload.extend({
  parts: z.array(ArrivedPart).describe('Read from the bucket itself'),
})

export const partNumbersMax = 1000
/** Azure's, the largest count of parts of any provider. Bounded where claims are read, too: work is done up to the highest. */
const uploadPartsMax = 50_000
const PartNumber = z.number().int().min(1).max(uploadPartsMax)
export const SignParts = z.strictObject({
  partNumbers: z.array(PartNumber).min(1).max(partNumbersMax),
  expiresInSeconds: z.number().int().min(1).optional(),
})
export const SignedParts = z.object({ parts: z.array(IssuedUrl.extend({ partNumber: z.number().int() })) })
export const CompleteUpload = z.strictObject({
  parts: z
    .array(z.strictObject({ partNumber: PartNumber, etag: z.string().max(256) }))
    .max(uploadPartsMax)
    .optional()
    .describe(
      "What the client believes it sent; checked against what the bucket holds. Left out: the bucket's word counts",
    ),
})
export const CompletedUpload = z.object({
  uploadId: z.string(),
  key: z.string(),
  sizeBytes: z.number().int(),
  etag: z.string().nullable(),
  versionId: z.string().nullable(),
})
