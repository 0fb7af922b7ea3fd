import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  countDirectoryUsers,
  listDirectoryUsers,
  narrowedUsers,
  updateDirectoryUser,
} from './directory-users.ts'
import { insertPrincipal, updatePrincipal } from './principals.ts'
import { openSqliteStore } from './sqlite.ts'
import { countedIds, principalRow } from './store-fixture.ts'
import type { Store } from './store.ts'

describe('users for a directory', () => {
  let store: Store
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signpost-directory-'))
    store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: Date.now })
    const rows = Array.from({ length: 10_000 }, (_, n) =>
      principalRow(`User-${n}`, { external_id: `ext-${n}`, kind: n === 5 ? 'serviceAccount' : 'user' }),
    )
    await store.commit({ statements: rows.map((row) => insertPrincipal(store.db, row)), events: [] })
  })
  after(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('one of 10,000 is found by an index, by name in any case or by external id; service accounts are not there', async () => {
    const found = async (narrowing: Parameters<typeof listDirectoryUsers>[1]) =>
      (await listDirectoryUsers(store.db, narrowing, { limit: 10 })).map(({ username }) => username)
    assert.deepEqual(await found({ username: 'uSER-77' }), ['User-77'])
    assert.deepEqual(await found({ externalId: 'ext-77' }), ['User-77'])
    assert.deepEqual(await found({ externalId: 'EXT-77' }), [])
    assert.deepEqual(await found({ username: 'user-5' }), [])
    assert.equal(await countDirectoryUsers(store.db, {}), 9999)
    for (const [narrowing, index] of [
      [{ username: 'user-77' }, 'principals_username_lower'],
      [{ externalId: 'ext-77' }, 'principals_external_id'],
      [{ id: 'id-User-77' }, 'sqlite_autoindex_principals'],
    ] as const) {
      const { sql: text, parameters } = narrowedUsers(store.db, narrowing).selectAll().compile()
      const literal = parameters.reduce<string>(
        (query, value) => query.replace('?', `'${String(value)}'`),
        text,
      )
      const { rows } = await sql<{ detail: string }>`explain query plan ${sql.raw(literal)}`.execute(store.db)
      assert.match(rows.map(({ detail }) => detail).join('; '), new RegExp(`SEARCH .*${index}`))
    }
  })

  test('a user that is not what was looked at is not changed', async () => {
    const [seen] = await listDirectoryUsers(store.db, { username: 'user-9' }, { limit: 1 })
    const write = (statement: ReturnType<typeof updatePrincipal>) =>
      store.commit({ statements: [statement], events: [] })
    const change = updateDirectoryUser(store.db, seen!, { display_name: 'by directory' }, 7)
    await write(updatePrincipal(store.db, seen!.id, { display_name: 'by hand' }))
    await assert.rejects(write(change), { code: 'conflict' })
    await write(updatePrincipal(store.db, seen!.id, { display_name: null }))
    await write(change)
    const [now] = await listDirectoryUsers(store.db, { username: 'user-9' }, { limit: 1 })
    assert.deepEqual([now?.display_name, now?.updated_at], ['by directory', 7])
  })
})
