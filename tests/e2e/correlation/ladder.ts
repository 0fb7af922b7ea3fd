/** The steps of a revocation that end URLs at the bucket: what the store refuses from then on, and what stays whose it was. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { issue, type Work } from './honest.ts'
import type { LoggedStore } from './logged-store.ts'
import { honestOutcome } from './notes.ts'
import type { World } from './world.ts'

type Live = Awaited<ReturnType<typeof issue>>

/** A requester is denied, and a key changed, while their URLs live. */
export async function climbLadder(world: World): Promise<void> {
  const { ladder } = world.store
  if (!ladder) return
  await denyRequester(world)
  await rotateKey(world, ladder)
}

/** Of the second team, whose requesters have a session each. */
async function denyRequester(world: World): Promise<void> {
  const { admin, people } = world
  const of = (person: Work['person']): Work => ({ world, person, team: 'blue', folder: '' })
  const [denied, other] = [of(people.trainer), of(people.carol)]
  const key = (work: Work) => ({ action: 'read', key: `of ${work.person.username}/plain.bin` }) as const
  const [live, hers] = [await issue(denied, key(denied)), await issue(other, key(other))]
  assert.equal(await used(world, live, 'before the denial'), 200)
  const target = { username: 'trainer' }
  const { steps } = await admin.call('planRevocation', { body: { target } })
  const found = steps.find(({ step, connector }) => step === 'deny-requester' && connector === 'connector-2')
  assert.equal(found?.can, 'now', found?.detail)
  const body = {
    target,
    reason: 'is looked into',
    steps: [{ step: 'deny-requester', connector: 'connector-2' }],
  }
  const done = await admin.call('revoke', { body } as never)
  assert.deepEqual(
    [done.steps[0]?.outcome, done.steps[0]?.verified],
    ['done', 'refused'],
    done.steps[0]?.detail,
  )
  // What was issued before, and what is issued still: the bucket takes neither. Nobody else is touched.
  assert.equal(await used(world, live, 'after the denial'), 403)
  assert.equal(await used(world, await issue(denied, key(denied)), 'issued after the denial'), 403)
  assert.equal(await used(world, hers, 'beside somebody denied'), 200)
  const undone = await admin.call('revoke', { body: { ...body, undo: true } } as never)
  assert.equal(undone.steps[0]?.outcome, 'done', undone.steps[0]?.detail)
  // The gateway's clock may be some milliseconds behind ours.
  await sleep(1100)
  assert.equal(await used(world, live, 'when the denial is undone'), 200)
}

/** Of the first team, for which one key signs. */
async function rotateKey(
  world: World,
  { first, makeKey, dropKey }: NonNullable<LoggedStore['ladder']>,
): Promise<void> {
  const { admin, people, store } = world
  const work = { world, person: people.bob, team: 'red', folder: '' }
  const item = { action: 'read', key: 'of bob/plain.bin' } as const
  const [old, unused] = [await issue(work, item), await issue(work, item)]
  const second = await makeKey()
  const settings = {
    ...store.connectors[0]!.settings('connector-1'),
    credential: { type: 'static', ...second },
  }
  await admin.call('updateConnector', { params: { connector: 'connector-1' }, body: { settings } } as never)
  const renewed = await issue(work, item)
  assert.match(renewed.issued.url, new RegExp(second.accessKeyId))
  // The old key is good until it is dropped: what it signed for somebody stays theirs.
  assert.equal(await used(world, old, 'signed with the key of before'), 200)
  assert.equal(await used(world, renewed, 'signed with the new key'), 200)
  await dropKey(first)
  assert.equal(await used(world, unused, 'signed with a key that is dropped'), 403)
  assert.equal(await used(world, renewed, 'signed with the new key, once more'), 200)
}

async function used(world: World, { issued, holder }: Live, what: string): Promise<number> {
  const { method, url, headers } = issued
  const { store } = world
  const { status } = await world.send(
    `${holder.user} of ${holder.team}, ${what}`,
    { method, url, headers },
    (answer) => {
      // A signature by no known key: this log leaves such requests out.
      if (what.includes('dropped') && !store.tells.refusals) return undefined
      return honestOutcome(store, holder, answer)
    },
    holder,
  )
  return status
}
