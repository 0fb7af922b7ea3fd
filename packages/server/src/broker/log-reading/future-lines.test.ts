/** A line that claims to be of the future, made up or by a clock that is wrong: it does not hide that nothing comes any more. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { statementOf } from '../../store/statement.ts'
import { ingestAccessLog } from '../ingest-access-log.ts'
import { openLogWorld, type LogWorld } from './testing/log-world.ts'

describe('a source that tells of the future', () => {
  let world: LogWorld
  before(async () => {
    world = await openLogWorld()
  })
  after(() => world.close())

  const ingest = (name: string, lines: string[]) => {
    async function* bytes() {
      yield Buffer.from(lines.map((line) => `${line}\n`).join(''))
    }
    return ingestAccessLog(
      world.deps,
      world.as.root,
      { name, source: 'told', format: 'local-store' },
      bytes(),
    )
  }
  const timeOf = (line: string) => /\[[^\]]+\]/.exec(line)![0]

  test('lags as ever behind, and what comes in time counts again', async () => {
    const [first = '', second = ''] = await world.accesses(2)
    const { records } = await ingest('a.log', [first.replace(timeOf(first), '[23/Nov/2099:12:00:00 +0000]')])
    assert.equal(records, 1)
    world.pass(3600)
    const hourLater = (await world.source('told')).state
    assert.equal(hourLater.lagSeconds! >= 3600, true, JSON.stringify(hourLater))
    assert.ok(Date.parse(hourLater.lastAccessAt!) <= world.deps.clock() - 3_600_000)

    // As an earlier version left it.
    const row = world.deps.store.db.updateTable('log_sources').set({ last_access_at: Date.UTC(2099, 10, 23) })
    const statement = statementOf(row.where('name', '=', 'told'))
    await world.deps.store.commit({ statements: [statement], events: [] })
    await ingest('b.log', [second])
    const { lagSeconds } = (await world.source('told')).state
    assert.ok(lagSeconds! >= 3600 && lagSeconds! < 4000, String(lagSeconds))
  })
})
