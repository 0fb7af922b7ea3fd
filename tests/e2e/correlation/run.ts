/** The whole of it on one store. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { forge, forgeries } from './forgeries.ts'
import { attack, ways as attacks, type Scene } from './hostile.ts'
import { issue, prepared, useForm, ways, type Work } from './honest.ts'
import { attackByLines } from './hostile-lines.ts'
import { compare } from './ledger.ts'
import type { LoggedStore } from './logged-store.ts'
import { climbLadder } from './ladder.ts'
import { useStopped } from './stopped.ts'
import { teams } from './notes.ts'
import { openWorld, type World } from './world.ts'

export async function correlate(
  t: TestContext,
  open: (t: TestContext) => Promise<LoggedStore>,
): Promise<void> {
  const store = await open(t)
  const world = await openWorld(t, store)
  const its = teams.slice(0, store.connectors.length)
  for (const [index, team] of its.entries()) await honestDay(world, team, index)
  const short = await Promise.all(its.map((team) => shortLived(world, team)))
  for (const [index, team] of its.entries())
    if (store.connectors[index]!.names !== 'nobody') await hostileDay(world, team, index)
  for (const [index, team] of its.entries()) await fromElsewhere(world, team, index)
  for (const late of short) await late()
  const untilThen = (await world.settled()).length
  await climbLadder(world)
  await useStopped(world)

  const log = await world.settled()
  const read = await world.read('all', log)
  assert.equal(read.unparsed, 0)
  const records = await world.records()
  compare(world.ledger, records, store.tells)

  const again = await world.handIn('all-again', log)
  assert.deepEqual([again.records, again.known], [read.records, read.records], 'nothing is told twice')
  assert.deepEqual(await world.records(), records, 'and nothing is changed')
  if (!store.tells.beginnings && !store.later) await stoppedLater(world, log.slice(untilThen))
  await attackByLines(world)
}

/** Where only the end of a request is told, what ends within a minute of a stop may have begun before: later it may not. */
async function stoppedLater(world: World, lines: string): Promise<void> {
  const later = lines.replaceAll(/\[(\d\d)\/(\w{3})\/(\d{4}):(\S{8}) \+0000\]/g, (_, ...parts: string[]) => {
    const at = new Date(Date.parse(`${parts.slice(0, 4).join(' ')} GMT`) + 120_000).toUTCString()
    const [, day, month, year, time] = at.split(' ')
    return `[${day}/${month}/${year}:${time} +0000]`
  })
  await world.handIn('later', later)
  const told = (await world.records()).filter(({ finding }) => finding === 'after_revocation')
  assert.deepEqual(told.map(({ evidence, username }) => `${evidence.reason} ${username}`).toSorted(), [
    'key_deleted alice',
    'restricted carol',
    'user_deactivated bob',
  ])
}

async function honestDay(world: World, team: string, index: number): Promise<void> {
  const { alice, bob, carol, trainer } = world.people
  for (const person of [[alice, bob], [alice, carol, trainer], [alice]][index]!) {
    const work = { world, person, team, folder: `of ${person.username}` }
    // Who is no human does some of it.
    const its = Object.entries(ways).filter(([name]) => person !== trainer || /^writes|SDK|many/.test(name))
    for (const [name, way] of its)
      await way(work).catch((error: unknown) => {
        throw new Error(`${person.username} of ${team} ${name}`, { cause: error })
      })
    if (world.store.takesForms && person !== trainer) await useForm(work)
  }
}

async function hostileDay(world: World, team: string, index: number): Promise<void> {
  const work = { world, person: world.people.alice, team, folder: '' }
  const all = [
    ...Object.entries(attacks),
    ...Object.keys(forgeries).map((what) => [what, (scene: Scene) => forge(scene, what)] as const),
  ]
  for (const [number, [name, way]] of all.entries()) {
    const scene = await sceneOf(work, `hostile-${number}.bin`, index)
    await way(scene).catch((error: unknown) => {
      throw new Error(`${team}: whoever ${name}`, { cause: error })
    })
  }
}

async function sceneOf(work: Work, key: string, index: number): Promise<Scene> {
  const { world, team } = work
  const { store } = world
  const { names, settings } = store.connectors[index]!
  const isAzure = settings('any').kind === 'azure'
  await prepared(work, key)
  const read = await issue(work, { action: 'read', key })
  const write = await issue(work, { action: 'write', key })
  const marker = isAzure ? (new URL(read.issued.url).searchParams.get('scid') ?? '') : 'alice'
  const otherMarker = !isAzure
    ? 'bob'
    : names === 'user'
      ? '11111111-1111-5111-8111-111111111111'
      : '0193569c-0000-7000-8000-00000000ffff'
  return {
    work,
    key,
    inBucket: `${team}/${key}`,
    names,
    isAzure,
    hasOtherKey: index > 0 && !isAzure,
    read,
    write,
    marker,
    otherMarker,
  }
}

/** Used when it is over. */
async function shortLived(world: World, team: string): Promise<() => Promise<unknown>> {
  const work = { world, person: world.people.alice, team, folder: '' }
  const key = 'of alice/plain.bin'
  const { issued, holder } = await issue(work, { action: 'read', key, expiresInSeconds: 1 })
  const over = Date.parse(issued.expiresAt) + 1000
  const { names } = world.store.connectors[teams.indexOf(team as 'red')]!
  const refused = names === 'nobody' ? 'refused refused_by_store' : 'after_expiry expired'
  return async () => {
    await sleep(Math.max(0, over - Date.now()))
    const scene = { work, read: { holder } } as Scene
    const { method, url, headers } = issued
    return attack(scene, 'is late', { method, url, headers }, { refused })
  }
}

/** A URL for one network, used from another; buckets here are not told of networks, but a SAS is. */
async function fromElsewhere(world: World, connected: string, index: number): Promise<void> {
  const { admin, people, store } = world
  const team = `near-${connected}`
  const body = { name: team, connector: `connector-${index + 1}`, policy: { networks: ['127.0.0.1/32'] } }
  await admin.call('createTeam', { body })
  await admin.call('setMember', { params: { team, username: 'alice' }, body: { role: 'member' } })
  const work = { world, person: people.alice, team, folder: '' }
  for (const key of ['a.bin', 'b.bin']) await prepared(work, key)
  const near = await issue(work, { action: 'read', key: 'a.bin' })
  await world.use(near.holder, near.issued)
  const { issued, holder } = await issue(work, { action: 'read', key: 'b.bin' })
  const { method, url, headers } = issued
  const told = 'outside_network outside_networks_of_grant'
  const { names } = store.connectors[index]!
  const refused = names === 'nobody' ? '* whatever' : told
  const scene = { work, read: { holder } } as Scene
  const sent = { method, url, headers, localAddress: '127.0.0.2' }
  await attack(scene, 'from elsewhere', sent, { taken: { told, isTheirs: true }, refused, isTold: true })
}
