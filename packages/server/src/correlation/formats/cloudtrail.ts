/**
 * AWS CloudTrail, data events of S3.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
 * No public record shows what becomes of parameters such as `X-User`; they are read where they are there, else the request id
 * leads to the access log. Failed authentication is in that log only.
 */
import type { JsonObject } from '../json-fields.ts'
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { keyAt, numberAt, objectAt, readJsonObject, textAt, textEntries, valueAt } from '../json-fields.ts'
import { basicTime, isoTime } from '../log-time.ts'
import { makeRecord, skipped, unparsed } from '../make-record.ts'
import { readMarkers } from '../query-markers.ts'
import { told } from './s3-json.ts'

export const cloudTrail: LogFormat = {
  name: 'cloudtrail',
  title: 'AWS CloudTrail, data events of S3',
  shape: 'json',
  parse: parseEvent,
}

function parseEvent(text: string): ParsedLine {
  const event = readJsonObject(text)
  if (!event) return unparsed('not-json')
  const [operation, eventId, source] = ['eventName', 'eventID', 'eventSource'].map((name) =>
    textAt(event, name),
  )
  if (!operation || !eventId || !source) return unparsed('fields')
  if (!/^s3[a-z-]*\.amazonaws\.com/.test(source)) return skipped('other-service')
  // The moment at which the request was completed.
  const at = isoTime(textAt(event, 'eventTime'))
  if (at === undefined) return unparsed('time')
  const parameters = objectAt(event, 'requestParameters') ?? {}
  const { markers, oddNames } = readMarkers(textEntries(parameters))
  const errorCode = textAt(event, 'errorCode')
  const signedAt = basicTime(textAt(parameters, 'X-Amz-Date') ?? '') ?? null
  const seconds = numberAt(parameters, 'X-Amz-Expires')
  return makeRecord({
    identity: eventId,
    at,
    atIs: 'end',
    bucket: textAt(parameters, 'bucketName'),
    key: keyAt(parameters, 'key'),
    operation,
    action: actionOf(operation),
    // No status is told; an event without an error code is one of success.
    succeeded: errorCode === null,
    errorCode,
    address: textAt(event, 'sourceIPAddress'),
    // Written in brackets.
    agent: textAt(event, 'userAgent')?.replace(/^\[(.*)\]$/s, '$1') ?? null,
    requestId: textAt(event, 'requestID'),
    signers: signersOf(event),
    authentication: authenticationOf(event),
    markers,
    oddNames,
    signedAt,
    expiresAt: signedAt !== null && seconds !== null ? signedAt + seconds * 1000 : null,
    bytesSent: numberAt(event, 'additionalEventData.bytesTransferredOut'),
    bytesReceived: numberAt(event, 'additionalEventData.bytesTransferredIn'),
    uploadId: textAt(parameters, 'uploadId'),
    partNumber: numberAt(parameters, 'partNumber'),
    doubts: [Array.isArray(valueAt(parameters, 'key')) && 'many-keys'],
  })
}

function signersOf(event: JsonObject): string[] {
  const issuer = textAt(event, 'userIdentity.sessionContext.sessionIssuer.arn')
  return told(textAt(event, 'userIdentity.arn'), textAt(event, 'userIdentity.accessKeyId'), issuer)
}

function authenticationOf(event: JsonObject) {
  const method = textAt(event, 'additionalEventData.AuthenticationMethod')
  if (method === 'QueryString') return 'query'
  if (method === 'AuthHeader') return 'header'
  return textAt(event, 'userIdentity.accountId') === 'anonymous' ? 'none' : 'unknown'
}
