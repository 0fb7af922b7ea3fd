/**
 * CoreWeave AI Object Storage, audit log of the data plane.
 * https://docs.coreweave.com/products/storage/object-storage/auth-access/audit-logging
 * The list of fields is "not exhaustive", and neither a query string nor the key is promised: names can be mapped by
 * configuration (`fields`), and markers are there only where a field for the URI is.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf, actionOfRequest } from '../actions.ts'
import { numberAt, readJsonObject, statusOf, textAt } from '../json-fields.ts'
import { epochTime, isoTime } from '../log-time.ts'
import { digestOf, makeRecord, skipped, unparsed, urlAuthentication } from '../make-record.ts'
import { readTarget, told } from './s3-json.ts'

export const coreWeave: LogFormat = {
  name: 'coreweave',
  title: 'CoreWeave AI Object Storage audit log',
  shape: 'json',
  parse: parseEntry,
}

const defaults: Readonly<Record<string, string>> = {
  action: 'action',
  time: 'timestamp',
  bucket: 'bucketName',
  key: 'objectKey',
  uri: 'uri',
  method: 'method',
  status: 'status',
  errorCode: 'errorCode',
  address: 'sourceIp',
  agent: 'userAgent',
  requestId: 'requestId',
  accessKeyId: 'accessKeyId',
  arn: 'aws:arn',
  principal: 'principal',
}

function parseEntry(text: string, context: LineContext): ParsedLine {
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const get = (name: string) => textAt(entry, context.fields?.[name] ?? defaults[name] ?? name)
  const operation = get('action')
  const bucket = get('bucket') ?? context.bucket ?? null
  if (operation === null) return unparsed('fields')
  if (bucket === null)
    return textAt(entry, 'principalRole') === null ? unparsed('fields') : skipped('control-plane')
  const at = isoTime(get('time')) ?? epochTime(numberAt(entry, context.fields?.['time'] ?? 'timestamp'), 1000)
  if (at === undefined) return unparsed('time')
  const [uri, stated, method] = [get('uri'), get('key'), get('method')]
  const target =
    uri === null
      ? undefined
      : readTarget(uri, bucket, { addressing: 'virtual', ...context }, stated === null ? undefined : [stated])
  const key = target ? target.key : stated
  const signed = target && urlAuthentication(target, get('accessKeyId'), 'unknown')
  const named = actionOf(operation)
  return makeRecord({
    ...target?.found,
    // What the request id is unique for is not said.
    identity: digestOf(JSON.stringify(entry)),
    at,
    atIs: 'unknown',
    bucket,
    key,
    operation,
    action: named === 'other' && method !== null ? actionOfRequest(method, key, target?.query ?? '') : named,
    method,
    status: statusOf(get('status')),
    errorCode: get('errorCode'),
    address: get('address'),
    agent: get('agent'),
    requestId: get('requestId'),
    signers: told(get('accessKeyId'), get('arn'), get('principal')),
    authentication: signed?.authentication ?? 'unknown',
    doubts: [target?.isSure === false && 'key', signed?.isContradicted === true && 'authentication'],
  })
}
