/**
 * Google Cloud Audit Logs, data access to Cloud Storage. https://cloud.google.com/storage/docs/audit-logging
 * No query string is in it, so no `X-User`; the signed parameters `x-goog-custom-audit-*` are, as `audit_info`.
 */
import type { JsonObject } from '../json-fields.ts'
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { objectAt, readJsonObject, textAt, textEntries } from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import { digestOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { readMarkers } from '../query-markers.ts'
import { told } from './s3-json.ts'

export const gcsAudit: LogFormat = {
  name: 'gcs-audit',
  title: 'Google Cloud Audit Logs, data access to Cloud Storage',
  shape: 'json',
  parse: parseEntry,
}

/** google.rpc.Code and what it is in HTTP (code.proto of googleapis). */
const statusOfCode: Readonly<Record<string, number>> = {
  0: 200,
  1: 499,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
}

function parseEntry(text: string): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const payload = objectAt(entry, 'protoPayload')
  const operation = payload && textAt(payload, 'methodName')
  if (!payload || !operation) return unparsed('fields')
  if (!operation.startsWith('storage.')) return skipped('other-service')
  const at = isoTime(textAt(entry, 'timestamp'))
  if (at === undefined) return unparsed('time')
  const resource = textAt(payload, 'resourceName') ?? ''
  // As it is, not encoded.
  const [, bucket, key] = /^projects\/[^/]*\/buckets\/([^/]+)(?:\/objects\/(.+))?$/s.exec(resource) ?? []
  const { markers, oddNames } = readMarkers(textEntries(auditInfo(payload)))
  const status = objectAt(payload, 'status')
  const insertId = textAt(entry, 'insertId')
  return makeRecord({
    // One request can be several entries (a copy reads and writes), each with an id of its own.
    identity:
      insertId === null ? digestOf(JSON.stringify(entry)) : `${insertId} ${at} ${operation} ${resource}`,
    at,
    atIs: 'start',
    bucket: bucket ?? textAt(entry, 'resource.labels.bucket_name'),
    key: key ?? null,
    operation,
    action: actionOf(operation),
    // Absent or empty is success.
    status: status === undefined ? null : (statusOfCode[textAt(status, 'code') ?? '0'] ?? null),
    ...(status === undefined ? { succeeded: true } : {}),
    errorCode: status === undefined ? null : (textAt(status, 'message') ?? textAt(status, 'code')),
    address: textAt(payload, 'requestMetadata.callerIp'),
    agent: textAt(payload, 'requestMetadata.callerSuppliedUserAgent'),
    signers: told(
      textAt(payload, 'authenticationInfo.principalEmail'),
      textAt(payload, 'authenticationInfo.principalSubject'),
      textAt(payload, 'authenticationInfo.serviceAccountKeyName'),
    ),
    // It does not tell a signed URL from a bearer token of the same account; that our parameters are there does.
    authentication: 'unknown',
    markers,
    oddNames,
  })
}

function auditInfo(payload: JsonObject): JsonObject | undefined {
  return (
    objectAt(payload, 'metadata.audit_context.audit_info') ??
    objectAt(payload, 'metadata.auditContext.auditInfo')
  )
}
