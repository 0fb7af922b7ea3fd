/**
 * Amazon S3's server access log, and what others write in its columns.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 *
 * The store writes columns 1 to 8 and 10 to 15 itself. The request line (9), the referer (16) and the user agent (17) are the
 * client's, with quotes left as they came, so what stands after them may be the client's invention: it is believed only
 * where there are no quotes but the four that have to be there. The signature's parameters are read from the request line,
 * and no secret among them is taken: `makeRecord` cuts what else may hold one.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { proofOf, type AccessProof } from '../access-proof.ts'
import { actionOf } from '../actions.ts'
import { statusOf } from '../json-fields.ts'
import { commonLogTime } from '../log-time.ts'
import { makeRecord, skipped, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { readQuery, type QueryFacts } from '../query-markers.ts'
import { keyOf, splitTarget } from '../request-target.ts'
import { dashed, receivedBytes, sentBytes, splitS3Line, type S3Columns, type S3Tail } from './s3-columns.ts'
import { readUsualLine } from './s3-usual-line.ts'

export const s3ServerAccess: LogFormat = {
  name: 's3-server-access',
  title: 'Amazon S3 server access log',
  shape: 'lines',
  parse: parseS3Line,
}

export function parseS3Line(line: string, context: LineContext): ParsedLine {
  const text = line.trimEnd()
  if (text === '') return skipped('empty')
  const usual = readUsualLine(text)
  return usual === undefined ? parseColumns(text, context) : { outcome: 'record', record: usual }
}

/** Any line, without the blanks at its end. */
export function parseColumns(text: string, context: LineContext): ParsedLine {
  const columns = splitS3Line(text)
  if (typeof columns === 'string') return unparsed(columns)
  const at = commonLogTime(columns.time)
  if (at === undefined) return unparsed('time')
  const { bucket, requester, requestId, operation, request, status, errorCode, tail } = columns
  const { path, query } = splitTarget(request?.target ?? '/')
  const facts = readQuery(query)
  const key = keyIn(columns, request === null ? undefined : path, context)
  const outcome = { status: statusOf(status), succeeded: null, errorCode: dashed(errorCode) }
  // Ceph has a word for it. What was refused tells no requester either.
  const isNobody = requester === '-' || requester === 'anonymous'
  const signed = authenticationOf(facts, tail, isNobody ? proofOf(outcome) : null)
  const { markers, oddNames, urlSigner, signedAt, expiresAt, uploadId, partNumber } = facts
  return makeRecord({
    // Redelivered lines are the same in these; a copy and a batch have one request id on several lines.
    identity: `${requestId},${operation},${columns.key},${tail.version ?? '-'}`,
    at,
    atIs: 'start',
    bucket: dashed(bucket) ?? context.bucket ?? null,
    key: key.key,
    operation,
    action: actionOf(operation),
    method: request?.method ?? null,
    status: statusOf(status),
    // Lifecycle rows tell no status: the line is there because it was done.
    succeeded: request === null && status === '-' && errorCode === '-' ? true : undefined,
    errorCode: dashed(errorCode),
    address: columns.address,
    agent: tail.agent,
    requestId: dashed(requestId),
    signers: requester === '-' ? [] : [requester],
    urlSigner,
    authentication: signed.authentication,
    markers,
    oddNames,
    signedAt,
    expiresAt,
    uploadId,
    partNumber,
    bytesSent: sentBytes(columns.bytesSent),
    bytesReceived: receivedBytes(operation, columns.objectSize),
    doubts: [tail.doubt, !key.isSure && 'key', signed.isContradicted && 'authentication'],
  })
}

/** Column 8 tells path style from virtual-hosted; what it is encoded with differs, so the path's reading of it is taken. */
function keyIn(
  { bucket, operation, key: column, tail: { host } }: S3Columns,
  path: string | undefined,
  context: LineContext,
): { key: string | null; isSure: boolean } {
  const isVirtual = host !== null && (host.startsWith(`${bucket}.`) || host === bucket)
  const addressing = isVirtual ? 'virtual' : context.addressing
  if (column === '-') {
    const named = path === undefined ? null : keyOf({ path, bucket, addressing }).key
    return { key: named === '-' ? '-' : null, isSure: true }
  }
  // Nothing is encoded, and the path is the same: nearly every line.
  const isPlain = path !== undefined && !column.includes('%') && !column.includes('+')
  if (isPlain && path.length === column.length + 1 && path.endsWith(column))
    return { key: column, isSure: true }
  const once = decodePercent(column)
  // Measured by Yelp: encoded twice, but once for what S3 does by itself or in batches.
  const isOnce = /^(?:BATCH|S3)\./.test(operation)
  const twice = once === undefined || isOnce ? undefined : decodePercent(once)
  const stated = [twice, once].filter((reading) => reading !== undefined)
  if (stated.length === 0) return { key: null, isSure: false }
  // The source of a copy: the request line names the target.
  const isSource = /^REST\.COPY\.(?:OBJECT|PART)_GET$/.test(operation)
  if (path === undefined || isSource) return { key: stated[0]!, isSure: path === undefined || twice === once }
  return keyOf({ path, bucket, addressing, stated })
}

/** Column 22 alone proves nothing: a signature in the URL has to be there too, and a request has no more than one. */
function authenticationOf(
  { isPresigned }: Pick<QueryFacts, 'isPresigned'>,
  { authentication: column, isSigned }: Pick<S3Tail, 'authentication' | 'isSigned'>,
  ofNobody: AccessProof | null,
) {
  // Served without a requester: it is open to everybody, and no signature was looked at.
  if (isPresigned && ofNobody !== null && ofNobody !== 'refused' && (column === '-' || column === null))
    return { authentication: 'none', isContradicted: true } as const
  // A store that tells versions of signatures tells the way they came as well.
  if (column === '-' && isPresigned && isSigned)
    return { authentication: 'unknown', isContradicted: true } as const
  if (column === null || column === '-') {
    const unsigned = column === '-' && ofNobody !== null ? 'none' : 'unknown'
    return { authentication: isPresigned ? 'query' : unsigned, isContradicted: false } as const
  }
  if (column === 'QueryString' && isPresigned)
    return { authentication: 'query', isContradicted: false } as const
  if (column === 'AuthHeader' && !isPresigned)
    return { authentication: 'header', isContradicted: false } as const
  return { authentication: 'unknown', isContradicted: true } as const
}
