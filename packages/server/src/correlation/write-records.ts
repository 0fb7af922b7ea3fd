/** Gathers what was parsed until it is worth a question, and writes what came of it. */
import { setImmediate } from 'node:timers/promises'
import { searchable } from '../store/audit-columns.ts'
import { accessDigest, accessKeyPlace } from '../store/access-log-records.ts'
import { findAccesses, insertAccesses, placeName, type NewAccess } from '../store/access-log-writes.ts'
import { insertUnparsedLines, type UnparsedLine } from '../store/log-file-rows.ts'
import type { AccessLogRecord, ParsedLine } from './access-log-record.ts'
import { bytesMoved } from './bytes-moved.ts'
import { addOne, countsOf, type Counter } from './file-counts.ts'
import type { IngestDeps, IngestedFile } from './ingest-types.ts'
import type { BucketPlace, KnownBuckets } from './known-buckets.ts'
import type { Lookups } from './lookups.ts'
import { matchBatch, type PlacedRecord } from './match-batch.ts'
import { redact } from './redact.ts'
import type { Verdict } from './verdict.ts'

const batchSize = 1000
/** Kept of a file; all are counted. */
const unparsedMax = 10_000
const unparsedCharactersMax = 2000

export interface RecordWriter {
  add(parsed: readonly ParsedLine[]): Promise<void>
  end(): Promise<void>
}

export interface WriterInput {
  fileId: number
  /** Unparsed lines up to this one were taken away before: they are not kept again. */
  dismissedThrough: number
  counter: Counter
  buckets: KnownBuckets
  lookups: Lookups
  progress?: IngestedFile['progress']
}

interface Waiting extends PlacedRecord {
  digest: number
}

export function createRecordWriter(deps: IngestDeps, input: WriterInput): RecordWriter {
  const { counter, buckets, dismissedThrough } = input
  let waiting: Waiting[] = []
  let lines: UnparsedLine[] = []
  const take = (parsed: ParsedLine) => {
    counter.lines += 1
    if (parsed.outcome === 'skipped') counter.skipped += 1
    else if (parsed.outcome === 'unparsed') {
      counter.unparsed += 1
      addOne(counter.unparsedReasons, parsed.reason)
      if (counter.unparsed <= unparsedMax && counter.lines > dismissedThrough)
        lines.push(keptLine(counter.lines, parsed))
    } else {
      const { record } = parsed
      const place = buckets.of(record)
      if (place?.isFormer) counter.former += 1
      if (place === undefined) counter.elsewhere += 1
      else waiting.push({ record, place, digest: accessDigest(place.location, record.identity) })
    }
  }
  const flush = async () => {
    const [batch, unread] = [waiting, lines]
    waiting = []
    lines = []
    await writeBatch(deps, input, batch, unread)
    await input.progress?.(countsOf(counter))
  }
  return {
    async add(parsed) {
      for (const one of parsed) {
        take(one)
        if (waiting.length >= batchSize || lines.length >= batchSize) await flush()
      }
      await setImmediate()
    },
    async end() {
      if (waiting.length > 0 || lines.length > 0) await flush()
    },
  }
}

/** Signatures are cut out; what PostgreSQL cannot hold is replaced. */
function keptLine(line: number, { reason, text = '' }: { reason: string; text?: string }): UnparsedLine {
  const kept = redact(text).slice(0, unparsedCharactersMax)
  return { line, reason, text: searchable(kept) ?? '' }
}

async function writeBatch(
  deps: IngestDeps,
  { fileId, counter, lookups }: WriterInput,
  batch: readonly Waiting[],
  unread: readonly UnparsedLine[],
): Promise<void> {
  const { db, engine } = deps.store
  const known = await findAccesses(db, engine, batch.map(placeOf))
  const fresh = new Map<string, Waiting>()
  for (const one of batch) {
    noteTime(counter, one.record)
    const name = placeName(placeOf(one))
    const finding = known.get(name)
    if (finding === undefined && !fresh.has(name)) fresh.set(name, one)
    else counter.known += 1
    if (finding !== undefined) addOne(counter.findings, finding)
  }
  // In one order, whatever that of the lines: replicas that read the same at once wait for each other, and not in a circle.
  const news = [...fresh.values()].toSorted(
    (one, other) => one.record.at - other.record.at || one.digest - other.digest,
  )
  const isOwnAgent = deps.isOwnAgent ?? (() => false)
  const verdicts = await matchBatch(news, lookups, isOwnAgent)
  for (const { finding } of verdicts) addOne(counter.findings, finding)
  const rows = news.map((one, index) => rowOf(one, verdicts[index]!, fileId))
  const statements = [
    ...insertAccesses(engine, rows),
    ...(unread.length > 0 ? [insertUnparsedLines(db, engine, fileId, unread)] : []),
  ]
  if (statements.length > 0) await deps.store.commit({ statements, events: [] })
}

function placeOf({ record, digest }: Waiting): { at: number; digest: number } {
  return { at: record.at, digest }
}

function noteTime(counter: Counter, { at }: AccessLogRecord): void {
  counter.records += 1
  if (at < counter.firstAt) counter.firstAt = at
  if (at > counter.lastAt) counter.lastAt = at
}

function rowOf({ record, place, digest }: Waiting, verdict: Verdict, fileId: number): NewAccess {
  const key = searchableOrNull(record.key)
  return {
    at: record.at,
    digest,
    file_id: fileId,
    connector_id: connectorOf(place, verdict),
    finding: verdict.finding,
    principal_id: verdict.principalId,
    username: searchableOrNull(verdict.username),
    team: verdict.team,
    grant_id: verdict.grantId,
    object_key: key,
    key_place: accessKeyPlace(record.at, key),
    address: record.address,
    bytes: bytesMoved(record),
    evidence: JSON.stringify(verdict.evidence),
  }
}

/** Of several connectors to one bucket, that of the URL. */
function connectorOf(place: BucketPlace, { connector }: Verdict): string {
  if (connector === null) return place.connectorId
  return place.ids.get(connector) ?? place.formerIds.get(connector) ?? place.connectorId
}

function searchableOrNull(text: string | null): string | null {
  return text === null ? null : searchable(text)
}
