/**
 * Which log a file is, by how it begins. Where two fit, or none does, that is for a person to say: a guess would give
 * records that look sound and are not.
 */
import type { LogFormat } from '../access-log-record.ts'
import { csvCells } from '../csv-row.ts'
import { createJsonSplitter } from '../split-json.ts'
import { objectAt, textAt, valueAt, type JsonObject } from '../json-fields.ts'
import { formatNamed } from './index.ts'

/** So many lines or records are looked at, as far as they are whole. */
const looksMax = 20

/** Fields that only this format has together; every record that is looked at has to have them. */
const jsonSigns: readonly { format: string; fits: (entry: JsonObject) => boolean }[] = [
  {
    format: 'cloudtrail',
    fits: (entry) => has(entry, 'eventSource', 'eventName', 'eventTime', 'eventID'),
  },
  { format: 'gcs-audit', fits: (entry) => has(entry, 'protoPayload.methodName', 'timestamp') },
  {
    format: 'azure-resource',
    fits: (entry) => has(entry, 'time', 'operationName', 'properties.accountName'),
  },
  {
    format: 'storage-blob-logs',
    fits: (entry) => has(entry, 'TimeGenerated', 'OperationName', 'AccountName') && !has(entry, 'time'),
  },
  {
    format: 'azure-event-grid',
    fits: (entry) =>
      has(entry, 'id', 'subject', 'data.api') && (has(entry, 'eventType') || has(entry, 'type')),
  },
  { format: 'minio', fits: (entry) => has(entry, 'version', 'time') && objectAt(entry, 'api') !== undefined },
  { format: 'ceph-ops', fits: (entry) => has(entry, 'operation', 'uri', 'http_status', 'trans_id') },
  {
    format: 'versitygw',
    fits: (entry) => has(entry, 'RequestURI', 'Operation', 'Time') && 'HttpStatus' in entry,
  },
  {
    format: 'seaweedfs',
    fits: (entry) => has(entry, 'operation', 'bucket', 'time', 'remote_ip') && !has(entry, 'uri'),
  },
  {
    format: 'r2',
    fits: (entry) =>
      has(entry, '$metadata.timestamp', 'action', 'bucket') && objectAt(entry, 'actor') !== undefined,
  },
  {
    format: 'coreweave',
    fits: (entry) =>
      has(entry, 'action', 'timestamp', 'bucketName') && (has(entry, 'aws:arn') || has(entry, 'accessKeyId')),
  },
]

/** Unpacked bytes from the beginning of a file; more of them make the answer surer. The name decides between those that fit. */
export function detectFormat(firstBytes: Uint8Array, fileName: string): LogFormat | undefined {
  const text = Buffer.from(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength).toString('utf8')
  const trimmed = text.replace(/^\ufeff/, '').trimStart()
  const found = /^[{[]/.test(trimmed) ? byFields(firstBytes) : byLines(trimmed, fileName)
  return found === undefined ? undefined : formatNamed(found)
}

function byFields(bytes: Uint8Array): string | undefined {
  const entries: JsonObject[] = []
  let isBroken = false
  const splitter = createJsonSplitter(2 ** 20, (piece) => {
    const entry = 'text' in piece ? parsed(piece.text) : undefined
    if (entry === undefined) isBroken = true
    else if (entries.length < looksMax) entries.push(entry)
  })
  // The last one may be cut off: it is not asked for.
  splitter.add(Buffer.from(bytes))
  if (isBroken || entries.length === 0) return undefined
  const fitting = jsonSigns.filter(({ fits }) => entries.every(fits))
  return fitting.length === 1 ? fitting[0]!.format : undefined
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    return undefined
  }
}

/** What the store itself writes, up to where a client's text begins: no client can make its own log unreadable here. */
const s3Head = /^\S+ \S+ \[[^\]]{20,40}\] \S+ \S+ \S+ (?:REST|WEBSITE|BATCH|S3|SOAP)\.\S+ \S+ (?:"|- )/
const journal = /^\S+ \S+ \[[^\]]{20,40}\] (?:\S+ ){1,3}?REST\.\S+(?: \S+){0,3}$/

const lineSigns: readonly [format: string, fits: (line: string) => boolean][] = [
  ['gcs-usage', (line) => line.startsWith('"') && csvCells(line)?.includes('cs_uri') === true],
  [
    'azurite',
    (line) =>
      /^\S+ - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:[\d:]{8} [+-]\d{4}\] "[A-Z]+ \S+ HTTP\/\d\.\d" \d{3} /.test(
        line,
      ),
  ],
  [
    'ceph-beast',
    (line) =>
      /^(?:debug )?\d{4}-\d\d-\d\d[T ]\S+ [0-9a-f]{6,16} +-?\d{1,2} (?:beast: 0x[0-9a-f]+: |====== (?:starting new request|req done) |ceph version .*, process radosgw, )/.test(
        line,
      ),
  ],
  ['garage', (line) => /^\S+\s+(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+garage/.test(line)],
]

function byLines(text: string, fileName: string): string | undefined {
  // The last one may be cut off.
  const lines = text.split(/\r?\n/).filter(Boolean)
  const whole = (text.endsWith('\n') || lines.length === 1 ? lines : lines.slice(0, -1)).slice(0, looksMax)
  if (whole.length === 0) return undefined
  if (lineSigns[0]![1](whole[0]!)) return 'gcs-usage'
  // The beginning of an S3 line looks like one of these, too.
  const isWhole = text.endsWith('\n') || lines.length > 1
  if (isWhole && whole.every((line) => journal.test(line))) return 'ceph-bucket-logging'
  const named = lineSigns.slice(1).filter(([, fits]) => whole.some(fits))
  const isS3 = whole.every((line) => s3Head.test(line))
  const candidates = [...named.map(([format]) => format), ...(isS3 ? [inS3Columns(whole, fileName)] : [])]
  return candidates.length === 1 ? candidates[0] : undefined
}

/** Three write Amazon's columns. The embedded store's account is all zeros; Ceph writes ids of its own, with no host id. */
function inS3Columns(lines: readonly string[], fileName: string): string | undefined {
  if (lines.every((line) => line.startsWith('000000000000 '))) return 'local-store'
  const isCeph = lines.map((line) => /[0-9a-f-]{36}\.\d+\.\d+ (?:REST|BATCH|S3)\./.test(line))
  if (isCeph.every(Boolean)) return 'ceph-bucket-logging'
  if (isCeph.some(Boolean)) return undefined
  // Canonical ids of owners are 64 hex digits, and Amazon's names of log objects end in a time and 16 of them.
  const isAmazon = lines.every((line) => /^[0-9a-f]{64} /.test(line))
  return isAmazon || /\d{4}(?:-\d\d){5}-[0-9A-F]{16}(?:\.gz)?$/.test(fileName)
    ? 's3-server-access'
    : undefined
}

function has(entry: JsonObject, ...paths: readonly string[]): boolean {
  return paths.every((path) => textAt(entry, path) !== null || typeof valueAt(entry, path) === 'number')
}
