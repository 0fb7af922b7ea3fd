/** Fills a database with audit events in bulk: of their shape and size, with hashes that are made up. */
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { keyHash, slotEvents } from '../packages/server/src/store/key-place.ts'

export const chainEvents = 1_000_000
export const users = 5000
export const teams = 200
export const keys = 50_000
export const yearMs = 365 * 86_400_000
/** The first event is from then: ms since the epoch. */
export const begin = Date.parse('2025-11-01T00:00:00Z')
const chunkEvents = 250_000
const slotsInChain = Math.ceil((chainEvents + 1) / slotEvents)

export const userOf = (index: number) => `user-${(index * 7919) % users}`
export const teamOf = (index: number) => `team-${(index * 31) % teams}`
export const keyOf = (index: number) => `runs/${index % keys}/checkpoints/model.safetensors`
export const grantOf = (index: number) => `01990000-0000-7000-8000-${String(index).padStart(12, '0')}`

/** What differs between the two. */
interface Dialect {
  padded(number: string): string
  series(first: number, last: number): string
  hash: string
  iso: string
}

const postgres: Dialect = {
  padded: (number) => `lpad((${number})::text, 12, '0')`,
  series: (first, last) => `select generate_series(${first}::bigint, ${last}::bigint) as i`,
  hash: `md5(i::text) || md5((-i)::text)`,
  iso: `to_char(to_timestamp(at / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
}
const sqlite: Dialect = {
  padded: (number) => `printf('%012d', ${number})`,
  series: (first, last) =>
    `select value as i from (with recursive s (value) as (select ${first} union all select value + 1 from s where value < ${last}) select value from s)`,
  hash: `lower(hex(randomblob(32)))`,
  iso: `strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch')`,
}

/** One row for each event and one for its run: URLs that are asked for one by one, the dearest there is. */
function statements(dialect: Dialect, first: number, last: number, total: number): string[] {
  const { padded, series, hash, iso } = dialect
  const step = Math.floor(yearMs / total)
  const text = (...parts: string[]) => parts.join(' || ')
  const rows = `select i, i / ${chainEvents} as k, i % ${chainEvents} + 1 as seq, ${begin} + i * ${step} as at,
      '01900000-0000-7000-8000-' || ${padded(`i / ${chainEvents}`)} as chain,
      case when i % 100 = 0 then 'user.update' else 'url.issue' end as type,
      case when i % 50 = 7 then 'deny' else 'allow' end as decision,
      '018f0000-0000-7000-8000-' || ${padded(`(i * 7919) % ${users}`)} as principal_id,
      'user-' || ((i * 7919) % ${users}) as username, 'team-' || ((i * 31) % ${teams}) as team,
      'runs/' || (i % ${keys}) || '/checkpoints/model.safetensors' as object_key,
      case when i % 100 = 0 or i % 50 = 7 then null else '01990000-0000-7000-8000-' || ${padded('i')} end as grant_id
    from (${series(first, last)}) as numbers`
  const event = text(
    `'{"id":"01980000-0000-7000-8000-'`,
    padded('i'),
    `'","at":"'`,
    iso,
    `'","type":"'`,
    'type',
    `'","decision":"'`,
    'decision',
    `'","reason":"member_read","principalId":"'`,
    'principal_id',
    `'","principalKind":"user","username":"'`,
    'username',
    `'","apiKeyId":"abcdefghijkl","address":"192.0.2.17","agent":"signpost-python/0.1.0","requestId":"018a0000-0000-7000-8000-000000000000","team":"'`,
    'team',
    `'","connector":"main","bucket":"team-bucket","key":"'`,
    'object_key',
    `'","action":"read","method":"GET","grantId":"'`,
    `coalesce(grant_id, '')`,
    `'","expiresAt":"2026-01-01T00:00:00.000Z","limitedBy":"requested","marker":"someone","signer":"AKIAEXAMPLE","signatureDigest":"0000000000000000000000000000000000000000000000000000000000000000"}'`,
  )
  return [
    `insert into audit_runs (chain, first_seq, last_seq, at, type, decision, principal_id, username, team)
      select chain, seq, seq, at, type, decision, principal_id, username, team from (${rows}) as r`,
    `insert into audit_events (chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash)
      select r.chain, r.seq, r.seq, r.at, r.object_key,
        (r.k * ${slotsInChain} + r.seq / ${slotEvents}) * 4294967296 + h.hash, r.grant_id, ${event}, ${hash}
      from (${rows}) as r join bench_keys as h on h.id = r.i % ${keys}`,
  ]
}

function chainStatement(dialect: Dialect, total: number): string {
  const chains = Math.ceil(total / chainEvents)
  const head = `case when i = ${chains - 1} then ${total - (chains - 1) * chainEvents} else ${chainEvents} end`
  return `insert into audit_chains (chain, opened_at, head_seq, head_hash, anchored_seq, first_slot)
    select '01900000-0000-7000-8000-' || ${dialect.padded('i')}, ${begin} + i, ${head}, '0', 0, i * ${slotsInChain}
    from (${dialect.series(0, chains - 1)}) as numbers`
}

/** The database is there and migrated, and nobody has it open. */
export function fillSqlite(file: string, total: number): void {
  const db = new DatabaseSync(file)
  // Users and teams come in any order: without much memory each event reads and writes pages of their indexes.
  db.exec(`pragma synchronous = off; pragma journal_mode = off; pragma cache_size = -4000000;
    create temp table bench_keys (id integer primary key, hash integer)`)
  const insert = db.prepare('insert into bench_keys values (?, ?)')
  db.exec('begin')
  for (let id = 0; id < keys; id++) insert.run(id, keyHash(keyOf(id)))
  db.exec(`${chainStatement(sqlite, total)}; commit`)
  for (let first = 0; first < total; first += chunkEvents) {
    const all = statements(sqlite, first, Math.min(total, first + chunkEvents) - 1, total)
    db.exec(`begin; ${all.join(';')}; commit`)
  }
  db.exec('analyze; pragma journal_mode = wal')
  db.close()
}

export async function fillPostgres(url: string, total: number): Promise<{ bytes: number }> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('set synchronous_commit = off; create temp table bench_keys (id bigint, hash bigint)')
    const hashes = Array.from({ length: keys }, (_, id) => keyHash(keyOf(id)))
    await client.query(
      'insert into bench_keys select n - 1, h from unnest($1::bigint[]) with ordinality as u (h, n)',
      [hashes],
    )
    await client.query('analyze bench_keys')
    await client.query(chainStatement(postgres, total))
    const { rows: indexes } = await client.query<{ name: string; made: string }>(
      `select indexname as name, indexdef as made from pg_indexes
        where tablename in ('audit_runs', 'audit_events') and indexname not like '%_pkey'`,
    )
    for (const { name } of indexes) await client.query(`drop index ${name}`)
    for (let first = 0; first < total; first += chunkEvents)
      for (const text of statements(postgres, first, Math.min(total, first + chunkEvents) - 1, total))
        await client.query(text)
    // One sort for an index, instead of a page here and there for each event.
    await client.query(`set maintenance_work_mem = '1GB'`)
    for (const { made } of indexes) await client.query(made)
    await client.query('vacuum analyze')
    const { rows } = await client.query<{ bytes: string }>(
      'select pg_database_size(current_database()) as bytes',
    )
    return { bytes: Number(rows[0]!.bytes) }
  } finally {
    await client.end()
  }
}
