import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { updateConnector } from '../store/connectors.ts'
import { sealedWith } from './connector-record.ts'
import { insertIdentityProvider } from '../store/identity-providers.ts'
import { openIdClientOf, sealedSecret, secretsSealedWith } from './provider-record.ts'
import { createSecretBox } from './secret-box.ts'
import { openWorld, type World } from './testing/world.ts'

const before = randomBytes(32)
const present = randomBytes(32)
const rows = (world: World) =>
  world.deps.store.db.selectFrom('connectors').selectAll().orderBy('name').execute()

/** Three connectors, sealed with the key before; from here on the server has both keys. */
async function worldBetweenKeys(t: TestContext): Promise<World> {
  const world = await openWorld({ masterKeys: [before] })
  t.after(() => world.close())
  for (const name of ['second', 'third'])
    await world.call('createConnector', world.as.root, { body: { settings: world.settings(name) } })
  restart(world, [present, before])
  return world
}

function restart(world: World, masterKeys: Uint8Array[]): void {
  Object.assign(world.deps.secretBox, createSecretBox(masterKeys))
}

describe('rotating the master key', () => {
  test('200: everything is sealed with the present key, once, and opens without the key before', async (t) => {
    const world = await worldBetweenKeys(t)
    const { root, alice } = world.as
    const url = { params: { team: 'demo' }, body: { action: 'read', key: 'k' } }
    await world.call('issueUrl', alice, url)
    const [main] = await rows(world)
    const open = (version: number) => world.deps.connectors.open(main!.id, version)
    const { connector } = await open(main!.version)
    assert.deepEqual(await world.call('rotateSecrets', root), { sealed: 3, already: 0 })
    const { type, decision, username, details } = await world.lastEvent()
    assert.deepEqual([type, decision, username, details], ['secrets.rotate', 'allow', 'root', { sealed: 3 }])
    assert.deepEqual(await world.call('rotateSecrets', root), { sealed: 0, already: 3 })
    restart(world, [present])
    assert.deepEqual(await sealedWith(world.deps), { opened: 3, unopened: [], previous: 0 })
    assert.equal((await open(main!.version + 1)).connector, connector, 'sessions and connections are kept')
    await world.call('issueUrl', alice, url)
    assert.deepEqual(
      (await world.call('getConnector', root, { params: { connector: 'main' } })).settings['credential'],
      {
        type: 'static',
        accessKeyId: 'test-key-id',
      },
    )
  })

  test('200: the secrets of identity providers too', async (t) => {
    const world = await worldBetweenKeys(t)
    const { db } = world.deps.store
    const row = {
      id: 'p1',
      name: 'idp',
      enabled: 1,
      settings: JSON.stringify({ issuer: 'https://idp.example', clientId: 'c', allowInternal: false }),
      sealed_secret: sealedSecret('p1', 'client-secret', createSecretBox([before])),
      created_at: 0,
    }
    const swapped = { ...row, id: 'p2', name: 'swapped' }
    const statements = [row, swapped].map((one) => insertIdentityProvider(db, one))
    await world.deps.store.commit({ statements, events: [] })
    assert.deepEqual(await secretsSealedWith(world.deps), { opened: 1, unopened: ['swapped'], previous: 1 })
    const refused = await world.refused('rotateSecrets', world.as.root, {}, 'credential_unavailable')
    assert.match(refused.message, /swapped \(identity provider\)/)
    assert.doesNotMatch(refused.message, /client-secret/)
    restart(world, [present])
    const [kept] = await db.selectFrom('identity_providers').selectAll().orderBy('id').execute()
    assert.equal(openIdClientOf(world.deps, kept!).clientSecret, 'client-secret')
  })

  test('200: twice at once, and beside updates, nothing is lost', async (t) => {
    const world = await worldBetweenKeys(t)
    const { root } = world.as
    const update = {
      params: { connector: 'second' },
      body: { isDefault: false, policy: { networks: ['10.0.0.0/8'] } },
    }
    const done = await Promise.allSettled([
      world.call('rotateSecrets', root),
      world.call('updateConnector', root, update),
      world.call('rotateSecrets', root),
    ])
    assert.equal(done[0].status, 'fulfilled')
    assert.equal(done[2].status, 'fulfilled')
    assert.equal((await sealedWith(world.deps)).previous, 0)
    if (done[1].status === 'fulfilled')
      assert.match((await rows(world)).find(({ name }) => name === 'second')!.policy, /10\.0\.0\.0/)
  })

  test('403: only for admins of the organisation', async (t) => {
    const world = await worldBetweenKeys(t)
    for (const caller of [world.as.carol, world.as.alice, world.as.mallory])
      await world.refused('rotateSecrets', caller, {}, 'forbidden')
    assert.equal((await world.lastEvent()).decision, 'deny')
    assert.equal((await sealedWith(world.deps)).previous, 3)
  })

  test('503: what no key opens is named, and does not hold up the others', async (t) => {
    const world = await worldBetweenKeys(t)
    const [main] = await rows(world)
    // As if it had been copied from another row.
    const { store } = world.deps
    const third = (await rows(world)).find(({ name }) => name === 'third')!
    const copied = { sealed_credential: main!.sealed_credential }
    await store.commit({
      statements: [updateConnector(store.db, third.id, third.version, copied)],
      events: [],
    })
    const error = await world.refused('rotateSecrets', world.as.root, {}, 'credential_unavailable')
    assert.match(error.message, /^2 credentials were sealed anew\. 1 were not, .*: third\./)
    assert.deepEqual(await sealedWith(world.deps), { opened: 2, unopened: ['third'], previous: 0 })
  })

  test('503: nothing is sealed anew without its record', async (t) => {
    const world = await worldBetweenKeys(t)
    world.breakRecord()
    await world.refused('rotateSecrets', world.as.root, {}, 'record_unavailable')
    world.recover()
    assert.equal((await sealedWith(world.deps)).previous, 3)
  })

  test('a call that is repeated with its Idempotency-Key is known while the key before is given', async (t) => {
    const world = await openWorld({ masterKeys: [before] })
    t.after(() => world.close())
    const asked = { body: { name: 'once' }, idempotencyKey: 'the-key' }
    const made = await world.call('createTeam', world.as.root, asked)
    restart(world, [present, before])
    assert.deepEqual(await world.call('createTeam', world.as.root, asked), made)
    restart(world, [present])
    await world.refused('createTeam', world.as.root, asked, 'idempotency_mismatch')
  })
})
