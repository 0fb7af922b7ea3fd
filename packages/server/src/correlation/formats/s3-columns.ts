/**
 * The columns of S3's access log, found by blanks and quotes in one pass: no regular expression over the line, as there are
 * millions of them. What is the store's and what a client may have made up is told in `s3-server-access.ts`.
 */
import type { Doubt, UnparsedReason } from '../access-log-record.ts'
import { numberOf } from '../json-fields.ts'

export interface S3Columns {
  bucket: string
  /** Without its brackets. */
  time: string
  address: string
  requester: string
  requestId: string
  operation: string
  key: string
  /** Column 9; null: the store did something without a request. */
  request: { method: string; target: string } | null
  status: string
  errorCode: string
  bytesSent: string
  objectSize: string
  tail: S3Tail
}

export interface S3Tail {
  agent: string | null
  version: string | null
  authentication: string | null
  /** Of a signature, whatever its version. */
  isSigned: boolean
  host: string | null
  doubt: Doubt | false
}

/** Each gives where the next column begins, or -1. */
interface Scan {
  text: string
  at: number
}

export function splitS3Line(text: string): S3Columns | UnparsedReason {
  const scan: Scan = { text, at: 0 }
  // Columns 1 to 8: none of them can hold a blank, but the time, whose brackets say where it ends.
  const [owner, bucket, time] = [column(scan), column(scan), bracketed(scan)]
  const [address, requester, requestId] = [column(scan), column(scan), column(scan)]
  const [operation, key] = [column(scan), column(scan)]
  if (!owner || !bucket || !time || !address || !requester || !requestId || !operation || !key)
    return 'fields'
  const request = requestIn(scan)
  if (request === undefined) return 'request-line'
  // Columns 10 to 15.
  const [status, errorCode, bytesSent] = [column(scan), column(scan), column(scan)]
  const objectSize = column(scan)
  const others = [objectSize, column(scan), column(scan)]
  if (!isStatus(status) || !errorCode || !isCount(bytesSent) || !others.every(isCount)) return 'fields'
  // A URI with blanks would have brought an end and an outcome of its own; which of the two is the store's is open.
  if (text.includes('HTTP/', scan.at) && secondOutcome.test(text.slice(scan.at))) return 'request-line'
  const columns = { bucket, time, address, requester, requestId, operation, key, request }
  const bytes = { bytesSent: bytesSent!, objectSize: objectSize! }
  return { ...columns, ...bytes, status: status!, errorCode, tail: tailIn(scan) }
}

/** Undefined: there is no further one, or it is empty. */
function column(scan: Scan): string | undefined {
  const end = scan.text.indexOf(' ', scan.at)
  if (end <= scan.at) return undefined
  const text = scan.text.slice(scan.at, end)
  scan.at = end + 1
  return text
}

/** `06/Feb/2019:00:00:38 +0000`; versitygw's months are longer. */
function bracketed(scan: Scan): string | undefined {
  const { text, at } = scan
  const end = text.indexOf('] ', at)
  if (text[at] !== '[' || end - at > 41 || end - at < 21) return undefined
  scan.at = end + 2
  return text.slice(at + 1, end)
}

const protocol = /HTTP\/\d(?:\.\d)?" /y
const methodName = /^[A-Z]{1,20}$/
const secondOutcome = /HTTP\/\d(?:\.\d)?" (?:\d{3}|-) /

/** Column 9: no blanks in the URI, so its end is certain. Batch and lifecycle rows have `-` or `"-"`. */
function requestIn(scan: Scan): S3Columns['request'] | undefined {
  const { text, at } = scan
  if (text.startsWith('- ', at) || text.startsWith('"-" ', at)) {
    scan.at = text.indexOf(' ', at) + 1
    return null
  }
  const method = column(scan)
  const target = column(scan)
  if (!method || !target || method[0] !== '"' || !methodName.test(method.slice(1))) return undefined
  protocol.lastIndex = scan.at
  if (!protocol.test(text)) return undefined
  scan.at = protocol.lastIndex
  return { method: method.slice(1), target }
}

function isStatus(text: string | undefined): boolean {
  return text === '-' || (text?.length === 3 && isCount(text))
}

function isCount(text: string | undefined): boolean {
  if (text === undefined || text === '-') return text !== undefined
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 48 || code > 57) return false
  }
  return true
}

/**
 * Columns 16 to 18 and what follows, with no quotes but those that have to be there. Legacy lines end after column 18; 24 to 26
 * are documented, and more may come. A host id may hold a blank.
 */
function tailIn(scan: Scan): S3Tail {
  const { text, at: start } = scan
  const tail: S3Tail = {
    agent: null,
    version: null,
    authentication: null,
    isSigned: false,
    host: null,
    doubt: false,
  }
  const agent = quoted(scan) === undefined ? undefined : quoted(scan)
  if (agent === undefined || scan.at >= text.length || text.includes('"', scan.at)) {
    tail.doubt = text.includes('"', start) ? 'quotes' : 'columns'
    return tail
  }
  const isLegacy = !text.includes(' ', scan.at)
  const version = isLegacy ? text.slice(scan.at) : column(scan)
  tail.agent = dashed(agent)
  tail.version = dashed(version ?? '-')
  if (isLegacy) return tail
  column(scan)
  let signatureVersion = column(scan)
  if (!isSignatureVersion(signatureVersion)) signatureVersion = column(scan)
  const [cipher, authentication, host] = [column(scan), column(scan), column(scan)]
  // Column 20 is a word of the store's: where something else stands, a column is missing or too many. 24 is not read, but is
  // in all of these layouts.
  const isWhole = version && isSignatureVersion(signatureVersion) && cipher && authentication && host
  if (!isWhole || scan.at >= text.length) {
    tail.doubt = 'columns'
    return tail
  }
  tail.authentication = authentication
  tail.isSigned = signatureVersion !== '-'
  tail.host = dashed(host)
  return tail
}

/** Undefined: neither `-` nor in quotes. */
function quoted(scan: Scan): string | undefined {
  const { text, at } = scan
  if (text.startsWith('- ', at)) {
    scan.at = at + 2
    return '-'
  }
  const end = text.indexOf('"', at + 1)
  if (text[at] !== '"' || end === -1 || text[end + 1] !== ' ') return undefined
  scan.at = end + 2
  return text.slice(at + 1, end)
}

function isSignatureVersion(text: string | undefined): boolean {
  return text === 'SigV4' || text === '-' || (text !== undefined && /^SigV\d[A-Z]?$/.test(text))
}

export function dashed(text: string): string | null {
  return text === '-' || text === '' ? null : text
}

/** Column 12: `-` if zero. */
export function sentBytes(column: string): number | null {
  return column === '-' ? 0 : numberOf(column)
}

/**
 * Column 13, the size of the object, is that of a part where one was put. Who completes an upload is told the whole object's,
 * whose parts were told before; what begins one, or copies in the store, brings no bytes.
 */
export function receivedBytes(operation: string, objectSize: string): number | null {
  if (!operation.startsWith('REST.P') && !operation.startsWith('REST.C')) return null
  if (/^REST\.(?:PUT\.(?:OBJECT|PART)|POST\.OBJECT)$/.test(operation)) return numberOf(objectSize)
  return /^REST\.(?:POST\.UPLOADS?|COPY\.\w+)$/.test(operation) ? 0 : null
}
