/** What it costs to have each event in the hash chain and on the disk before its URL leaves. `node bench/store.ts` */

import { hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AuditEvent } from '@signpost/contract'
import { openSqliteStore } from '../packages/server/src/store/sqlite.ts'
import type { Store } from '../packages/server/src/store/store.ts'
import { compare, measureRounds, printRows, type BenchRow, type RoundOptions, type Variant } from './bench.ts'

const OPTIONS: RoundOptions = { rounds: 5, warmUpMilliseconds: 1500, roundMilliseconds: 1000, clock: 'cpu' }
const SIGNATURE_DIGEST = hash('sha256', 'signature', 'hex')

export async function benchStore(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-bench-store-'))
  const store = await openSqliteStore({
    file: join(folder, 'store.sqlite'),
    newId: idsFrom(0),
    clock: Date.now,
  })
  const bare = new DatabaseSync(join(folder, 'bare.sqlite'))
  try {
    const baseline = bareInserts(bare)
    const variants = [
      commits(store, { events: 1000, atOnce: 4 }, 1),
      commits(store, { events: 500, atOnce: 4 }, 2),
      commits(store, { events: 1, atOnce: 256 }, 3),
      baseline,
    ]
    const byCpu = await measureRounds(variants, OPTIONS)
    const byWall = await measureRounds(variants, { ...OPTIONS, warmUpMilliseconds: 200, clock: 'wall' })
    const row = (subject: string, clock: 'CPU time' | 'wall clock', target: number) =>
      compare(clock === 'CPU time' ? byCpu : byWall, {
        name: `${subject} / ${baseline.name}`,
        unit: `thousand events/s of ${clock}`,
        target,
        subject,
        baseline: baseline.name,
      })
    return variants
      .slice(0, 3)
      .flatMap(({ name }, index) => [
        row(name, 'CPU time', [0.5, 0.5, 0][index]!),
        row(name, 'wall clock', 0),
      ])
  } finally {
    await store.close()
    bare.close()
    await rm(folder, { recursive: true })
  }
}

/** What `commit` does, by callers who wait for it; counted in thousands of events. */
function commits(store: Store, size: { events: number; atOnce: number }, ids: number): Variant {
  const nextId = idsFrom(ids)
  return {
    name: `commit, ${size.events} events a unit, ${size.atOnce} at once`,
    run: async (count) => {
      let units = (count * 1000) / size.events
      const caller = async () => {
        while (units-- > 0) await store.commit({ statements: [], events: eventsOf(nextId, size.events) })
      }
      await Promise.all(Array.from({ length: size.atOnce }, caller))
    },
  }
}

/**
 * What no audit trail on SQLite could do without: the event's JSON and one hash, inserted by a prepared statement with no
 * index but the primary key, a thousand a durable commit, on one thread.
 */
function bareInserts(db: DatabaseSync): Variant {
  db.exec(`pragma page_size = 16384; pragma journal_mode = wal; pragma synchronous = full;
    create table events (seq integer primary key, event text not null, hash text not null)`)
  const insert = db.prepare('insert into events (event, hash) values (?, ?)')
  const nextId = idsFrom(9)
  return {
    name: 'bare inserts of JSON and hash',
    run: (count) => {
      for (let done = 0; done < count; done++) {
        db.exec('begin immediate')
        for (const event of eventsOf(nextId, 1000)) {
          const text = JSON.stringify(event)
          insert.run(text, hash('sha256', text, 'hex'))
        }
        db.exec('commit')
      }
    },
  }
}

/** As the broker writes them for a batch: one caller, one instant, many keys. */
function eventsOf(nextId: () => string, count: number): AuditEvent[] {
  const at = new Date().toISOString()
  return Array.from({ length: count }, () => {
    const id = nextId()
    return {
      id,
      at,
      type: 'url.issue',
      decision: 'allow',
      reason: 'member_read',
      principalId: '01934b3e-0000-7000-8000-000000000001',
      principalKind: 'user',
      username: 'alice',
      apiKeyId: 'k3v9x2m4q8w1',
      address: '203.0.113.7',
      agent: 'signpost-sdk/0.1.0 node/24.0.0',
      requestId: '01934b3e-0000-7000-8000-000000000002',
      team: 'vision',
      connector: 'main',
      bucket: 'training-data',
      key: `vision/datasets/run-7/shard-${hash('sha1', id, 'hex').slice(0, 8)}.parquet`,
      action: 'read',
      method: 'GET',
      grantId: nextId(),
      expiresAt: at,
      limitedBy: 'requested',
      marker: 'alice',
      signatureDigest: SIGNATURE_DIGEST,
    }
  })
}

/** UUIDs in order of time, as the server makes them, no two alike. */
function idsFrom(start: number): () => string {
  let count = 0
  return () => {
    const time = Date.now().toString(16).padStart(12, '0')
    const rest = (++count).toString(16).padStart(11, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${start}00-8000-${rest.padStart(12, '0')}`
  }
}

if (import.meta.main) {
  const rows = await benchStore()
  printRows('Audit events on SQLite', rows)
  for (const { name, unit, subject } of rows) {
    if (unit.endsWith('CPU time'))
      console.log(
        `${name.split(' / ')[0]}: ${(1000 / subject.median).toFixed(2)} microseconds of CPU an event`,
      )
  }
  process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1
}
