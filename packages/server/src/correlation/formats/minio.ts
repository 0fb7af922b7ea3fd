/**
 * MinIO's audit webhook. https://github.com/minio/minio/tree/master/docs/logging
 * The query is a map of names to texts; the values of a name that occurs twice are joined by a comma.
 */
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import {
  keyAt,
  numberAt,
  objectAt,
  readJsonObject,
  statusOf,
  textAt,
  textEntries,
  valueAt,
} from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import { digestOf, factsOf, makeRecord, skipped, unparsed, urlAuthentication } from '../make-record.ts'
import { readMarkers, readQuery } from '../query-markers.ts'
import { told } from './s3-json.ts'

export const minio: LogFormat = {
  name: 'minio',
  title: 'MinIO audit webhook',
  shape: 'json',
  parse: parseEntry,
}

function parseEntry(text: string): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const operation = textAt(entry, 'api.name')
  const [bucket, key] = [textAt(entry, 'api.bucket'), keyAt(entry, 'api.object')]
  if (operation === null) return objectAt(entry, 'api') ? skipped('other-event') : unparsed('fields')
  // Written when the request has been answered.
  const at = isoTime(textAt(entry, 'time'))
  if (at === undefined) return unparsed('time')
  const query = textEntries(objectAt(entry, 'requestQuery'))
  // Encoded anew, as one reader knows all names; its values are plain.
  const facts = readQuery(query.map((pair) => pair.map(encodeURIComponentSafely).join('=')).join('&'))
  // A username with a comma in it and two usernames look alike here, and are not told apart.
  const { markers, oddNames } = readMarkers(
    query.flatMap(([name, value]) => value.split(',').map((one): [string, string] => [name, one])),
  )
  const requestId = textAt(entry, 'requestID')
  const hasHeader = textAt(entry, 'requestHeader.Authorization') !== null
  const signers = told(textAt(entry, 'accessKey'), textAt(entry, 'parentUser'))
  const isBoth = facts.isPresigned && hasHeader
  const unsigned = hasHeader ? 'header' : signers.length === 0 ? 'none' : 'unknown'
  const signed = urlAuthentication(facts, textAt(entry, 'accessKey'), unsigned)
  return makeRecord({
    ...factsOf(facts),
    markers,
    oddNames,
    identity:
      requestId === null ? digestOf(JSON.stringify(entry)) : `${requestId} ${operation} ${key ?? '-'} ${at}`,
    at,
    atIs: 'end',
    bucket,
    key,
    operation,
    action: actionOf(operation),
    status: statusOf(textAt(entry, 'api.statusCode')),
    errorCode: textAt(entry, 'error'),
    address: textAt(entry, 'remotehost'),
    agent: textAt(entry, 'userAgent'),
    requestId,
    signers,
    authentication: isBoth ? 'unknown' : signed.authentication,
    bytesSent: numberAt(entry, 'api.tx'),
    bytesReceived: numberAt(entry, 'api.rx'),
    doubts: [
      (isBoth || signed.isContradicted) && 'authentication',
      Array.isArray(valueAt(entry, 'api.objects')) && 'many-keys',
    ],
  })
}

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
