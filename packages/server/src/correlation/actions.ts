/** From the names that logs give to operations to what was done to an object. */
import type { AccessLogRecord } from './access-log-record.ts'

type Action = AccessLogRecord['action']

/** The first that fits counts. Names without case, blanks, `_`, `-` and the prefix `s3:`. */
const actions: readonly [RegExp, Action][] = [
  // S3's access log, and those that copy its words.
  [/^(?:rest|website)\.(?:get|head)\.object$/, 'read'],
  [/^rest\.copy\.(?:object|part)get$/, 'read'],
  [/^rest\.(?:put\.(?:object|part)|post\.(?:object|uploads|upload)|copy\.(?:object|part))$/, 'write'],
  [/^(?:rest\.delete\.(?:object|upload)|batch\.delete\.object|rest\.post\.multiobjectdelete)$/, 'delete'],
  [/^s3\.(?:expire\.object|create\.deletemarker|delete\.upload)$/, 'delete'],
  [/^rest\.(?:get|head)\.(?:bucket|bucketversions|uploads|upload)$/, 'list'],
  // S3's API, as CloudTrail, MinIO, versitygw, R2 and CoreWeave name it.
  [/^(?:getobject|headobject|selectobjectcontent)$/, 'read'],
  [
    /^(?:putobject|copyobject|postobject|createmultipartupload|newmultipartupload|uploadpart|uploadpartcopy|putobjectpart|copyobjectpart|completemultipartupload|postpolicybucket)$/,
    'write',
  ],
  [/^(?:deleteobjects?|deletemultipleobjects|deleteobjectsbyprefix|abortmultipartupload)$/, 'delete'],
  [
    /^(?:listobjects(?:v1|v2)?|listobjectversions|listparts|listmultipartuploads|listobjectparts|listbuckets?)$/,
    'list',
  ],
  // Ceph.
  [/^(?:getobj|statobj|headobj)$/, 'read'],
  [/^(?:putobj|postobj|copyobj|initmultipart|completemultipart)$/, 'write'],
  [/^(?:deleteobj|multiobjectdelete|abortmultipart)$/, 'delete'],
  [/^(?:listbucket|listmultipart|listbucketmultiparts|listbuckets)$/, 'list'],
  // Azure.
  [/^(?:getblob|getblobproperties|getblobmetadata|readfile|getpathstatus)$/, 'read'],
  [
    /^(?:putblob|putblock|putblocklist|putblobfromurl|putblockfromurl|copyblob|appendblock|putpage|createpathfile|flushfile|appendfile)$/,
    'write',
  ],
  [/^(?:deleteblob|deletefile|undeleteblob)$/, 'delete'],
  [/^(?:listblobs|listblobshierarchysegment|getblocklist|listfilesystemdir|listcontainers)$/, 'list'],
  // Google: audit log, then usage log.
  [/^storage\.objects\.get$/, 'read'],
  [/^storage\.objects\.(?:create|compose|rewrite|copy|update)$/, 'write'],
  [/^storage\.objects\.delete$/, 'delete'],
  [/^storage\.objects\.list$/, 'list'],
  [/^(?:get|head)object$|^storage\.objects\.(?:get|download)$/, 'read'],
  [/^(?:put|post|copy|compose)object(?:part)?$|^storage\.objects\.insert$/, 'write'],
  [/^(?:get|head)bucket$/, 'list'],
]

/** What S3's access log is full of, looked up once. */
const frequent = new Map(
  [
    'REST.GET.OBJECT',
    'REST.HEAD.OBJECT',
    'REST.PUT.OBJECT',
    'REST.PUT.PART',
    'REST.POST.UPLOADS',
    'REST.POST.UPLOAD',
    'REST.DELETE.OBJECT',
    'BATCH.DELETE.OBJECT',
    'REST.GET.BUCKET',
    'REST.COPY.OBJECT',
    'REST.COPY.OBJECT_GET',
    'S3.EXPIRE.OBJECT',
  ].map((name) => [name, named(name)]),
)

export function actionOf(operation: string): Action {
  return frequent.get(operation) ?? named(operation)
}

function named(operation: string): Action {
  const name = operation
    .toLowerCase()
    .replace(/^s3[:_]/, '')
    .replaceAll(/[\s_-]/g, '')
  return actions.find(([pattern]) => pattern.test(name))?.[1] ?? 'other'
}

/** Where a log names no operation, from the request itself (S3's API: sub-resources are parameters without values). */
export function actionOfRequest(method: string, key: string | null, query: string): Action {
  const has = (name: string) => new RegExp(`(?:^|&)${name}(?:[=&]|$)`).test(query)
  if (
    [
      'acl',
      'tagging',
      'retention',
      'legal-hold',
      'attributes',
      'cors',
      'policy',
      'lifecycle',
      'torrent',
    ].some(has)
  )
    return 'other'
  const isRead = method === 'GET' || method === 'HEAD'
  // A POST to the bucket itself is a form with an object in it ("POST Object"), unless it deletes many.
  if (key === null) return isRead ? 'list' : method !== 'POST' ? 'other' : has('delete') ? 'delete' : 'write'
  if (isRead) return method === 'GET' && has('uploadId') ? 'list' : 'read'
  if (method === 'PUT' || method === 'POST') return 'write'
  return method === 'DELETE' ? 'delete' : 'other'
}
