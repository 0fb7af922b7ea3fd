/**
 * Amazon S3's server access log, and what others write in its columns.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 *
 * The store writes columns 1 to 8 and 10 to 15 itself. The request line (9), the referer (16) and the user agent (17) are the
 * client's, with quotes left as they came, so what stands after them may be the client's invention: it is believed only
 * where there are no quotes but the four that have to be there. The signature's parameters are read from the request line.
 */
import type { Doubt, LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { numberOf, statusOf } from '../json-fields.ts'
import { commonLogTime } from '../log-time.ts'
import { factsOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { readQuery } from '../query-markers.ts'
import { redact } from '../redact.ts'
import { keyOf, readRequestLine, splitTarget } from '../request-target.ts'

export const s3ServerAccess: LogFormat = {
  name: 's3-server-access',
  title: 'Amazon S3 server access log',
  shape: 'lines',
  parse: parseS3Line,
}

/** Columns 1 to 8; none of them can hold a blank. */
const head = /^(\S+) (\S+) \[([^\]]{20,40})\] (\S+) (\S+) (\S+) (\S+) (\S+) /
/** Column 9: no blanks in the URI, so its end is certain. Batch and lifecycle rows have `-` or `"-"`. */
const requestLine = /^(?:"([A-Z]{1,20} \S+ HTTP\/\d(?:\.\d)?)"|"-"|-) /
/** Columns 10 to 15. */
const outcome = /^(\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) /
const secondOutcome = /HTTP\/\d(?:\.\d)?" (?:\d{3}|-) /
/** Columns 16 to 18 and what follows, with no quotes but those that have to be there. */
const tail = /^(?:"[^"]*"|-) (?:"([^"]*)"|-) (\S+)((?: [^\s"]+)*)$/

interface Tail {
  agent: string | null
  version: string | null
  authentication: string | null
  host: string | null
  doubt: Doubt | false
}

export function parseS3Line(line: string, context: LineContext): ParsedLine {
  const text = redact(line).trimEnd()
  if (text === '') return skipped('empty')
  const first = head.exec(text)
  if (!first) return unparsed('fields')
  const [
    ,
    ,
    bucket = '',
    time = '',
    address,
    requester = '',
    requestId = '',
    operation = '',
    keyColumn = '',
  ] = first
  const at = commonLogTime(time)
  if (at === undefined) return unparsed('time')
  const afterHead = text.slice(first[0].length)
  const second = requestLine.exec(afterHead)
  if (!second) return unparsed('request-line')
  const afterRequest = afterHead.slice(second[0].length)
  const third = outcome.exec(afterRequest)
  if (!third) return unparsed('fields')
  const [, statusColumn = '', errorCode = '', sent = '', , ,] = third
  const afterOutcome = afterRequest.slice(third[0].length)
  // A URI with blanks would have brought an end and an outcome of its own; which of the two is the store's is open.
  if (secondOutcome.test(afterOutcome)) return unparsed('request-line')
  const last = readTail(afterOutcome)
  const request = second[1] === undefined ? undefined : readRequestLine(second[1])
  const { path, query } = splitTarget(request?.target ?? '/')
  const facts = readQuery(query)
  const key = keyIn(
    keyColumn,
    operation,
    request === undefined ? undefined : path,
    bucket,
    context,
    last.host,
  )
  const signed = authenticationOf(facts.isPresigned, last.authentication, requester)
  return makeRecord({
    ...factsOf(facts),
    // Redelivered lines are the same in these; a copy and a batch have one request id on several lines.
    identity: `${requestId} ${operation} ${keyColumn} ${last.version ?? '-'}`,
    at,
    atIs: 'start',
    bucket: dashed(bucket) ?? context.bucket ?? null,
    key: key.key,
    operation,
    action: actionOf(operation),
    method: request?.method ?? null,
    status: statusOf(statusColumn),
    // Lifecycle rows tell no status: the line is there because it was done.
    ...(statusColumn === '-' && errorCode === '-' ? { succeeded: true } : {}),
    errorCode: dashed(errorCode),
    address: address ?? null,
    agent: last.agent,
    requestId: dashed(requestId),
    signers: requester === '-' ? [] : [requester],
    authentication: signed.authentication,
    bytesSent: numberOf(sent),
    doubts: [last.doubt, !key.isSure && 'key', signed.isContradicted && 'authentication'],
  })
}

/** Legacy lines end after column 18; 24 to 26 are documented, and more may come. A host id may hold a blank. */
function readTail(text: string): Tail {
  const none = { agent: null, version: null, authentication: null, host: null }
  const found = tail.exec(text)
  if (!found) return { ...none, doubt: text.includes('"') ? 'quotes' : 'columns' }
  const columns = found[3] === '' ? [] : found[3]!.slice(1).split(' ')
  if (columns.length > 2 && !isSignatureVersion(columns[1]!) && isSignatureVersion(columns[2]!))
    columns.splice(0, 2, `${columns[0]} ${columns[1]}`)
  const known = { agent: dashed(found[1] ?? '-'), version: dashed(found[2]!) }
  if (columns.length === 0) return { ...none, ...known, doubt: false }
  // Column 20 is a word of the store's: where something else stands, a column is missing or too many.
  if (columns.length < 6 || !isSignatureVersion(columns[1]!)) return { ...none, ...known, doubt: 'columns' }
  return { ...known, authentication: columns[3]!, host: dashed(columns[4]!), doubt: false }
}

function isSignatureVersion(text: string): boolean {
  return text === '-' || /^SigV\d[A-Z]?$/.test(text)
}

/** Column 8 tells path style from virtual-hosted; what it is encoded with differs, so the path's reading of it is taken. */
function keyIn(
  column: string,
  operation: string,
  path: string | undefined,
  bucket: string,
  context: LineContext,
  host: string | null,
): { key: string | null; isSure: boolean } {
  const isVirtual = host !== null && (host.startsWith(`${bucket}.`) || host === bucket)
  const addressing = isVirtual ? 'virtual' : context.addressing
  if (column === '-') {
    const named = path === undefined ? null : keyOf({ path, bucket, addressing }).key
    return { key: named === '-' ? '-' : null, isSure: true }
  }
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
function authenticationOf(isPresigned: boolean, column: string | null, requester: string) {
  if (column === null || column === '-') {
    const unsigned = column === '-' && requester === '-' ? 'none' : 'unknown'
    return { authentication: isPresigned ? 'query' : unsigned, isContradicted: false } as const
  }
  if (column === 'QueryString' && isPresigned)
    return { authentication: 'query', isContradicted: false } as const
  if (column === 'AuthHeader' && !isPresigned)
    return { authentication: 'header', isContradicted: false } as const
  return { authentication: 'unknown', isContradicted: true } as const
}

function dashed(text: string): string | null {
  return text === '-' ? null : text
}
