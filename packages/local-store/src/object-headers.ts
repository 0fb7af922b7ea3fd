/** The headers that an object keeps and gives back, and those that this store will not take. */
import type { Call } from './call.ts'
import { settingOf } from './call.ts'
import { S3Error } from './s3-error.ts'

const KEPT = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
]
const OVERRIDES = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
] as const
const METADATA_BYTES_MAX = 2048

const NOT_IMPLEMENTED =
  /^x-amz-(?:copy-source.*|server-side-encryption.*|tagging|website-redirect-location|object-lock-.*|write-offset-bytes|rename-source.*|mp-object-size)$/

/** Throws S3Error for settings that would silently be lost, and for ACLs: objects here are never public. */
export function refuseSettings(call: Call): void {
  const names = [...call.headers.keys(), ...[...call.target.query.keys()].map((name) => name.toLowerCase())]
  for (const name of names) {
    if (NOT_IMPLEMENTED.test(name)) {
      throw new S3Error('NotImplemented', undefined, { Header: name })
    }
    if (name.startsWith('x-amz-grant-')) throw new S3Error('AccessControlListNotSupported')
  }
  const acl = settingOf(call, 'x-amz-acl')
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported')
  }
  const storageClass = settingOf(call, 'x-amz-storage-class')
  // One class is all there is; the older name for cheap storage promises less than that, so it may pass.
  if (storageClass !== undefined && !/^(?:STANDARD|REDUCED_REDUNDANCY)$/.test(storageClass))
    throw new S3Error('InvalidStorageClass')
}

/** What a PUT or the creation of an upload wants kept, by lower-case name. */
export function keptHeadersOf(call: Call): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of KEPT) {
    const value = call.headers.get(name)
    if (value !== undefined && value !== '') kept[name] = value
  }
  // aws-chunked frames the transfer; it is no property of the object.
  const encoding = (kept['content-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked')
    .join(',')
  delete kept['content-encoding']
  if (encoding !== '') kept['content-encoding'] = encoding
  for (const [name, value] of [...call.target.query].map(([n, v]) => [n.toLowerCase(), v] as const)) {
    if (name.startsWith('x-amz-meta-')) kept[name] = value
  }
  for (const [name, value] of call.headers) if (name.startsWith('x-amz-meta-')) kept[name] = value
  checkKept(kept)
  return kept
}

function checkKept(kept: Readonly<Record<string, string>>): void {
  let metadataBytes = 0
  for (const [name, value] of Object.entries(kept)) {
    if (!isHeaderText(value) || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      throw new S3Error('InvalidArgument', 'A header value cannot be represented using ISO-8859-1.', {
        ArgumentName: name.slice(0, 100),
      })
    }
    if (name.startsWith('x-amz-meta-')) metadataBytes += name.length - 'x-amz-meta-'.length + value.length
  }
  if (metadataBytes > METADATA_BYTES_MAX) {
    throw new S3Error('InvalidRequest', 'Your metadata headers exceed the maximum allowed metadata size', {
      MaxSizeAllowed: String(METADATA_BYTES_MAX),
    })
  }
}

/** The `response-*` parameters of a GET or HEAD; every request is signed here, so each of them is. */
export function overridesOf(call: Call): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = call.target.query.get(`response-${name}`)
    if (value === undefined) continue
    if (!isHeaderText(value)) {
      throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.', {
        ArgumentName: `response-${name}`,
      })
    }
    headers[name] = value
  }
  return headers
}

function isHeaderText(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
