/**
 * Lines of S3's access log put beside the grants of their URLs. `node bench/correlation.ts`; BENCH_GRANTS says among how many
 * (1,000,000 unless told).
 */
import { execFile } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { s3ServerAccess } from '../packages/server/src/correlation/formats/s3-server-access.ts'
import { ingestFile } from '../packages/server/src/correlation/ingest.ts'
import type { IngestDeps } from '../packages/server/src/correlation/ingest-types.ts'
import { knownBucketsOf } from '../packages/server/src/correlation/known-buckets.ts'
import { createLookups } from '../packages/server/src/correlation/lookups.ts'
import { matchBatch, type PlacedRecord } from '../packages/server/src/correlation/match-batch.ts'
import { parseLog } from '../packages/server/src/correlation/parse-log.ts'
import { readLines } from '../packages/server/src/correlation/read-lines.ts'
import { dayStart, issuedEvent, s3Line } from '../packages/server/src/correlation/testing/s3-log.ts'
import { findLogPlace } from '../packages/server/src/store/log-places.ts'
import { openPostgresStore } from '../packages/server/src/store/postgres.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite.ts'
import type { Store } from '../packages/server/src/store/store.ts'
import { countedIds } from '../packages/server/src/store/store-fixture.ts'
import { requireServer } from '../tests/servers/install.ts'
import { startPostgres } from '../tests/servers/postgres.ts'
import { compare, limitRow, printRows, type BenchRow } from './bench.ts'
import { fillPostgres, fillSqlite, prepare, sourceId } from './correlation-data.ts'
import { openDuckdb } from './duckdb.ts'

const grants = Number(process.env['BENCH_GRANTS'] ?? 1_000_000)
const linesInFile = 50_000
const rounds = 3
const linesPerSecond = 150_000
const batchLines = 1000
/** Bytes read at a time: in pieces of 64 KiB, reading the file would be a tenth of the work. */
const highWaterMark = 2 ** 20

/** Each engine in a process of its own, so that its memory is its own too. */
export async function benchCorrelation(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const engine of ['sqlite', 'postgres']) {
    if (engine === 'postgres' && requireServer('postgres').skip !== false) continue
    const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, engine])
    const found = JSON.parse(stdout) as BenchRow[]
    printRows(engine, found)
    rows.push(...found)
  }
  return rows
}

