/**
 * Cloudflare R2, data access logs. https://developers.cloudflare.com/r2/buckets/data-access-logs/
 * Successes only, best effort, and the path without its query: who signed is told, not for whom.
 */
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { keyAt, numberAt, readJsonObject, statusOf, textAt, valueAt } from '../json-fields.ts'
import { epochTime, isoTime } from '../log-time.ts'
import { digestOf, makeRecord, unparsed } from '../make-record.ts'
import { told } from './s3-json.ts'

export const r2: LogFormat = {
  name: 'r2',
  title: 'Cloudflare R2 data access log',
  shape: 'json',
  parse: parseEntry,
}

function parseEntry(text: string): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const [operation, bucket] = [textAt(entry, 'action'), textAt(entry, 'bucket')]
  if (operation === null || bucket === null) return unparsed('fields')
  const at =
    epochTime(numberAt(entry, '$metadata.timestamp'), 1) ?? isoTime(textAt(entry, '$metadata.timestamp'))
  if (at === undefined) return unparsed('time')
  const accessKeyId = textAt(entry, 'actor.accessKeyId')
  return makeRecord({
    identity: digestOf(JSON.stringify(entry)),
    at,
    atIs: 'unknown',
    bucket,
    // Not encoded.
    key: keyAt(entry, 'resource.key'),
    operation,
    action: actionOf(operation),
    method: textAt(entry, 'request.method'),
    status: statusOf(textAt(entry, 'response.status')),
    // Of 400 and above there is nothing in it.
    succeeded: true,
    errorCode: textAt(entry, 'response.errorCode'),
    address: textAt(entry, 'requestMetadata.ip'),
    agent: textAt(entry, 'requestMetadata.userAgent'),
    signers: told(accessKeyId, textAt(entry, 'actor.id'), textAt(entry, 'actor.email')),
    authentication: textAt(entry, 'actor.id') === 'public' ? 'none' : 'unknown',
    bytesSent: numberAt(entry, 'response.bytes'),
    bytesReceived: numberAt(entry, 'request.bytes'),
    uploadId: textAt(entry, 'resource.uploadId'),
    doubts: [Array.isArray(valueAt(entry, 'objects')) && 'many-keys'],
  })
}
