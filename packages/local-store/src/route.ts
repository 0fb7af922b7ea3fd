/** Which operation a request asks for, and its name in the access log. */
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './bucket-operations.ts'
import type { BucketCall, Call, ObjectCall, Reply, StoreDeps } from './call.ts'
import { deleteCors, getCors, putCors } from './cors.ts'
import { deleteObjects } from './delete-objects.ts'
import { listObjectsV1, listObjectsV2 } from './list-objects.ts'
import { listParts, listUploads } from './multipart-listings.ts'
import { completeUpload } from './complete-upload.ts'
import { abortUpload, createUpload, uploadPart } from './multipart-operations.ts'
import { deleteObject, getObject, putObject } from './object-operations.ts'
import type { RequestTarget } from './request-target.ts'
import { S3Error } from './s3-error.ts'

type Answer = Reply | Promise<Reply>

export type Route =
  | { scope: 'service'; operation: string; run: (deps: StoreDeps, call: Call) => Answer }
  | {
      scope: 'bucket'
      operation: string
      makesBucket?: true
      run: (deps: StoreDeps, call: BucketCall) => Answer
    }
  | { scope: 'object'; operation: string; run: (deps: StoreDeps, call: ObjectCall) => Answer }

/** What S3 has and this store has not; to ignore one would be to answer another question. */
const SUBRESOURCES = [
  'accelerate acl analytics append attributes encryption intelligent-tiering inventory legal-hold lifecycle logging',
  'metadataConfiguration metadataTable metrics notification object-lock ownershipControls policy policyStatus',
  'publicAccessBlock renameObject replication requestPayment restore retention select select-type session tagging',
  'torrent versioning versions website cors delete location uploads uploadId partNumber list-type',
].flatMap((line) => line.split(' '))

/** Throws S3Error. */
export function routeOf(method: string, target: RequestTarget): Route {
  const { query } = target
  const version = query.get('versionId')
  if (version !== undefined && version !== 'null') {
    throw new S3Error('InvalidArgument', 'Invalid version id specified', { ArgumentName: 'versionId' })
  }
  const asked = SUBRESOURCES.filter((name) => query.has(name))
  const name = `${method} ${asked.toSorted().join(' ')}`.trim()
  const table = target.bucket === null ? SERVICE : target.key === null ? BUCKET : OBJECT
  const route = table[name]
  if (route !== undefined) return route
  if (asked.length > 0) {
    throw new S3Error('NotImplemented', undefined, { Resource: asked.join(', ') })
  }
  throw new S3Error('MethodNotAllowed', undefined, { Method: method, ResourceType: 'OBJECT' })
}

const SERVICE: Readonly<Record<string, Route>> = {
  GET: { scope: 'service', operation: 'REST.GET.SERVICE', run: listBuckets },
}

const BUCKET: Readonly<Record<string, Route>> = {
  GET: { scope: 'bucket', operation: 'REST.GET.BUCKET', run: listObjectsV1 },
  'GET list-type': { scope: 'bucket', operation: 'REST.GET.BUCKET', run: listObjects },
  HEAD: { scope: 'bucket', operation: 'REST.HEAD.BUCKET', run: headBucket },
  PUT: { scope: 'bucket', operation: 'REST.PUT.BUCKET', makesBucket: true, run: createBucket },
  DELETE: { scope: 'bucket', operation: 'REST.DELETE.BUCKET', run: deleteBucket },
  'GET location': { scope: 'bucket', operation: 'REST.GET.LOCATION', run: getBucketLocation },
  'GET versioning': { scope: 'bucket', operation: 'REST.GET.VERSIONING', run: getBucketVersioning },
  'GET uploads': { scope: 'bucket', operation: 'REST.GET.UPLOADS', run: listUploads },
  'GET cors': { scope: 'bucket', operation: 'REST.GET.CORS', run: getCors },
  'PUT cors': { scope: 'bucket', operation: 'REST.PUT.CORS', run: putCors },
  'DELETE cors': { scope: 'bucket', operation: 'REST.DELETE.CORS', run: deleteCors },
  'POST delete': { scope: 'bucket', operation: 'REST.POST.MULTI_OBJECT_DELETE', run: deleteObjects },
}

const OBJECT: Readonly<Record<string, Route>> = {
  GET: { scope: 'object', operation: 'REST.GET.OBJECT', run: getObject },
  'GET partNumber': { scope: 'object', operation: 'REST.GET.OBJECT', run: getObject },
  HEAD: { scope: 'object', operation: 'REST.HEAD.OBJECT', run: getObject },
  'HEAD partNumber': { scope: 'object', operation: 'REST.HEAD.OBJECT', run: getObject },
  PUT: { scope: 'object', operation: 'REST.PUT.OBJECT', run: putObject },
  DELETE: { scope: 'object', operation: 'REST.DELETE.OBJECT', run: deleteObject },
  'POST uploads': { scope: 'object', operation: 'REST.POST.UPLOADS', run: createUpload },
  'PUT partNumber uploadId': { scope: 'object', operation: 'REST.PUT.PART', run: uploadPart },
  'GET uploadId': { scope: 'object', operation: 'REST.GET.UPLOAD', run: listParts },
  'POST uploadId': { scope: 'object', operation: 'REST.POST.UPLOAD', run: completeUpload },
  'DELETE uploadId': { scope: 'object', operation: 'REST.DELETE.UPLOAD', run: abortUpload },
}

function listObjects(deps: StoreDeps, call: BucketCall): Reply {
  if (call.target.query.get('list-type') === '2') return listObjectsV2(deps, call)
  throw new S3Error('InvalidArgument', 'list-type must be 2', { ArgumentName: 'list-type' })
}