async function onSqlite(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-'))
  const file = join(folder, 'db')
  const newId = countedIds()
  const open = () => openSqliteStore({ file, newId, clock: () => dayStart })
  try {
    const first = await open()
    await prepare(first, grants)
    await first.close()
    // In a process of its own: what its cache takes is none of ours.
    await promisify(execFile)(process.execPath, [import.meta.filename, 'fill', file])
    const store = await open()
    try {
      return await measure('SQLite', store)
    } finally {
      await store.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function onPostgres(): Promise<BenchRow[]> {
  const server = await startPostgres()
  try {
    const url = await server.createDatabase()
    const newId = countedIds()
    const store = await openPostgresStore({ url, newId, clock: () => dayStart, readConnectionsMax: 4 })
    try {
      await prepare(store, grants)
      await fillPostgres(url, grants)
      return await measure('PostgreSQL', store)
    } finally {
      await store.close()
    }
  } finally {
    await server.stop()
  }
}

interface Rate {
  cpu: number
  wall: number
}

async function measure(engine: string, store: Store): Promise<BenchRow[]> {
  const deps: IngestDeps = { store, clock: () => dayStart + 86_400_000, newId: countedIds(1e9) }
  const found: Record<'bare' | 'matched' | 'duckdb' | 'whole' | 'again', Rate[]> = {
    bare: [],
    matched: [],
    duckdb: [],
    whole: [],
    again: [],
  }
  const pausesMs: number[] = []
  const usualMs: number[] = []
  let residentMiB = 0
  const duckdb = openDuckdb(grants)
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-logs-'))
  for (let round = 0; round <= rounds; round += 1) {
    const file = join(folder, `${round}.log`)
    await writeFile(file, logLines(round))
    const bare = await rateOf(() => readOnly(file))
    const matched = await rateOf(() => parseAndMatch(deps, file))
    const joined = await duckdb?.match(file)
    if (joined && joined.matched !== linesInFile) throw new Error(`DuckDB matched ${joined.matched}`)
    const pauses = monitorEventLoopDelay({ resolution: 1 })
    pauses.enable()
    const whole = await rateOf(() => ingest(deps, file, `file-${round}`))
    pauses.disable()
    const again = await rateOf(() => ingest(deps, file, `again-${round}`))
    residentMiB = Math.max(residentMiB, process.memoryUsage.rss() / 2 ** 20)
    // The first is to warm up.
    if (round === 0) continue
    pausesMs.push(pauses.max / 1e6)
    usualMs.push(pauses.percentile(99) / 1e6)
    for (const [name, rate] of Object.entries({ bare, matched, whole, again }))
      found[name as keyof typeof found].push(rate)
    if (joined) found.duckdb.push({ cpu: linesInFile / joined.cpuSeconds, wall: 0 })
  }
  await duckdb?.close()
  rmSync(folder, { recursive: true })
  const row = (name: string, rates: readonly Rate[], clock: keyof Rate, atLeast?: number) =>
    limitRow({
      name: `${engine}, ${grants.toLocaleString('en')} grants: ${name}`,
      unit: clock === 'cpu' ? 'lines/s of CPU time' : 'lines/s',
      values: rates.map((rate) => rate[clock]),
      ...(atLeast === undefined ? { isPromise: false } : { atLeast }),
    })
  return [
    row('bare read and split', found.bare, 'cpu'),
    row('parse and match', found.matched, 'cpu', linesPerSecond),
    ...(duckdb ? [besideDuckdb(engine, found.matched, found.duckdb)] : []),
    row('parse and match, by the clock', found.matched, 'wall'),
    row('parse, match and keep', found.whole, 'cpu'),
    row('parse, match and keep, by the clock', found.whole, 'wall'),
    row('known before', found.again, 'cpu'),
    limitRow({ name: `${engine}: resident memory`, unit: 'MiB', values: [residentMiB], atMost: 500 }),
    limitRow({ name: `${engine}: longest pause of who serves`, unit: 'ms', values: pausesMs, atMost: 20 }),
    limitRow({ name: `${engine}: one in a hundred pauses`, unit: 'ms', values: usualMs, atMost: 20 }),
  ]
}

function besideDuckdb(engine: string, matched: readonly Rate[], duckdb: readonly Rate[]): BenchRow {
  const rates = new Map([
    ['subject', matched.map(({ cpu }) => cpu)],
    ['baseline', duckdb.map(({ cpu }) => cpu)],
  ])
  const name = `${engine}, ${grants.toLocaleString('en')} grants: parse and match / the same join in DuckDB`
  return compare(rates, {
    name,
    unit: 'lines/s of CPU time',
    target: 0,
    subject: 'subject',
    baseline: 'baseline',
  })
}

async function rateOf(run: () => Promise<number>): Promise<Rate> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  const lines = await run()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (lines / (user + system)) * 1e6, wall: (lines / wallMs) * 1000 }
}

/** Each file tells of the next hours, as logs do: uses of grants of that time, in the order of time. */
function* logLines(round: number): Generator<string> {
  let state = 12_345 + round
  const span = grants / (rounds + 1)
  for (let index = 0; index < linesInFile; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const place = round + (index + state / 2 ** 32) / linesInFile
    yield `${s3Line(issuedEvent(Math.floor(place * span)), { requestId: `R${round}X${index}` })}\n`
  }
}

async function readOnly(file: string): Promise<number> {
  let lines = 0
  for await (const pieces of readLines(createReadStream(file, { highWaterMark }), 'lines'))
    lines += pieces.length
  return lines
}

async function parseAndMatch(deps: IngestDeps, file: string): Promise<number> {
  const { connectors } = await findLogPlace(deps.store.db, sourceId)
  const buckets = knownBucketsOf(connectors, null)
  const lookups = createLookups(deps)
  let waiting: PlacedRecord[] = []
  let matched = 0
  const flush = async () => {
    const verdicts = await matchBatch(waiting, lookups, () => false)
    matched += verdicts.filter(({ finding }) => finding === 'matched').length
    waiting = []
  }
  for await (const parsed of parseLog(s3ServerAccess, createReadStream(file, { highWaterMark }))) {
    for (const one of parsed) {
      if (one.outcome !== 'record') throw new Error('a line was not read')
      waiting.push({ record: one.record, place: buckets.of(one.record)! })
      if (waiting.length === batchLines) await flush()
    }
  }
  await flush()
  if (matched !== linesInFile) throw new Error(`${matched} of ${linesInFile} lines matched`)
  return linesInFile
}

async function ingest(deps: IngestDeps, file: string, name: string): Promise<number> {
  const bytes = createReadStream(file, { highWaterMark })
  const counts = await ingestFile(deps, {
    sourceId,
    fileName: name,
    version: 'v',
    format: s3ServerAccess.name,
    bytes,
  })
  if (counts.findings.matched !== linesInFile) throw new Error(JSON.stringify(counts))
  return linesInFile
}

if (import.meta.main) {
  // As the server has it (`main.ts`).
  setFlagsFromString('--no-allocation-site-pretenuring')
  const [, , what, file = ''] = process.argv
  if (what === undefined) await benchCorrelation()
  else if (what === 'fill') fillSqlite(file, grants)
  else process.stdout.write(JSON.stringify(await (what === 'sqlite' ? onSqlite() : onPostgres())))
}
