/**
 * Google Cloud Storage's usage log: CSV with a header, all fields quoted. https://cloud.google.com/storage/docs/access-logs
 * It has no account: who signed stands in the URL (`X-Goog-Credential`), and counts where the request succeeded.
 */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf, actionOfRequest } from '../actions.ts'
import { csvCells } from '../csv-row.ts'
import { numberOf, statusOf } from '../json-fields.ts'
import { epochTime } from '../log-time.ts'
import { digestOf, factsOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { readQuery } from '../query-markers.ts'
import { redact } from '../redact.ts'
import { keyOf, splitTarget } from '../request-target.ts'

export const gcsUsage: LogFormat = {
  name: 'gcs-usage',
  title: 'Google Cloud Storage usage log',
  shape: 'csv',
  parse: parseRow,
}

/** Where a file comes without its header. Columns may be appended, so names count where they are there. */
const columns =
  'time_micros,c_ip,c_ip_type,c_ip_region,cs_method,cs_uri,sc_status,cs_bytes,sc_bytes,time_taken_micros,cs_host,cs_referer,cs_user_agent,s_request_id,cs_operation,cs_bucket,cs_object'.split(
    ',',
  )

function parseRow(line: string, context: LineContext): ParsedLine {
  if (line.trim() === '') return skipped('empty')
  // Apart first: a cut is never longer than its cell.
  const cells = csvCells(line)?.map(redact)
  if (!cells) return unparsed('not-csv')
  const header = context.header ?? columns
  if (isHeader(cells)) return skipped('header')
  if (cells.length !== header.length) return unparsed('fields')
  const cell = (name: string) => cells[header.indexOf(name)] || null
  const [uri, bucket, method] = [cell('cs_uri'), cell('cs_bucket'), cell('cs_method')]
  if (uri === null || method === null) return unparsed('fields')
  // When the request was completed.
  const at = epochTime(numberOf(cell('time_micros')), 0.001)
  if (at === undefined) return unparsed('time')
  const { path, query } = splitTarget(uri)
  const facts = readQuery(query)
  const status = statusOf(cell('sc_status'))
  const object = cell('cs_object')
  // Paths of the JSON API hold more than bucket and key; signed URLs are of the XML API.
  const { key, isSure } =
    bucket === null || /^\/(?:download\/|upload\/)?(?:storage|batch)\//.test(path)
      ? { key: object, isSure: true }
      : keyOf({ path, bucket, addressing: isVirtual(cell('cs_host'), bucket), ...statedIn(object) })
  const operation = cell('cs_operation') ?? `${method}_${key === null ? 'Bucket' : 'Object'}`
  const named = actionOf(operation)
  return makeRecord({
    ...factsOf(facts),
    identity: cell('s_request_id') ?? digestOf(cells.join('\n')),
    at,
    atIs: 'end',
    startedAt: startOf({ at, taken: numberOf(cell('time_taken_micros')), method, query }),
    bucket: bucket ?? context.bucket ?? null,
    key,
    operation,
    action: named === 'other' ? actionOfRequest(method, key, query) : named,
    method,
    status,
    address: cell('c_ip'),
    agent: cell('cs_user_agent'),
    requestId: cell('s_request_id'),
    authentication: facts.isPresigned ? 'query' : 'unknown',
    bytesSent: numberOf(cell('sc_bytes')),
    bytesReceived: numberOf(cell('cs_bytes')),
    doubts: [!isSure && 'key'],
  })
}

/** A transfer of a day: what is longer tells of several requests, or of nothing. */
const takenMaxMs = 86_400_000

/**
 * `time_taken_micros` is from the first byte received to the answer sent. Of a resumable upload it may be of more than one
 * request: there, and where it is no time that a request can take, the end is all that is known.
 */
function startOf(row: { at: number; taken: number | null; method: string; query: string }): number | null {
  const { at, taken, method, query } = row
  if (taken === null || !Number.isFinite(taken) || taken < 0 || taken > takenMaxMs * 1000) return null
  if (method === 'POST' || /(?:^|&)upload_id=/i.test(query)) return null
  return Math.floor(at - taken / 1000)
}

/** No row of a request is one, whatever a client calls itself: it has an address in it. */
function isHeader(cells: readonly string[]): boolean {
  return cells.includes('time_micros') && cells.every((cell) => /^[a-z][a-z0-9_]*$/.test(cell))
}

/** Whether the object's name is encoded here is not documented; the path decides between the readings. */
function statedIn(object: string | null): { stated?: readonly string[] } {
  if (object === null) return {}
  const decoded = keyOf({ path: `/${object}`, bucket: '', addressing: 'virtual' }).key
  return { stated: decoded === null || decoded === object ? [object] : [object, decoded] }
}

function isVirtual(host: string | null, bucket: string): 'virtual' | undefined {
  return host !== null && (host.startsWith(`${bucket}.`) || host === bucket) ? 'virtual' : undefined
}
