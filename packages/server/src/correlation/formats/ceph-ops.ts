/**
 * Ceph RADOS Gateway's ops log, JSON: a file of lines, or a socket that opens with `[` and parts its records by commas.
 * Fields: src/rgw/rgw_log.cc. It leaves out requests whose authentication failed, and shows the query twice.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { numberAt, objectAt, readJsonObject, statusOf, textAt } from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import { digestOf, makeRecord, unparsed, urlAuthentication } from '../make-record.ts'
import { readRequestLine, splitTarget, undoubledQuery } from '../request-target.ts'
import { readTarget, told } from './s3-json.ts'

export const cephOps: LogFormat = {
  name: 'ceph-ops',
  title: 'Ceph RADOS Gateway ops log',
  shape: 'json',
  parse: parseEntry,
}

function parseEntry(text: string, context: LineContext): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const [operation, bucketField, uri] = ['operation', 'bucket', 'uri'].map((name) => textAt(entry, name))
  if (!operation || !uri) return unparsed('fields')
  const request = readRequestLine(uri)
  if (!request) return unparsed('request-line')
  const at = isoTime(textAt(entry, 'time'))
  if (at === undefined) return unparsed('time')
  // `tenant/bucket` where there are tenants.
  const bucket = bucketField?.split('/').at(-1) ?? context.bucket ?? ''
  const { path, query } = splitTarget(request.target)
  const object = textAt(entry, 'object')
  const target = readTarget(
    `${path}?${undoubledQuery(query)}`,
    bucket,
    context,
    object === null ? undefined : [object],
  )
  const status = statusOf(textAt(entry, 'http_status'))
  const transactionId = textAt(entry, 'trans_id')
  const user = textAt(entry, 'user')
  // Whatever stands in the URL: `RGW_USER_ANON_ID` (src/rgw/rgw_common.h).
  const isNobody = user === 'anonymous'
  const type = textAt(entry, 'authentication_type')
  const accessKeyId = textAt(entry, 'access_key_id')
  const signed = urlAuthentication(
    target,
    accessKeyId,
    isNobody ? 'none' : type === null ? 'unknown' : 'header',
  )
  return makeRecord({
    ...target.found,
    identity: transactionId === null ? digestOf(JSON.stringify(entry)) : `${transactionId} ${operation}`,
    at,
    atIs: 'start',
    bucket: bucket === '' ? null : bucket,
    key: target.key,
    operation,
    action: actionOf(operation),
    method: request.method,
    status,
    // `NoContent` of a 204 is no error.
    errorCode: status !== null && status < 400 ? null : textAt(entry, 'error_code'),
    address: textAt(entry, 'remote_addr'),
    agent: textAt(entry, 'user_agent'),
    requestId: transactionId,
    signers: told(accessKeyId, user, roleOf(entry)),
    authentication: isNobody ? 'none' : signed.authentication,
    bytesSent: numberAt(entry, 'bytes_sent'),
    bytesReceived: numberAt(entry, 'bytes_received'),
    doubts: [
      signed.isContradicted && 'authentication',
      !target.isSure && 'key',
      operation === 'multi_object_delete' && 'many-keys',
    ],
  })
}

/** Of temporary credentials: role and session, as an ARN ends. */
function roleOf(entry: Readonly<Record<string, unknown>>): string | null {
  const info = objectAt(entry, 'sts_info')
  if (!info) return null
  return [textAt(info, 'role_name'), textAt(info, 'role_session')].filter(Boolean).join('/') || null
}
