import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { createCheckpointVerifier, readPublicKey, type Reply } from '@signpost/contract'
import { checkpointCrypto } from '../audit/checkpoint-crypto.ts'
import { createSecretBox } from './secret-box.ts'
import { signCheckpoint } from './sign-checkpoint.ts'
import { openWorld, type World } from './testing/world.ts'

type Checkpoint = Reply<'createAuditCheckpoint'>

async function worldFor(t: TestContext, masterKeys?: Uint8Array[]): Promise<World> {
  const world = await openWorld(masterKeys ? { masterKeys } : {})
  t.after(() => world.close())
  return world
}

const make = (world: World, rotateKey = false): Promise<Checkpoint> =>
  world.call('createAuditCheckpoint', world.as.root, { body: { rotateKey } })
const list = async (world: World, query = {}): Promise<Checkpoint[]> =>
  (await world.call('listAuditCheckpoints', world.as.root, { query })).items
const publicKey = async (world: World): Promise<string> =>
  (await world.call('getAuditPublicKey', world.as.root)).publicKey

function verified(checkpoints: readonly Checkpoint[], trusted: string) {
  const verifier = createCheckpointVerifier(checkpointCrypto)
  verifier.addSequence(checkpoints.map(({ note }) => note))
  return verifier.finish(trusted)
}

const newKey = () => generateKeyPairSync('ed25519').privateKey
const give = (world: World, keys: World['deps']['checkpointKeys']) =>
  Object.assign(world.deps, { checkpointKeys: keys })

describe('signed checkpoints', () => {
  test('200: who may read the trail signs, lists and verifies them; each is in the trail', async (t) => {
    const world = await worldFor(t)
    const { root } = world.as
    await world.refused('getAuditPublicKey', root, {}, 'not_found')
    const first = await make(world)
    const { type, decision, username, details } = await world.lastEvent()
    assert.deepEqual([type, decision, username], ['audit.checkpoint', 'allow', 'root'])
    assert.deepEqual(details, { number: 1, digest: first.digest, note: first.note })
    await make(world)
    const third = await make(world)
    const all = await list(world)
    assert.deepEqual(
      all.map(({ number }) => number),
      [1, 2, 3],
    )
    assert.deepEqual(all[2], third)
    assert.deepEqual(await list(world, { after: 2 }), [third])
    const page = await world.call('listAuditCheckpoints', root, { query: { limit: 2 } })
    const rest = await world.call('listAuditCheckpoints', root, { query: { cursor: page.nextCursor } })
    assert.deepEqual([...page.items, ...rest.items], all)
    const key = await publicKey(world)
    assert.deepEqual(await world.call('getAuditPublicKey', root), {
      publicKey: key,
      keyId: readPublicKey(key, checkpointCrypto)?.id,
      origin: key.split('+')[0],
      earlier: [],
    })
    const { firstBad, count, last } = verified(all, key)
    assert.deepEqual([firstBad, count, last], [null, 3, { number: 3, at: third.at }])
    const { ok, checkpoints } = await world.call('verifyAuditEvents', root)
    assert.deepEqual([ok, checkpoints?.count, checkpoints?.firstBad], [true, 3, null])
    assert.ok((checkpoints?.uncoveredEvents ?? 0) > 0)
  })

  test('400, 403: a cursor that is none of ours; others neither sign nor read', async (t) => {
    const world = await worldFor(t)
    await world.refused('listAuditCheckpoints', world.as.root, { query: { cursor: 'x' } }, 'invalid')
    for (const caller of [world.as.carol, world.as.alice, world.as.mallory]) {
      await world.refused('createAuditCheckpoint', caller, { body: {} }, 'forbidden')
      await world.refused('listAuditCheckpoints', caller, {}, 'forbidden')
      await world.refused('getAuditPublicKey', caller, {}, 'forbidden')
    }
    assert.deepEqual(await list(world), [])
  })

  test('403: an auditor signs, but gives no new key', async (t) => {
    const world = await worldFor(t)
    await world.call('createUser', world.as.root, {
      body: { username: 'olga', organisationRole: 'auditor' },
    })
    const olga = await world.callerFor('olga')
    const { number } = await world.call('createAuditCheckpoint', olga, { body: {} })
    await world.refused('createAuditCheckpoint', olga, { body: { rotateKey: true } }, 'forbidden')
    assert.equal((await list(world)).at(-1)?.number, number)
  })

  test('503: one that cannot be recorded is not there', async (t) => {
    const world = await worldFor(t)
    await make(world)
    world.breakRecord()
    await world.refused('createAuditCheckpoint', world.as.root, { body: {} }, 'record_unavailable')
    await world.refused('listAuditCheckpoints', world.as.root, {}, 'record_unavailable')
    world.recover()
    assert.equal((await list(world)).length, 1)
  })

  test('by the clock: only if something was recorded since, and only when it is time', async (t) => {
    const world = await worldFor(t)
    const sign = (ifOlderThanMs: number) => signCheckpoint(world.deps, { ifOlderThanMs })
    assert.equal((await sign(60_000)).number, 1)
    assert.equal((await sign(0)).number, 1, 'its own event is not worth another one')
    await world.call('createTeam', world.as.root, { body: { name: 'one' } })
    assert.equal((await sign(60_000)).number, 1)
    world.pass(61)
    assert.equal((await sign(60_000)).number, 2)
    const { type, username, reason } = await world.lastEvent()
    assert.deepEqual([type, username, reason], ['audit.checkpoint', undefined, 'timed'])
    world.pass(61)
    assert.equal((await sign(60_000)).number, 2)
  })

  test('a clock that goes back: one is signed, their order is that of their numbers, and they verify', async (t) => {
    const world = await worldFor(t)
    const first = await make(world)
    world.pass(-86_400)
    await world.call('createTeam', world.as.root, { body: { name: 'earlier' } })
    const row = await signCheckpoint(world.deps, { ifOlderThanMs: 60_000 })
    assert.equal(row.number, 2)
    assert.ok(row.at < Date.parse(first.at))
    assert.equal(verified(await list(world), await publicKey(world)).firstBad, null)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, true)
  })

  test('many at once get one number each', async (t) => {
    const world = await worldFor(t)
    const made = await Promise.all(Array.from({ length: 6 }, () => make(world)))
    assert.deepEqual(
      made.map(({ number }) => number).toSorted((one, other) => one - other),
      [1, 2, 3, 4, 5, 6],
    )
    const key = await publicKey(world)
    assert.equal(verified(await list(world), key).firstBad, null)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, true)
    const rows = await world.deps.store.db.selectFrom('checkpoint_keys').selectAll().execute()
    assert.deepEqual(
      rows.map((row) => row.public_key),
      [key],
      'the keys that others made meanwhile are not kept',
    )
  })
})

