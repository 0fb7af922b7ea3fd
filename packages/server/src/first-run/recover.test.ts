import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openWorld } from '../broker/testing/world.ts'
import { parseApiKey } from '../domain/api-key.ts'
import { recover } from './recover.ts'

async function opened(t: TestContext) {
  const world = await openWorld()
  t.after(() => world.close())
  const folder = await mkdtemp(join(tmpdir(), 'signpost-recover-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return { world, folder }
}

test('a key of an admin, in a file for its owner alone, for a day, with a record', async (t) => {
  const { world, folder } = await opened(t)
  const { username, file, expiresAt } = await recover(world.deps, folder)
  assert.equal(username, 'break-glass')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const { id } = parseApiKey((await readFile(file, 'utf8')).trim())!
  const row = await world.deps.store.hot.findKey(id)
  assert.deepEqual([row?.username, row?.organisationRole, row?.active], ['break-glass', 'admin', true])
  assert.ok(Math.abs(row!.expiresAt! - world.deps.clock() - 86_400_000) < 60_000)
  const event = await world.lastEvent()
  assert.deepEqual(
    [event.type, event.decision, event.username, event.expiresAt, event.details],
    ['admin.recover', 'allow', 'break-glass', expiresAt, { key: id }],
  )
})

test('again: the same user, active and admin again, with another key', async (t) => {
  const { world, folder } = await opened(t)
  const first = await recover(world.deps, folder)
  const before = await readFile(first.file, 'utf8')
  const user = { params: { username: 'break-glass' } }
  await world.call('updateUser', world.as.root, {
    ...user,
    body: { active: false, organisationRole: 'member' },
  })
  const again = await recover(world.deps, folder)
  assert.equal(again.username, 'break-glass')
  assert.notEqual(await readFile(again.file, 'utf8'), before)
  const shown = await world.call('getUser', world.as.root, user)
  assert.deepEqual([shown.active, shown.organisationRole], [true, 'admin'])
})

test('who has only chosen the name is not made an admin', async (t) => {
  const { world, folder } = await opened(t)
  const { root } = world.as
  await world.call('createUser', root, { body: { username: 'break-glass' } })
  await world.call('createServiceAccount', root, { body: { username: 'break-glass-2', team: 'demo' } })
  assert.equal((await recover(world.deps, folder)).username, 'break-glass-3')
  const other = await world.call('getUser', root, { params: { username: 'break-glass' } })
  assert.equal(other.organisationRole, 'member')
})

test('nobody keeps it from working by taking all its names', async (t) => {
  const { world, folder } = await opened(t)
  const { root } = world.as
  for (const suffix of ['', '-2', '-3', '-4', '-5', '-6', '-7', '-8', '-9'])
    await world.call('createUser', root, { body: { username: `break-glass${suffix}` } })
  const { username } = await recover(world.deps, folder)
  assert.match(username, /^break-glass-[0-9a-f]{16}$/)
  const shown = await world.call('getUser', root, { params: { username } })
  assert.equal(shown.organisationRole, 'admin')
})

test('what others have made to act as it, while it was nobody, is no way to an admin', async (t) => {
  const { world, folder } = await opened(t)
  const { root } = world.as
  const { file } = await recover(world.deps, folder)
  const first = parseApiKey((await readFile(file, 'utf8')).trim())!
  const params = { username: 'break-glass' }
  await world.call('updateUser', root, { params, body: { organisationRole: 'member' } })
  const role = { name: 'people', scope: 'organisation', permissions: ['users.manage'] } as const
  await world.call('createRole', root, { body: role })
  await world.call('createUser', root, { body: { username: 'uma', organisationRole: 'people' } })
  const uma = await world.callerFor('uma')
  const key = await world.call('createApiKey', uma, { body: { name: 'sleeper', ...params } })
  const identity = { issuer: 'https://idp.example.com', subject: 'uma' }
  await world.call('linkIdentity', uma, { params, body: identity })

  await recover(world.deps, folder)
  const { hot } = world.deps.store
  for (const id of [key.id, first.id]) assert.equal(await hot.findKey(id), undefined)
  assert.deepEqual((await world.call('listIdentities', root, { params })).items, [])
})

test('what cannot be recorded leaves no file', async (t) => {
  const { world, folder } = await opened(t)
  world.breakRecord()
  await assert.rejects(recover(world.deps, folder), { code: 'record_unavailable' })
  assert.throws(() => statSync(join(folder, 'recover-token')), { code: 'ENOENT' })
})
