/**
 * How long a page of the audit trail takes, by each filter, in a trail of millions. `node bench/audit-scale.ts [--sqlite N]
 * [--postgres N]`: so many events (1 million each unless told; 1.5 to 2 GB on the disk for each million).
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
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
import { startPostgres } from '../tests/servers/postgres.ts'
import {
  begin,
  fillPostgres,
  fillSqlite,
  grantOf,
  keyOf,
  keys,
  teamOf,
  teams,
  userOf,
  users,
  yearMs,
} from './audit-fill.ts'
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
}

export async function benchAuditScale(
  { sqlite, postgres }: Sizes = { sqlite: 1_000_000, postgres: 1_000_000 },
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  if (sqlite > 0) rows.push(...(await onSqlite(sqlite)))
  if (postgres > 0 && requireServer('postgres').skip === false) rows.push(...(await onPostgres(postgres)))
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

async function onPostgres(total: number): Promise<BenchRow[]> {
  const server = await startPostgres({ settings: { shared_buffers: '1GB', max_wal_size: '4GB' } })
  try {
    const url = await server.createDatabase()
    const open = () => openPostgresStore({ url, newId, clock, readConnectionsMax: 2 })
    await (await open()).close()
    const begun = performance.now()
    const { bytes } = await fillPostgres(url, total)
    told(`PostgreSQL: ${total} events`, begun, bytes)
    const store = await open()
    try {
      return await measure(store, total)
    } finally {
      await store.close()
    }
  } finally {
    await server.stop()
  }
}

function told(what: string, begun: number, bytes: number): void {
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(`${what}, ${(bytes / 1e9).toFixed(1)} GB, filled in ${seconds} s`)
}

/** Another user, team, key, ... each time: what the one before has brought into memory is no help. */
function filtersOf(total: number): Record<string, (round: number) => AuditFilter> {
  const at = (round: number) => begin + Math.floor(((round + 0.5) / rounds) * yearMs)
  const some = (round: number) => Math.floor(((round + 0.5) / rounds) * total)
  return {
    'no filter': () => ({}),
    user: (round) => ({ username: userOf(round * 331 + (users % 7)) }),
    team: (round) => ({ team: teamOf(round * 13 + (teams % 7)) }),
    'rare type': () => ({ type: 'user.update' }),
    'type url.issue': () => ({ type: 'url.issue' }),
    deny: () => ({ decision: 'deny' }),
    'deny of one user': (round) => ({ decision: 'deny', username: userOf(round * 331 + 1) }),
    'rare type of one team': (round) => ({ type: 'user.update', team: teamOf(round * 13 + 1) }),
    'an hour': (round) => ({ from: at(round), to: at(round) + dayMs / 24 }),
    'a day of one user': (round) => ({
      from: at(round),
      to: at(round) + dayMs,
      username: userOf(round * 331 + 2),
    }),
    'a day of refusals': (round) => ({ from: at(round), to: at(round) + dayMs, decision: 'deny' }),
    key: (round) => ({ key: keyOf((round * 3331 + 3) % keys) }),
    grant: (round) => ({ grantId: grantOf(some(round) - (some(round) % 100) + 1) }),
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
    },
  })
  printRows(
    'audit-scale',
    await benchAuditScale({ sqlite: Number(values.sqlite), postgres: Number(values.postgres) }),
  )
}
