import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { createSessions } from './sessions.ts'
import type { TimedCredential } from './source.ts'

const hour = 3_600_000

/** Opens sessions of an hour; each one is another. */
function opener(life = hour) {
  const world = { now: 1_000_000_000, opened: 0, fails: undefined as Error | undefined }
  const open = async (): Promise<TimedCredential> => {
    await Promise.resolve()
    if (world.fails) throw world.fails
    world.opened += 1
    const credential = { accessKeyId: `ASIA${world.opened}`, secretAccessKey: 's' }
    return { credential, endsAt: world.now + life }
  }
  const sessions = createSessions({ clock: () => world.now, sizeMax: 3 })
  const get = (key: string, seconds: number) => sessions.get(key, world.now + seconds * 1000, open)
  return { world, get, sessions }
}

test('a session serves as long as it lasts until what is asked for, and then a new one', async () => {
  const { world, get } = opener()
  const first = await get('ana', 900)
  world.now += 2_000_000
  assert.equal(get('ana', 900), first, 'at once, the same object')
  world.now += 1_000_000
  assert.notEqual(await get('ana', 900), first)
  assert.equal(world.opened, 2)
})

test('all who ask at the same time share one call', async () => {
  const { world, get } = opener()
  const all = await Promise.all(Array.from({ length: 50 }, async () => get('ana', 900)))
  assert.equal(world.opened, 1)
  assert.equal(new Set(all).size, 1)
})

test('each key has its own', async () => {
  const { get } = opener()
  assert.notEqual(await get('ana', 900), await get('bob', 900))
})

test('a wish that no session can fulfil opens one a minute, not one a request', async () => {
  const { world, get } = opener()
  for (let second = 0; second < 180; second++) {
    await get('ana', 86_400)
    world.now += 1000
  }
  assert.equal(world.opened, 3)
})

test('a wish that only a new session fulfils gets one within that minute, one a second at most', async () => {
  const { world, get } = opener()
  const first = await get('ana', 3580)
  world.now += 10_000
  assert.equal(get('ana', 3580), first, 'it lasts just long enough')
  world.now += 1000
  const second = await get('ana', 3580)
  assert.notEqual(second, first)
  world.now += 500
  assert.equal(get('ana', 3590), second, 'half a second old')
  world.now += 500
  assert.notEqual(await get('ana', 3590), second)
  world.now += 30_000
  const opened = world.opened
  await get('ana', 3591)
  assert.equal(world.opened, opened, 'a URL ends before its credential: no session of an hour gives so much')
})

test('within that minute too, when less than half of it is left', async () => {
  const { world, get } = opener(60_000)
  const first = await get('ana', 3600)
  world.now += 29_000
  assert.equal(await get('ana', 3600), first)
  world.now += 2000
  assert.notEqual(await get('ana', 3600), first)
})

test('a token service that is away for a while takes no session away', async () => {
  const { world, get } = opener()
  const first = await get('ana', 3600)
  world.now += 1_800_000
  world.fails = new SignpostError('credential_unavailable', 'away', { retryAfterSeconds: 1 })
  assert.equal(await get('ana', 3600), first)
  assert.equal(get('ana', 3600), first, 'and is not asked by every request')
  world.now += 11_000
  world.fails = new SignpostError('credential_unavailable', 'refused')
  await assert.rejects(async () => get('ana', 3600), /refused/, 'a refusal is one')
  world.fails = new SignpostError('credential_unavailable', 'away', { retryAfterSeconds: 1 })
  world.now += hour
  await assert.rejects(async () => get('ana', 3600), /away/, 'and an end is one')
  world.fails = undefined
  assert.notEqual(await get('ana', 3600), first)
})

test('a failure is told to all who wait, and the next one tries again', async () => {
  const { world, get } = opener()
  world.fails = new Error('no')
  const all = await Promise.allSettled([get('ana', 1), get('ana', 1)])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  world.fails = undefined
  assert.ok(await get('ana', 1))
})

test('what is kept is bounded: the one that was opened first goes first', async () => {
  const { world, get } = opener()
  const [first] = [await get('a', 1), await get('b', 1), await get('c', 1), await get('d', 1)]
  assert.equal(world.opened, 4)
  assert.ok(!(get('d', 1) instanceof Promise))
  assert.notEqual(await get('a', 1), first)
  assert.equal(world.opened, 5)
})

test('the same credential again stays the same object, and one without an end is asked for again', async () => {
  let now = 0
  let asked = 0
  const sessions = createSessions({ clock: () => now })
  const open = async (): Promise<TimedCredential> => {
    asked += 1
    return { credential: { accessKeyId: 'AKIA', secretAccessKey: 's' }, endsAt: null }
  }
  const first = await sessions.get('', hour, open)
  now += 299_000
  assert.equal(sessions.get('', hour, open), first)
  now += 2000
  assert.equal(await sessions.get('', hour, open), first)
  assert.equal(asked, 2)
})
