/**
 * How long a page of the audit trail takes, by each filter, in a trail of millions. `node bench/audit-scale.ts [--sqlite N]
 * [--postgres N] [--postgres-folder DIR]`: so many events (1 million each unless told; 1.5 to 2 GB on the disk for each
 * million). With a folder, PostgreSQL's data is kept there, and what was filled before is only measured.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { AuditFilter } from '../packages/server/src/store/audit-events.ts'
import { listAuditEvents } from '../packages/server/src/store/list-audit-events.ts'
import { openPostgresStore } from '../packages/server/src/store/postgres.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite.ts'
import type { Store } from '../packages/server/src/store/store.ts'
import { createUuidV7 } from '../packages/server/src/uuid-v7.ts'
import { requireServer } from '../tests/servers/install.ts'
import { startPostgres, type PostgresOptions } from '../tests/servers/postgres.ts'
import { fillPostgres, fillSqlite, sizeOf } from './audit-fill.ts'
import { begin, grantOf, keyOf, keys, teamOf, userOf, yearMs } from './audit-rows.ts'
import { limitRow, printRows, type BenchRow } from './bench.ts'

const millisecondsMax = 300
const pageEvents = 100
const rounds = 15
const dayMs = 86_400_000

const clock = Date.now
const newId = createUuidV7(clock, randomBytes)

export interface Sizes {
  sqlite: number
  postgres: number
  postgresFolder?: string | undefined
}

export async function benchAuditScale(
  { sqlite, postgres, postgresFolder }: Sizes = { sqlite: 1_000_000, postgres: 1_000_000 },
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  if (sqlite > 0) rows.push(...(await onSqlite(sqlite)))
  if (postgres > 0 && requireServer('postgres').skip === false)
    rows.push(...(await onPostgres(postgres, postgresFolder)))
  return rows
}

async function onSqlite(total: number): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-scale-'))
  const file = join(folder, 'store.sqlite')
  const open = () => openSqliteStore({ file, newId, clock })
  try {
    await (await open()).close()
    const begun = performance.now()
    fillSqlite(file, total)
    told(`SQLite: ${total} events`, begun, statSync(file).size)
    const store = await open()
    try {
      return await measure(store, total)
    } finally {
      await store.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** With this `audit-fill.ts` writes no WAL. */
const fillSettings = {
  shared_buffers: '2GB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
}

async function onPostgres(total: number, kept: string | undefined): Promise<BenchRow[]> {
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'signpost-bench-scale-'))
  const filled = join(folder, `filled-${total}`)
  try {
    mkdirSync(folder, { recursive: true })
    if (!existsSync(filled)) {
      await withPostgres({ folder, settings: fillSettings }, async (url, open) => {
        await (await open()).close()
        const begun = performance.now()
        await fillPostgres(url, total)
        told(`PostgreSQL: ${total} events`, begun, await sizeOf(url))
      })
      writeFileSync(filled, '')
    }
    // Started anew: what filling has left in PostgreSQL's own memory is no help.
    return await withPostgres({ folder, settings: { shared_buffers: '1GB' } }, async (_url, open) => {
      const store = await open()
      try {
        return await measure(store, total)
      } finally {
        await store.close()
      }
    })
  } finally {
    if (kept === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

async function withPostgres<T>(
  options: PostgresOptions,
  use: (url: string, open: () => Promise<Store>) => Promise<T>,
): Promise<T> {
  const { url, stop } = await startPostgres(options)
  try {
    return await use(url, () => openPostgresStore({ url, newId, clock }))
  } finally {
    await stop()
  }
}

function told(what: string, begun: number, bytes: number): void {
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(`${what}, ${(bytes / 1e9).toFixed(1)} GB, filled in ${seconds} s`)
}

/**
 * Another user, team, key, ... each time: what the one before has brought into memory is no help. Nor is a run before, on a
 * folder that was kept: each begins elsewhere.
 */
function filtersOf(total: number): Record<string, (round: number) => AuditFilter> {
  const start = randomInt(keys)
  const part = (round: number) => (round + start / keys) / rounds
  const from = (round: number) => begin + Math.floor(part(round) * yearMs)
  const hour = (round: number) => ({ from: from(round), to: from(round) + dayMs / 24 })
  const day = (round: number) => ({ from: from(round), to: from(round) + dayMs })
  const grant = (round: number) => Math.floor((part(round) * total) / 100) * 100 + 1
  const user = (round: number) => userOf(start + round * 331)
  const team = (round: number) => teamOf(start + round * 13)
  const key = (round: number) => keyOf(start + round * 3331)
  return {
    'no filter': () => ({}),
    user: (round) => ({ username: user(round) }),
    team: (round) => ({ team: team(round) }),
    'rare type': () => ({ type: 'user.update' }),
    'type url.issue': () => ({ type: 'url.issue' }),
    deny: () => ({ decision: 'deny' }),
    // Those that have some: of the rest nothing is read.
    'deny of one user': (round) => ({ decision: 'deny', username: userOf((start + round * 331) * 50 + 7) }),
    'rare type of one team': (round) => ({ type: 'user.update', team: teamOf(round * 100) }),
    'an hour': hour,
    'a day of one user': (round) => ({ ...day(round), username: user(round) }),
    'a day of refusals': (round) => ({ ...day(round), decision: 'deny' }),
    key: (round) => ({ key: key(round) }),
    'a day of one key': (round) => ({ ...day(round), key: key(round + rounds) }),
    // None: of these keys all is allowed.
    'refusals of one key': (round) => ({ decision: 'deny', key: keyOf((start + round * 331) * 50 + 9) }),
    // None: each of the key's events is read, and its run, to see who it was.
    'one key of one user': (round) => ({ username: 'nobody', key: key(round + 2 * rounds) }),
    'a key that is nowhere': (round) => ({ key: `none/${start}/${round}` }),
    grant: (round) => ({ grantId: grantOf(grant(round)) }),
  }
}

async function measure(store: Store, total: number): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [name, filterOf] of Object.entries(filtersOf(total))) {
    const values: number[] = []
    let found = 0
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now()
      found += (await listAuditEvents(store.db, filterOf(round), { limit: pageEvents })).length
      values.push(performance.now() - begun)
    }
    const mean = Math.round(found / rounds)
    rows.push(
      limitRow({
        name: `${store.engine}, ${total / 1e6} million: ${name} (${mean} found)`,
        unit: 'ms',
        values,
        atMost: millisecondsMax,
      }),
    )
  }
  return rows
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      sqlite: { type: 'string', default: '1000000' },
      postgres: { type: 'string', default: '1000000' },
      'postgres-folder': { type: 'string' },
    },
  })
  const sizes = {
    sqlite: Number(values.sqlite),
    postgres: Number(values.postgres),
    postgresFolder: values['postgres-folder'],
  }
  printRows('audit-scale', await benchAuditScale(sizes))
}
