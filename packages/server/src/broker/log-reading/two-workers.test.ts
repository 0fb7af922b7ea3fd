/** Several servers share the work on one PostgreSQL; one of them is killed in the middle of a file. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../../tests/servers/postgres.ts'
import { bucketName, issuedEvent, s3Line, signerName } from '../../correlation/testing/s3-log.ts'
import { insertConnector } from '../../store/connectors.ts'
import { countLogFiles } from '../../store/log-files.ts'
import { findLogSource, insertLogSource } from '../../store/log-sources.ts'
import { openPostgresStore } from '../../store/postgres.ts'
import { connectorRow, countedIds } from '../../store/store-fixture.ts'

const files = 3
const linesInFile = 4000

test(
  'every line is told once, also when one of two workers is killed',
  requireServer('postgres'),
  async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const url = await postgres.createDatabase()
    const store = await openPostgresStore({ url, clock: Date.now, newId: countedIds() })
    t.after(() => store.close())
    const folder = await mkdtemp(join(tmpdir(), 'signpost-workers-'))
    t.after(() => rm(folder, { recursive: true }))
    mkdirSync(join(folder, 'logs'))
    for (let file = 0; file < files; file += 1) {
      const lines = Array.from({ length: linesInFile }, (_, index) =>
        s3Line(issuedEvent(file * linesInFile + index), { requestId: `R${file}-${index}` }),
      )
      writeFileSync(join(folder, 'logs', `${file}.log`), `${lines.join('\n')}\n`)
    }
    const credential = { type: 'static', accessKeyId: signerName }
    const settings = JSON.stringify({ kind: 's3', bucket: bucketName, credential })
    const source = {
      id: 'source-1',
      name: 'logs',
      connector_id: null,
      format: 's3-server-access',
      settings: JSON.stringify({ kind: 'folder', path: 'logs' }),
      progress: '',
      created_at: 1,
    }
    await store.commit({
      statements: [
        insertConnector(store.db, connectorRow('main', { settings })),
        insertLogSource(store.db, source),
      ],
      events: [],
    })
    const start = (owner: string, aheadMs: number, ...linesMax: string[]) =>
      // Not with the options of this process: it runs tests.
      fork(
        new URL('testing/worker.ts', import.meta.url),
        [url, folder, owner, String(aheadMs), ...linesMax],
        {
          execArgv: [],
        },
      )
    const recordsOf = async () => {
      const { count } = await store.db
        .selectFrom('access_log_records')
        .select((eb) => eb.fn.countAll<number | string>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(count)
    }

    const killed = start('killed', 0, String(linesInFile / 2))
    const gone = once(killed, 'exit')
    while ((await recordsOf()) === 0) await sleep(5)
    killed.kill('SIGKILL')
    await gone
    const kept = await recordsOf()
    assert.ok(kept < files * linesInFile, 'it was killed before it was done')
    const held = await store.db.selectFrom('log_files').selectAll().where('state', '=', 'reading').execute()
    assert.equal(held.length, 1)

    // Ahead of the lease that the dead one holds.
    const others = [start('one', 90_000), start('other', 90_000)]
    const codes = await Promise.all(others.map(async (worker) => (await once(worker, 'exit'))[0] as number))
    assert.deepEqual(codes, [0, 0])
    assert.equal(await recordsOf(), files * linesInFile)
    const row = await findLogSource(store.db, 'logs')
    assert.deepEqual([row?.lines, row?.records, row?.unparsed], [files * linesInFile, files * linesInFile, 0])
    assert.equal((await countLogFiles(store.db)).get('source-1'), undefined)
    const done = await store.db.selectFrom('log_files').selectAll().execute()
    assert.deepEqual([...new Set(done.map(({ state }) => state))], ['done'])
    assert.equal(done.length, files)
  },
)
