/** The rates at which an engine's grants are found for the lines of a log. */
import { execFileSync } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { s3ServerAccess } from '../packages/server/src/correlation/formats/s3-server-access.ts'
import { ingestFile } from '../packages/server/src/correlation/ingest.ts'
import type { IngestDeps } from '../packages/server/src/correlation/ingest-types.ts'
import { knownBucketsOf } from '../packages/server/src/correlation/known-buckets.ts'
import { createLookups } from '../packages/server/src/correlation/lookups.ts'
import { matchBatch, type PlacedRecord } from '../packages/server/src/correlation/match-batch.ts'
import { parseLog } from '../packages/server/src/correlation/parse-log.ts'
import { readLines } from '../packages/server/src/correlation/read-lines.ts'
import { dayStart } from '../packages/server/src/correlation/testing/s3-log.ts'
import { findLogPlace } from '../packages/server/src/store/log-places.ts'
import type { Store } from '../packages/server/src/store/store.ts'
import { countedIds } from '../packages/server/src/store/store-fixture.ts'
import { bareRateThere, bareSigningRate } from './bare-signing.ts'
import { compare, limitRow, type BenchRow } from './bench.ts'
import { sourceId } from './correlation-data.ts'
import { logsOf, writeLogs, type Log } from './correlation-logs.ts'
import { openDuckdb, type DuckdbMatch } from './duckdb.ts'
import { cores } from './processes.ts'

const linesPerSecond = 150_000
const batchLines = 1000
/** Bytes read at a time: in pieces of 64 KiB, reading the file would be a tenth of the work. */
const highWaterMark = 2 ** 20

interface Rate {
  cpu: number
  wall: number
}

const subjects = ['bare', 'plain', 'matched', 'duckdb', 'sparse', 'whole', 'again'] as const
type Rates = Record<(typeof subjects)[number], Rate[]>

export async function measureCorrelation(
  engine: string,
  store: Store,
  { grants, rounds, warm }: { grants: number; rounds: number; warm?: () => Promise<void> },
): Promise<BenchRow[]> {
  const deps: IngestDeps = { store, clock: () => dayStart + 86_400_000, newId: countedIds(1e9) }
  const found = Object.fromEntries(subjects.map((name): [string, Rate[]] => [name, []])) as Rates
  const pauses: { longestMs: number; oneInHundredMs: number }[] = []
  let residentMiB = 0
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-logs-'))
  await writeLogs(folder, grants, rounds + 1)
  pinToCore()
  const duckdb = openDuckdb(grants)
  for (let round = 0; round <= rounds; round += 1) {
    const { usual, short, sparse } = logsOf(folder, round)
    await warm?.()
    const plain = await bareSigningRate()
    const of: Record<keyof Rates, Rate | undefined> = {
      plain: { cpu: plain, wall: plain },
      bare: await rateOf(() => readOnly(usual)),
      matched: await rateOf(() => parseAndMatch(deps, usual)),
      duckdb: duckdb && (await joinInDuckdb(duckdb, usual)),
      sparse: await rateOf(() => parseAndMatch(deps, sparse)),
      whole: undefined,
      again: undefined,
    }
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    of.whole = await rateOf(() => ingest(deps, short, `file-${round}`))
    delay.disable()
    of.again = await rateOf(() => ingest(deps, short, `again-${round}`))
    residentMiB = Math.max(residentMiB, process.memoryUsage.rss() / 2 ** 20)
    // The first is to warm up.
    if (round === 0) continue
    pauses.push({ longestMs: delay.max / 1e6, oneInHundredMs: delay.percentile(99) / 1e6 })
    for (const name of subjects) if (of[name]) found[name].push(of[name])
  }
  await duckdb?.close()
  rmSync(folder, { recursive: true })
  const row = (name: string, unit: string, values: readonly number[], atMost: number) =>
    limitRow({ name: `${engine}: ${name}`, unit, values, atMost })
  return [
    ...rateRows(`${engine}, ${grants.toLocaleString('en')} grants`, found),
    row('resident memory', 'MiB', [residentMiB], 500),
    row(
      'longest pause of who serves',
      'ms',
      pauses.map(({ longestMs }) => longestMs),
      20,
    ),
    row(
      'one in a hundred pauses',
      'ms',
      pauses.map(({ oneInHundredMs }) => oneInHundredMs),
      20,
    ),
  ]
}

/** All threads of this process, and of what it starts from now on; a database is a process of its own, and goes where it likes. */
function pinToCore(): void {
  if (cores) execFileSync('/usr/bin/taskset', ['-a', '-c', '-p', cores.server, String(process.pid)])
}

function rateRows(name: string, { bare, plain, matched, duckdb, sparse, whole, again }: Rates): BenchRow[] {
  const row = (what: string, rates: readonly Rate[], clock: keyof Rate, atLeast?: number) =>
    limitRow({
      name: `${name}: ${what}`,
      unit: clock === 'cpu' ? 'lines/s of CPU time' : 'lines/s',
      values: rates.map((rate) => rate[clock]),
      ...(atLeast === undefined ? { isPromise: false } : { atLeast }),
    })
  const beside = (what: string, baseline: readonly Rate[], target: number) =>
    compare(
      new Map([
        ['subject', matched.map(({ cpu }) => cpu)],
        ['baseline', baseline.map(({ cpu }) => cpu)],
      ]),
      {
        name: `${name}: parse and match / ${what}`,
        unit: 'lines/s of CPU time',
        target,
        subject: 'subject',
        baseline: 'baseline',
      },
    )
  return [
    row('bare read and split', bare, 'cpu'),
    row('parse and match', matched, 'cpu', linesPerSecond),
    beside('a plain signing loop', plain, Number((linesPerSecond / bareRateThere).toFixed(3))),
    ...(duckdb.length > 0 ? [beside('the same join in DuckDB', duckdb, 0)] : []),
    row('parse and match, by the clock', matched, 'wall'),
    row('parse and match, few of the grants used', sparse, 'cpu'),
    row('parse, match and keep', whole, 'cpu'),
    row('parse, match and keep, by the clock', whole, 'wall'),
    row('known before', again, 'cpu'),
  ]
}

async function joinInDuckdb(duckdb: DuckdbMatch, { file, lines }: Log): Promise<Rate> {
  const { matched, cpuSeconds } = await duckdb.match(file)
  if (matched !== lines) throw new Error(`DuckDB matched ${matched}`)
  return { cpu: lines / cpuSeconds, wall: 0 }
}

async function rateOf(run: () => Promise<number>): Promise<Rate> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  const lines = await run()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (lines / (user + system)) * 1e6, wall: (lines / wallMs) * 1000 }
}

async function readOnly({ file }: Log): Promise<number> {
  let lines = 0
  for await (const pieces of readLines(createReadStream(file, { highWaterMark }), 'lines'))
    lines += pieces.length
  return lines
}

async function parseAndMatch(deps: IngestDeps, { file, lines }: Log): Promise<number> {
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
  if (matched !== lines) throw new Error(`${matched} of ${lines} lines matched`)
  return lines
}

async function ingest(deps: IngestDeps, { file, lines }: Log, name: string): Promise<number> {
  const bytes = createReadStream(file, { highWaterMark })
  const counts = await ingestFile(deps, {
    sourceId,
    fileName: name,
    version: 'v',
    format: s3ServerAccess.name,
    bytes,
  })
  if (counts.findings.matched !== lines) throw new Error(JSON.stringify(counts))
  return lines
}
