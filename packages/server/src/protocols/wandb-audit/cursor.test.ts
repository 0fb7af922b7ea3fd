/** Pages over more than one chain, while events keep coming: all there was, each once. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../../tests/servers/postgres.ts'
import { systemIds, type App } from '../../app.ts'
import type { WandbAuditRecord } from '../../domain/wandb-audit-record.ts'
import { openPostgresStore } from '../../store/postgres.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { openApp } from '../scim/test-scim.ts'
import {
  bearer,
  fill,
  nextNoon,
  openAuditWorld,
  type AuditWorld,
  type WandbPage,
} from './test-wandb-audit.ts'

const perChain = 2500
const limits = [97, 499, 500, 501, 5000]

/** Pages to the end, at one server after the other; `between` runs after each page. */
async function readAll(
  world: AuditWorld,
  urls: readonly string[],
  query: string,
  between: () => Promise<void>,
): Promise<WandbAuditRecord[]> {
  const all: WandbAuditRecord[] = []
  let cursor = ''
  for (let page = 0; ; page++) {
    const address = `${urls[page % urls.length]}/admin/audit_logs?${query}${cursor}`
    const answer = await fetch(address, { headers: bearer(world.siem) })
    assert.equal(answer.status, 200)
    const { audit_logs: logs, count, next_cursor: next } = (await answer.json()) as WandbPage
    assert.equal(logs.length, count)
    all.push(...logs)
    if (next === null) return all
    assert.ok(count > 0, 'no page is empty but the last')
    cursor = `&cursor=${next}`
    await between()
  }
}

/** Every event of before the first page, each once, in order; nothing that was decided after it. */
async function checkPages(world: AuditWorld, urls: readonly string[], more: () => Promise<void>) {
  const startDate = new Date(world.now()).toISOString().slice(0, 10)
  for (const limit of limits) {
    const expected = (await world.events()).filter(({ at }) => at >= startDate)
    assert.ok(expected.length >= perChain * 2)
    const all = await readAll(world, urls, `startDate=${startDate}&limit=${limit}`, async () => {
      world.pass(1)
      await more()
    })
    // The last is the reading of the first page.
    assert.equal(all.pop()!.action, 'audit:read')
    assert.deepEqual(
      all.map(({ timestamp }) => timestamp),
      expected.map(({ at }) => at).toSorted(),
      `limit=${limit}`,
    )
    const ids = all.flatMap(({ artifact_asset: id }) => (id === null ? [] : [id]))
    assert.equal(new Set(ids).size, ids.length, `limit=${limit}: one twice`)
    const given = expected.flatMap(({ grantId }) => (grantId === undefined ? [] : [grantId]))
    assert.deepEqual(ids.toSorted(), given.toSorted())
  }
}

test('pages over two chains on SQLite, while events keep coming: all there was, each once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-wandb-audit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'db')
  const open = () => openSqliteStore({ file, newId: systemIds(), clock: Date.now })
  const first = await open()
  const at = nextNoon(Date.now()) - 3_600_000
  await fill(first, systemIds(), perChain, at)
  await first.close()
  const world = await openAuditWorld({ store: await open() })
  t.after(() => world.close())
  await world.fill(perChain, at + 50)
  await checkPages(world, [world.url], () => world.fill(2, world.now()))
})

describe('pages of two replicas on PostgreSQL', requireServer('postgres'), () => {
  let server: Postgres
  let world: AuditWorld
  let second: App
  let secondStore: Store
  let secondUrl: string
  before(async () => {
    server = await startPostgres()
    const url = await server.createDatabase()
    const open = () => openPostgresStore({ url, newId: systemIds(), clock: Date.now })
    world = await openAuditWorld({ store: await open() })
    secondStore = await open()
    second = openApp(secondStore, world.now)
    secondUrl = await second.server.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await second?.close()
    await secondStore?.close()
    await world?.close()
    await server?.stop()
  })

  test('while both record: all there was, each once, whichever of them is asked', async () => {
    const at = world.now() - 3_600_000
    const { store } = world.app.deps
    await Promise.all([
      fill(store, systemIds(), perChain, at),
      fill(secondStore, systemIds(), perChain, at + 50),
    ])
    await checkPages(world, [world.url, secondUrl], async () => {
      await Promise.all([store, secondStore].map((one) => fill(one, systemIds(), 2, world.now())))
    })
  })
})
