import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Policy } from '@signpost/contract'
import { openWorld, type World } from './testing/world.ts'

const demo = { params: { team: 'demo' } }

describe('the life of a URL, by the policies of connector and team', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(async () => world.close())
  const setTeam = async (policy: Policy) =>
    world.call('updateTeam', world.as.root, { ...demo, body: { policy } })
  const setConnector = async (policy: Policy) =>
    world.call('updateConnector', world.as.root, {
      params: { connector: 'main' },
      body: { policy, check: false },
    })
  beforeEach(async () => {
    await setTeam({})
    await setConnector({})
  })

  const secondsFrom = (at: number, { expiresAt }: { expiresAt: string }) =>
    (Date.parse(expiresAt) - at) / 1000
  const ask = async (body: object) => {
    const asked = world.deps.clock()
    const issued = await world.call('issueUrl', world.as.alice, {
      ...demo,
      body: { action: 'read', key: 'k', ...body },
    })
    const left = { whenAsked: secondsFrom(asked, issued), now: secondsFrom(world.deps.clock(), issued) }
    assert.equal(Date.parse(issued.expiresAt) % 1000, 0)
    // What is told is what is signed.
    const query = new URL(issued.url).searchParams
    const date = query.get('X-Amz-Date')!.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')
    assert.equal(Date.parse(date) + Number(query.get('X-Amz-Expires')) * 1000, Date.parse(issued.expiresAt))
    assert.equal((await world.lastEvent()).expiresAt, issued.expiresAt)
    assert.equal((await world.lastEvent()).limitedBy, issued.limitedBy)
    return { left, limitedBy: issued.limitedBy }
  }
  const isAbout = ({ left }: { left: { whenAsked: number; now: number } }, seconds: number) =>
    assert.ok(
      left.now <= seconds && left.whenAsked > seconds - 3,
      `${JSON.stringify(left)} is not about ${seconds}`,
    )

  test('the shorter of both ceilings counts, for reads and writes apart', async () => {
    await setConnector({ expiry: { readSecondsMax: 300 } })
    await setTeam({ expiry: { readSecondsMax: 200, writeSecondsMax: 100 } })
    const read = await ask({ expiresInSeconds: 3000 })
    isAbout(read, 200)
    assert.equal(read.limitedBy, 'policy')
    isAbout(await ask({ action: 'write', expiresInSeconds: 3000 }), 100)
    await setConnector({ expiry: { readSecondsMax: 50 } })
    isAbout(await ask({ expiresInSeconds: 3000 }), 50)
  })

  test('a policy changed holds from the next URL on, and none lengthens what the server allows', async () => {
    await setTeam({ expiry: { readSecondsMax: 604_800, readSecondsDefault: 604_800 } })
    isAbout(await ask({}), 3600)
    await setTeam({ expiry: { readSecondsDefault: 60 } })
    isAbout(await ask({}), 60)
    isAbout(await ask({ expiresInSeconds: 90 }), 90)
  })

  test('shorten cuts and says so; refuse and exact refuse, with a record, and say what is possible', async () => {
    await setTeam({ expiry: { readSecondsMax: 100 } })
    isAbout(await ask({ expiresInSeconds: 101 }), 100)
    for (const expiryMode of ['refuse', 'exact']) {
      const body = { action: 'read', key: 'k', expiresInSeconds: 101, expiryMode }
      const error = await world.refused('issueUrl', world.as.alice, { ...demo, body }, 'expiry_not_possible')
      assert.match(error.message, /at most 100 seconds .*policy/)
      const { decision, reason } = await world.lastEvent()
      assert.deepEqual([decision, reason], ['deny', 'expiry_not_possible'])
      const fits = await ask({ expiresInSeconds: 100, expiryMode })
      assert.equal(fits.limitedBy, 'requested')
    }
    await world.refused(
      'issueUrl',
      world.as.alice,
      { ...demo, body: { action: 'read', key: 'k', expiryMode: 'exact' } },
      'invalid',
    )
  })

  test('the same in a batch, item by item', async () => {
    await setTeam({ expiry: { readSecondsMax: 100 } })
    const items = [
      { action: 'read', key: 'a', expiresInSeconds: 5000 },
      { action: 'read', key: 'b', expiresInSeconds: 5000, expiryMode: 'refuse' },
      { action: 'read', key: 'c', expiresInSeconds: 7 },
    ]
    const lines: { limitedBy?: string; expiresAt?: string; error?: { code: string } }[] = []
    for await (const text of world.lines(world.as.alice, items))
      for (const line of text.trim().split('\n')) lines.push(JSON.parse(line) as object)
    assert.deepEqual(
      lines.map(({ limitedBy, error }) => limitedBy ?? error?.code),
      ['policy', 'expiry_not_possible', 'requested'],
    )
  })

  test('parts of an upload keep to it too', async () => {
    await setConnector({ expiry: { writeSecondsMax: 40 } })
    const { uploadId } = await world.call('openUpload', world.as.alice, { ...demo, body: { key: 'big' } })
    const sign = async (body: object) =>
      world.call('signParts', world.as.alice, {
        params: { team: 'demo', uploadId },
        body: { partNumbers: [1, 2], ...body },
      })
    const asked = world.deps.clock()
    for (const part of (await sign({ expiresInSeconds: 4000 })).parts) {
      assert.equal(part.limitedBy, 'policy')
      const left = { whenAsked: secondsFrom(asked, part), now: secondsFrom(world.deps.clock(), part) }
      isAbout({ left }, 40)
    }
    const [part] = (await sign({ expiresInSeconds: 5 })).parts
    assert.equal(part?.limitedBy, 'requested')
  })

  test('a policy that is none is refused, and so is one from who may not set it', async () => {
    await assert.rejects(async () => setTeam({ expiry: { readSecondsMax: 0 } }))
    await assert.rejects(async () => setTeam({ expiry: { readSecondsMax: 700_000 } }))
    const body = { policy: { expiry: { readSecondsMax: 10 } } }
    await world.refused('updateTeam', world.as.alice, { ...demo, body }, 'forbidden')
    await world.refused(
      'updateConnector',
      world.as.alice,
      { params: { connector: 'main' }, body },
      'forbidden',
    )
  })
})
