/**
 * versitygw's webhook: JSON with the names of Amazon's columns (s3log/audit-logger.go). Its file has URI, referer and user agent
 * without quotes, so that nobody can tell where they end: refused, not guessed.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf, actionOfRequest } from '../actions.ts'
import { numberAt, readJsonObject, statusOf, textAt } from '../json-fields.ts'
import { isoTime } from '../log-time.ts'
import { digestOf, makeRecord, skipped, unparsed, urlAuthentication } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { readTarget, told } from './s3-json.ts'

export const versitygw: LogFormat = {
  name: 'versitygw',
  title: 'versitygw webhook',
  shape: 'json',
  parse: parseEntry,
}

function parseEntry(text: string, context: LineContext): ParsedLine {
  if (/^\s*log starts\b/.test(text)) return skipped('log-starts')
  if (/^\S+ \S+ \[\d\d\/[A-Z][a-z]+\/\d{4}:/.test(text)) return unparsed('unquoted-columns')
  const entry = readJsonObject(text)
  if (!entry) return unparsed('not-json')
  const [operation, bucket, uri] = ['Operation', 'Bucket', 'RequestURI'].map((name) => textAt(entry, name))
  if (!operation || !uri) return unparsed('fields')
  // When the request was answered.
  const at = isoTime(textAt(entry, 'Time'))
  if (at === undefined) return unparsed('time')
  const column = textAt(entry, 'Key')
  // The framework's path, decoded or not by its settings: the URI decides.
  const readings = column === null ? undefined : [...new Set([column, decodePercent(column) ?? column])]
  const target = readTarget(uri, bucket ?? '', context, readings)
  const requester = textAt(entry, 'Requester')
  const signed = urlAuthentication(target, requester, 'unknown')
  const requestId = textAt(entry, 'RequestID')
  const named = actionOf(operation)
  // It is not told; the operation's first word is the method's.
  const method = /(?:^|[:_])(Get|Head|Put|Post|Delete)/.exec(operation)?.[1]?.toUpperCase() ?? null
  return makeRecord({
    ...target.found,
    identity: digestOf(JSON.stringify(entry)),
    at,
    atIs: 'end',
    bucket: bucket ?? null,
    key: target.key,
    operation,
    action: named === 'other' && method !== null ? actionOfRequest(method, target.key, target.query) : named,
    status: statusOf(textAt(entry, 'HttpStatus')),
    errorCode: textAt(entry, 'ErrorCode'),
    address: textAt(entry, 'RemoteIP'),
    agent: textAt(entry, 'UserAgent'),
    requestId,
    signers: told(requester),
    // `AuthHeader` stands there always.
    authentication: signed.authentication,
    bytesSent: numberAt(entry, 'BytesSent'),
    bytesReceived: receivedBytes(operation, numberAt(entry, 'ObjectSize')),
    doubts: [!target.isSure && 'key', signed.isContradicted && 'authentication'],
  })
}

/** The size of an object or part that was put; 0 stands there also where nobody has set it. */
function receivedBytes(operation: string, size: number | null): number | null {
  return size !== 0 && /(?:^|[:_.])(?:Put[_.]?Object|Put[_.]Part|Upload_?Part)$/i.test(operation)
    ? size
    : null
}