describe('the key of checkpoints', () => {
  test('a new one is announced by the one before, and signs at once; either verifies all', async (t) => {
    const world = await worldFor(t)
    await make(world)
    const before = await publicKey(world)
    const made = await make(world, true)
    const present = await publicKey(world)
    assert.notEqual(present, before)
    const all = await list(world)
    assert.deepEqual([made.number, all.length], [3, 3])
    assert.ok(all[1]!.note.includes(`\nnext-key ${present}\n`))
    assert.equal(all[2]!.keyId, present.split('+')[1])
    for (const key of [before, present]) assert.equal(verified(all, key).firstBad, null)
    assert.deepEqual((await world.call('getAuditPublicKey', world.as.root)).earlier, [before])
    await make(world, true)
    const [third, ...earlier] = [await publicKey(world), present, before]
    assert.deepEqual((await world.call('getAuditPublicKey', world.as.root)).earlier, earlier)
    for (const key of [before, present, third!]) assert.equal(verified(await list(world), key).firstBad, null)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, true)
  })

  test('one that is given signs, is announced if it is another, and is not kept', async (t) => {
    const world = await worldFor(t)
    const [one, two] = [newKey(), newKey()]
    give(world, { given: one })
    await make(world)
    const first = await publicKey(world)
    const conflict = await world.refused(
      'createAuditCheckpoint',
      world.as.root,
      { body: { rotateKey: true } },
      'conflict',
    )
    assert.match(conflict.message, /SIGNPOST_CHECKPOINT_KEY_PREVIOUS/)
    give(world, { given: two })
    const refused = await world.refused(
      'createAuditCheckpoint',
      world.as.root,
      { body: {} },
      'credential_unavailable',
    )
    assert.match(refused.message, /SIGNPOST_CHECKPOINT_KEY_PREVIOUS/)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, false)
    give(world, { given: two, previous: one })
    await make(world)
    assert.notEqual(await publicKey(world), first)
    give(world, { given: two })
    await make(world)
    assert.equal(verified(await list(world), first).firstBad, null)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, true)
    assert.deepEqual(await world.deps.store.db.selectFrom('checkpoint_keys').selectAll().execute(), [])
  })

  test('from one made here to one that is given, and back', async (t) => {
    const world = await worldFor(t)
    await make(world)
    const first = await publicKey(world)
    const given = newKey()
    give(world, { given })
    await make(world)
    give(world, { previous: given })
    await make(world)
    const all = await list(world)
    assert.equal(verified(all, first).firstBad, null)
    assert.equal(new Set(all.map(({ keyId }) => keyId)).size, 3)
    assert.equal((await world.call('verifyAuditEvents', world.as.root)).ok, true)
  })

  test('one that is lost: a new one goes on by order of the operator, and the old one shows it', async (t) => {
    const world = await worldFor(t)
    await make(world)
    const first = await publicKey(world)
    Object.assign(world.deps.secretBox, createSecretBox([randomBytes(32)]))
    await world.refused('createAuditCheckpoint', world.as.root, { body: {} }, 'credential_unavailable')
    give(world, { previous: 'lost' })
    await make(world)
    const all = await list(world)
    const { firstBad } = verified(all, first)
    assert.deepEqual([firstBad?.number, firstBad?.problem.slice(0, 6)], [2, 'forged'])
    assert.equal(verified(all, await publicKey(world)).firstBad, null)
  })

  test('is sealed anew with the master key, and opens only in its own row', async (t) => {
    const [before, present] = [randomBytes(32), randomBytes(32)]
    const world = await worldFor(t, [before])
    await make(world)
    Object.assign(world.deps.secretBox, createSecretBox([present, before]))
    assert.deepEqual(await world.call('rotateSecrets', world.as.root), { sealed: 2, already: 0 })
    Object.assign(world.deps.secretBox, createSecretBox([present]))
    assert.equal((await make(world)).number, 2)
    const rows = await world.deps.store.db.selectFrom('checkpoint_keys').selectAll().execute()
    assert.throws(() => world.deps.secretBox.open(rows[0]!.sealed_key, 'checkpoint-key:another'))
    assert.doesNotMatch(JSON.stringify(rows), /PRIVATE KEY/)
  })
})
