import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import { insertConnector } from '../store/connectors.ts'
import { openPostgresStore } from '../store/postgres.ts'
import { statementOf } from '../store/statement.ts'
import { connectorRow, countedIds } from '../store/store-fixture.ts'
import { ingestFile } from './ingest.ts'
import { fileOf, issuedEvents, sourceId } from './testing/log-store.ts'
import { bucketName, dayStart, s3Line, signerName } from './testing/s3-log.ts'

const lineCount = 8000
const clock = () => dayStart

test(
  'two replicas that read the same lines in contrary orders do not stop each other',
  requireServer('postgres'),
  async (t) => {
    const server = await startPostgres()
    t.after(() => server.stop())
    const url = await server.createDatabase()
    const open = async (from: number) => {
      const newId = countedIds(from)
      const store = await openPostgresStore({ url, newId, clock, readConnectionsMax: 2 })
      t.after(() => store.close())
      return { store, clock, newId }
    }
    const [one, other] = [await open(1_000_000), await open(2_000_000)]
    const { db } = one.store
    const credential = { type: 'static', accessKeyId: signerName }
    const settings = JSON.stringify({ kind: 's3', bucket: bucketName, credential })
    const row = {
      name: 'logs',
      connector_id: null,
      format: 's3-server-access',
      settings: '{}',
      progress: '{}',
    }
    const source = statementOf(db.insertInto('log_sources').values({ id: sourceId, created_at: 1, ...row }))
    await one.store.commit({
      statements: [insertConnector(db, connectorRow('main', { settings })), source],
      events: [],
    })
    const lines = issuedEvents(lineCount).map((event) => s3Line(event))
    // The same thousands, each from its end.
    const contrary = lines.map((_, index) => lines[index - (index % 1000) + 999 - (index % 1000)]!)
    const counts = await Promise.all([
      ingestFile(one, fileOf('one', lines.join('\n'))),
      ingestFile(other, fileOf('other', contrary.join('\n'))),
    ])
    assert.deepEqual(
      counts.map(({ records }) => records),
      [lineCount, lineCount],
    )
    const { told } = await db
      .selectFrom('access_log_records')
      .select(({ fn }) => fn.countAll().as('told'))
      .executeTakeFirstOrThrow()
    assert.equal(Number(told), lineCount)
  },
)
