/** ListObjectsV2 and ListObjects, in the order of the keys' UTF-8 bytes. */
import { OWNER } from './bucket-operations.ts'
import type { BucketCall, Reply, StoreDeps } from './call.ts'
import type { IndexDatabase } from './index-database.ts'
import { S3Error } from './s3-error.ts'
import { encodeUriPath } from './uri-encoding.ts'
import { xmlDocument } from './xml.ts'

interface ListedRow {
  key: string
  size_bytes: number
  etag: string
  modified_at: number
}

interface Page {
  rows: ListedRow[]
  commonPrefixes: string[]
  /** The last key or common prefix given, when there is more behind it. */
  last: { text: string; isPrefix: boolean } | null
}

const KEYS_MAX = 1000

export function listObjectsV2(deps: StoreDeps, call: BucketCall): Reply {
  const query = call.target.query
  const { prefix, delimiter, maxKeys, encode, encodingType } = readListQuery(query)
  const token = query.get('continuation-token')
  const startAfter = query.get('start-after')
  const page = readPage(deps.index, {
    bucket: call.bucket,
    prefix,
    delimiter,
    maxKeys,
    after:
      token === undefined ? (startAfter ? { text: startAfter, isPrefix: false } : null) : decodeToken(token),
  })
  const owner = query.get('fetch-owner') === 'true' ? { Owner: OWNER } : {}
  const body = xmlDocument('ListBucketResult', {
    Name: call.bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    StartAfter: startAfter === undefined ? undefined : encode(startAfter),
    ContinuationToken: token,
    NextContinuationToken: page.last === null ? undefined : encodeToken(page.last),
    KeyCount: page.rows.length + page.commonPrefixes.length,
    MaxKeys: maxKeys,
    EncodingType: encodingType,
    IsTruncated: page.last !== null,
    Contents: page.rows.map((row) => contentsOf(row, encode, owner)),
    CommonPrefixes: page.commonPrefixes.map((one) => ({ Prefix: encode(one) })),
  })
  return { status: 200, body }
}

export function listObjectsV1(deps: StoreDeps, call: BucketCall): Reply {
  const query = call.target.query
  const { prefix, delimiter, maxKeys, encode, encodingType } = readListQuery(query)
  const marker = query.get('marker') ?? ''
  // A NextMarker of ours may be a common prefix; what is below it has been given already.
  const isPrefix = delimiter !== '' && marker.endsWith(delimiter) && marker.startsWith(prefix)
  const after = marker === '' ? null : { text: marker, isPrefix }
  const page = readPage(deps.index, { bucket: call.bucket, prefix, delimiter, maxKeys, after })
  const body = xmlDocument('ListBucketResult', {
    Name: call.bucket,
    Prefix: encode(prefix),
    Marker: encode(marker),
    NextMarker: page.last === null ? undefined : encode(page.last.text),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: maxKeys,
    EncodingType: encodingType,
    IsTruncated: page.last !== null,
    Contents: page.rows.map((row) => contentsOf(row, encode, { Owner: OWNER })),
    CommonPrefixes: page.commonPrefixes.map((one) => ({ Prefix: encode(one) })),
  })
  return { status: 200, body }
}

function contentsOf(row: ListedRow, encode: (text: string) => string, owner: { Owner?: typeof OWNER }) {
  return {
    Key: encode(row.key),
    LastModified: new Date(row.modified_at).toISOString(),
    ETag: `"${row.etag}"`,
    Size: row.size_bytes,
    StorageClass: 'STANDARD',
    ...owner,
  }
}

export function readListQuery(query: ReadonlyMap<string, string>, countName = 'max-keys') {
  const encodingType = query.get('encoding-type')
  if (encodingType !== undefined && encodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      ArgumentName: 'encoding-type',
    })
  }
  const count = query.get(countName) || String(KEYS_MAX)
  if (!/^\d{1,10}$/.test(count)) {
    throw new S3Error('InvalidArgument', `Provided ${countName} not an integer or within integer range`, {
      ArgumentName: countName,
    })
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(Number(count), KEYS_MAX),
    encodingType,
    encode: encodingType === 'url' ? encodeUriPath : (text: string) => text,
  }
}

interface PageQuery {
  bucket: string
  prefix: string
  delimiter: string
  maxKeys: number
  after: { text: string; isPrefix: boolean } | null
}

/** Reads rows in order, and jumps behind each common prefix: the cost follows the answer's size, not the bucket's. */
function readPage(index: IndexDatabase, query: PageQuery): Page {
  const page: Page = { rows: [], commonPrefixes: [], last: null }
  const end = successorOf(query.prefix)
  let from: { text: string; inclusive: boolean } | null = { text: query.prefix, inclusive: true }
  if (query.after !== null && isBehind(query.after.text, query.prefix)) {
    from = query.after.isPrefix
      ? startingAt(successorOf(query.after.text))
      : { text: query.after.text, inclusive: false }
  }
  // With a delimiter most batches are cut short by the next jump.
  const batch = query.delimiter === '' ? 256 : 16
  let count = 0
  while (from !== null && query.maxKeys > 0) {
    const rows = readRows(index, query.bucket, from, end, Math.min(query.maxKeys - count + 1, batch))
    from = rows.length > 0 ? { text: rows.at(-1)!.key, inclusive: false } : null
    for (const row of rows) {
      if (count === query.maxKeys) return page
      const cut = query.delimiter === '' ? -1 : row.key.indexOf(query.delimiter, query.prefix.length)
      if (cut === -1) {
        page.rows.push(row)
        page.last = { text: row.key, isPrefix: false }
        count += 1
        continue
      }
      const common = row.key.slice(0, cut + query.delimiter.length)
      from = startingAt(successorOf(common))
      if (common !== query.after?.text) {
        page.commonPrefixes.push(common)
        page.last = { text: common, isPrefix: true }
        count += 1
      }
      break
    }
  }
  page.last = null
  return page
}

function readRows(
  index: IndexDatabase,
  bucket: string,
  from: { text: string; inclusive: boolean },
  end: string | null,
  limit: number,
): ListedRow[] {
  const sql = `select key, size_bytes, etag, modified_at from object
    where bucket = ? and key ${from.inclusive ? '>=' : '>'} ? ${end === null ? '' : 'and key < ?'} order by key limit ?`
  return end === null
    ? index.all<ListedRow>(sql, bucket, from.text, limit)
    : index.all<ListedRow>(sql, bucket, from.text, end, limit)
}

function startingAt(text: string | null): { text: string; inclusive: boolean } | null {
  return text === null ? null : { text, inclusive: true }
}

/** In the order of UTF-8 bytes, which is not that of JavaScript's code units. */
function isBehind(text: string, prefix: string): boolean {
  return Buffer.compare(Buffer.from(text, 'utf8'), Buffer.from(prefix, 'utf8')) >= 0
}

/** The least text that sorts behind every text with this prefix; null when there is none. */
export function successorOf(prefix: string): string | null {
  const points = Array.from(prefix)
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!
    if (last === 0x10ffff) continue
    // Surrogates are no characters, so U+E000 follows U+D7FF.
    return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1)
  }
  return null
}

function encodeToken(last: { text: string; isPrefix: boolean }): string {
  return Buffer.from(`${last.isPrefix ? 'p' : 'k'}${last.text}`, 'utf8').toString('base64url')
}

function decodeToken(token: string): { text: string; isPrefix: boolean } {
  const text = Buffer.from(token, 'base64url').toString('utf8')
  if (!/^[kp]/.test(text)) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    })
  }
  return { text: text.slice(1), isPrefix: text.startsWith('p') }
}
