/**
 * Lines of S3's access log put beside the grants of their URLs. `node bench/correlation.ts`; BENCH_GRANTS says among how many
 * (1,000,000 unless told).
 */
import { execFile } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { dayStart } from '../packages/server/src/correlation/testing/s3-log.ts'
import { openPostgresStore } from '../packages/server/src/store/postgres.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite.ts'
import { countedIds } from '../packages/server/src/store/store-fixture.ts'
import { requireServer } from '../tests/servers/install.ts'
import { startPostgres } from '../tests/servers/postgres.ts'
import { printRows, type BenchRow } from './bench.ts'
import { fillPostgres, fillSqlite, prepare } from './correlation-data.ts'
import { measureCorrelation } from './correlation-rates.ts'

const grants = Number(process.env['BENCH_GRANTS'] ?? 1_000_000)
const rounds = 4

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
      return await measureCorrelation('SQLite', store, { grants, rounds, warm: () => readWhole(file) })
    } finally {
      await store.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * What a server wrote in the last hours is in the system's memory when the logs of it come. After filling gigabytes at once
 * it is not, and reading from the disk would be measured.
 * PostgreSQL reads in processes of its own, whose work is not counted.
 */
async function readWhole(file: string): Promise<void> {
  for await (const _ of createReadStream(file, { highWaterMark: 2 ** 22 }));
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
      return await measureCorrelation('PostgreSQL', store, { grants, rounds })
    } finally {
      await store.close()
    }
  } finally {
    await server.stop()
  }
}

if (import.meta.main) {
  // As the server has it (`main.ts`).
  setFlagsFromString('--no-allocation-site-pretenuring')
  const [, , what, file = ''] = process.argv
  if (what === undefined) await benchCorrelation()
  else if (what === 'fill') fillSqlite(file, grants)
  else process.stdout.write(JSON.stringify(await (what === 'sqlite' ? onSqlite() : onPostgres())))
}
