/**
 * SeaweedFS's audit log by Fluent, tag `s3.access` (weed/s3api/s3err/audit_fluent.go). The record that is sent has no query;
 * the request's id and address may be headers of the client's (`X-Request-ID`, `X-Real-IP`).
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { keyAt, numberAt, readJsonObject, statusOf, textAt } from '../json-fields.ts'
import { epochTime, isoTime } from '../log-time.ts'
import { digestOf, makeRecord, unparsed } from '../make-record.ts'
import { readRequestLine } from '../request-target.ts'
import { readTarget, told } from './s3-json.ts'

export const seaweedFs: LogFormat = {
  name: 'seaweedfs',
  title: 'SeaweedFS audit log',
  shape: 'json',
  parse: parseEntry,
}

function parseEntry(text: string, context: LineContext): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const operation = textAt(entry, 'operation')
  const bucket = textAt(entry, 'bucket')
  if (operation === null || bucket === null) return unparsed('fields')
  const at = epochTime(numberAt(entry, 'time'), 1000) ?? isoTime(textAt(entry, 'time'))
  if (at === undefined) return unparsed('time')
  const line = textAt(entry, 'request_uri')
  const request = line === null ? undefined : (readRequestLine(line) ?? { method: null, target: line })
  // Written with a slash in front; a key may begin with one too.
  const column = keyAt(entry, 'key')?.replace(/^\//, '') || null
  const target =
    request && readTarget(request.target, bucket, context, column === null ? undefined : [column])
  return makeRecord({
    ...target?.found,
    // The id is no proof of being the same: a client may send it.
    identity: digestOf(JSON.stringify(entry)),
    at,
    atIs: 'end',
    bucket,
    key: target?.key ?? column,
    operation,
    action: actionOf(operation),
    method: request?.method ?? null,
    status: statusOf(textAt(entry, 'status')),
    errorCode: textAt(entry, 'error_code'),
    address: textAt(entry, 'remote_ip'),
    agent: textAt(entry, 'user_agent'),
    requestId: textAt(entry, 'request_id'),
    signers: told(textAt(entry, 'requester'), textAt(entry, 'requester_arn')),
    authentication: target?.isPresigned === true ? 'query' : 'unknown',
    doubts: [target?.isSure === false && 'key'],
  })
}
