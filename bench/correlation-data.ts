/** Many grants, written by the database itself: as many of the broker's own would take the better part of an hour. */
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { bucketName, dayStart, signerName } from '../packages/server/src/correlation/testing/s3-log.ts'
import { insertConnector } from '../packages/server/src/store/connectors.ts'
import { statementOf } from '../packages/server/src/store/statement.ts'
import { connectorRow } from '../packages/server/src/store/store-fixture.ts'
import type { Store } from '../packages/server/src/store/store.ts'

export const sourceId = 'bench-logs'
const slotEvents = 32_768
const hash = 'a'.repeat(64)

/** As `issuedEvent` of the tests has it; `at` and `expires` are SQL. */
function eventSql(
  text: (parts: readonly string[]) => string,
  at: string,
  expires: string,
  id: string,
): string {
  const quoted = (json: string) => `'${json}'`
  return text([
    quoted('{"id":"event-'),
    'i',
    quoted('","at":"'),
    at,
    quoted('","type":"url.issue","decision":"allow","reason":"team_viewer","principalId":"id-user-'),
    '(i % 10)',
    quoted('","principalKind":"user","username":"user-'),
    '(i % 10)',
    quoted('","apiKeyId":"key-user-'),
    '(i % 10)',
    quoted(
      '","address":"192.0.2.1","agent":"signpost-sdk/0.1.0 node/24.0.0","requestId":"01934b3e-0000-7000-8000-000000000002","team":"vision","connector":"main","bucket":"team-data","key":"vision/run-',
    ),
    'i',
    quoted('/model.bin","action":"read","method":"GET","grantId":"'),
    id,
    quoted('","expiresAt":"'),
    expires,
    quoted('","limitedBy":"policy","marker":"user-'),
    '(i % 10)',
    quoted(`","signer":"${signerName}","signatureDigest":"${hash}"}`),
  ])
}

/** Connector, source and chain; the events follow. */
export async function prepare(store: Store, grants: number): Promise<void> {
  const { db } = store
  const credential = { type: 'static', accessKeyId: signerName }
  const settings = JSON.stringify({ kind: 's3', bucket: bucketName, credential })
  const row = { name: 'logs', connector_id: null, format: 's3-server-access', settings: '{}', progress: '' }
  const chain = { chain: 'bench', opened_at: dayStart, head_seq: grants, head_hash: hash, anchored_seq: 0 }
  await store.commit({
    statements: [
      insertConnector(db, connectorRow('main', { settings })),
      statementOf(db.insertInto('log_sources').values({ id: sourceId, created_at: 1, ...row })),
      statementOf(db.insertInto('audit_chains').values({ ...chain, first_slot: 1000 })),
    ],
    events: [],
  })
}

/** A hash of keys that no hash of ours is: these events are looked up by their grants' ids. */
const place = `(1000 + (i + 1) / ${slotEvents}) * 4294967296 + (i * 2654435761) % 4294967296`
const columns = 'chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash'

export function fillSqlite(file: string, grants: number): void {
  const db = new DatabaseSync(file)
  db.exec('pragma synchronous = off; pragma cache_size = -400000')
  const at = `${dayStart} + i * 10`
  const iso = (ms: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', (${ms}) / 1000.0, 'unixepoch')`
  const id = `printf('0193569c-0000-7000-8000-%012d', i)`
  const expires = iso(`(${at}) / 1000 * 1000 + 3600000`)
  const event = eventSql((parts) => parts.join(' || '), iso(at), expires, id)
  db.exec('begin')
  db.exec(`with recursive n (i) as (select 0 union all select i + 1 from n where i < ${grants - 1})
    insert into audit_events (${columns}) select 'bench', i + 1, i / 1000 * 1000 + 1, ${at},
      'vision/run-' || i || '/model.bin', ${place}, ${id}, ${event}, '${hash}' from n`)
  db.exec(`with recursive n (i) as (select 0 union all select i + 1000 from n where i < ${grants - 1000})
    insert into audit_runs (chain, first_seq, last_seq, at, type, decision)
    select 'bench', i + 1, i + 1000, ${at}, 'url.issue', 'allow' from n`)
  db.exec('commit; pragma wal_checkpoint(truncate)')
  db.close()
}

export async function fillPostgres(url: string, grants: number): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const at = `${dayStart} + i * 10`
  const iso = (ms: string) =>
    `to_char(to_timestamp((${ms}) / 1000.0) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  const id = `'0193569c-0000-7000-8000-' || lpad(i::text, 12, '0')`
  const event = eventSql(
    (parts) => `concat(${parts.join(', ')})`,
    iso(at),
    iso(`(${at}) / 1000 * 1000 + 3600000`),
    id,
  )
  await client.query(`insert into audit_events (${columns})
    select 'bench', i + 1, i / 1000 * 1000 + 1, ${at}, 'vision/run-' || i || '/model.bin', ${place}, ${id}, ${event}, '${hash}'
    from generate_series(0::bigint, ${grants - 1}) as n (i)`)
  await client.query(`insert into audit_runs (chain, first_seq, last_seq, at, type, decision)
    select 'bench', i + 1, i + 1000, ${at}, 'url.issue', 'allow' from generate_series(0::bigint, ${grants - 1000}, 1000) as n (i)`)
  await client.query('analyze')
  await client.end()
}
