/** Buckets: list, create, head, location, delete. */
import type { BucketCall, Call, Reply, StoreDeps } from './call.ts'
import type { IndexDatabase } from './index-database.ts'
import { receiveText } from './request-body.ts'
import { S3Error } from './s3-error.ts'
import { refuseSettings } from './object-headers.ts'
import type { LocalStoreCredential } from './types.ts'
import { parseXml, textIn, xmlDocument } from './xml.ts'

export const OWNER = { ID: '000000000000', DisplayName: 'local-store' }
const BUCKET_BODY_BYTES_MAX = 16 * 1024

export interface BucketRow {
  name: string
  created_at: number
  cors: string | null
}

export function findBucket(index: IndexDatabase, name: string): BucketRow | undefined {
  return index.get<BucketRow>('select name, created_at, cors from bucket where name = ?', name)
}

export function requireBucket(deps: Pick<StoreDeps, 'index'>, name: string): BucketRow {
  const row = findBucket(deps.index, name)
  if (row === undefined) throw new S3Error('NoSuchBucket', undefined, { BucketName: name })
  return row
}

export function mayTouchBucket(credential: LocalStoreCredential, bucket: string): boolean {
  return credential.buckets === undefined || credential.buckets.includes(bucket)
}

export function listBuckets(deps: StoreDeps, call: Call): Reply {
  const rows = deps.index
    .all<BucketRow>('select name, created_at, cors from bucket order by name')
    .filter((row) => mayTouchBucket(call.auth.credential, row.name))
  const Bucket = rows.map((row) => ({ Name: row.name, CreationDate: new Date(row.created_at).toISOString() }))
  return { status: 200, body: xmlDocument('ListAllMyBucketsResult', { Owner: OWNER, Buckets: { Bucket } }) }
}

export async function createBucket(deps: StoreDeps, call: BucketCall): Promise<Reply> {
  refuseSettings(call)
  const { text } = call.headers.has('content-length')
    ? await receiveText(call, BUCKET_BODY_BYTES_MAX)
    : { text: '' }
  if (text !== '') {
    const location = textIn(parseXml(text, 'CreateBucketConfiguration', []), 'LocationConstraint')
    if (location !== undefined && location !== '' && location !== deps.region) {
      throw new S3Error('IllegalLocationConstraintException', undefined, { ExpectedRegion: deps.region })
    }
  }
  const made = await deps.index.commit(() => insertBucket(deps, call.bucket))
  if (!made) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: call.bucket })
  return { status: 200, headers: { location: `/${call.bucket}` } }
}

/** Inside a commit. False when it was there. */
export function insertBucket(deps: Pick<StoreDeps, 'index' | 'clock'>, name: string): boolean {
  const sql = 'insert into bucket (name, created_at) values (?, ?) on conflict do nothing'
  return deps.index.run(sql, name, deps.clock()) === 1
}

export function headBucket(deps: StoreDeps): Reply {
  return { status: 200, headers: { 'x-amz-bucket-region': deps.region, 'content-type': 'application/xml' } }
}

export function getBucketLocation(deps: StoreDeps): Reply {
  // S3 gives an empty element for us-east-1.
  const region = deps.region === 'us-east-1' ? '' : deps.region
  const body = xmlDocument('LocationConstraint', {}).replace(
    '></LocationConstraint>',
    `>${region}</LocationConstraint>`,
  )
  return { status: 200, body }
}

/** Objects are never versioned here. */
export function getBucketVersioning(): Reply {
  return { status: 200, body: xmlDocument('VersioningConfiguration', {}) }
}

export async function deleteBucket(deps: StoreDeps, call: BucketCall): Promise<Reply> {
  await deps.index.commit(() => {
    requireBucket(deps, call.bucket)
    for (const table of ['object', 'upload']) {
      if (deps.index.get(`select 1 from ${table} where bucket = ? limit 1`, call.bucket) !== undefined) {
        throw new S3Error('BucketNotEmpty', undefined, { BucketName: call.bucket })
      }
    }
    deps.index.run('delete from bucket where name = ?', call.bucket)
  })
  return { status: 204 }
}
