import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { runMoves } from './move/run-moves.ts'
import { openWorld, type World } from './testing/world.ts'

describe('moving what others have named', () => {
  let world: World
  let owner: S3Client
  before(async () => {
    world = await openWorld()
    const { endpoint } = world.bucket
    owner = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { ...world.credential },
    })
  })
  after(async () => {
    owner.destroy()
    await world.close()
  })
  const work = async () => runMoves(world.deps, 'worker', new AbortController().signal)
  const moving = async (team: string) => {
    await world.bucket.createBucket(`second-${team}`)
    const settings = { ...world.settings(`second-${team}`), bucket: `second-${team}` }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    await world.call('createTeam', world.as.root, { body: { name: team } })
    const params = { team }
    return {
      start: () =>
        world.call('startMove', world.as.root, {
          params,
          body: { connector: settings.name, prefix: `t/${team}/` },
        }),
      shown: () => world.call('getMove', world.as.root, { params }),
    }
  }

  const hostile = ['../other/taken', 'a/../../other/taken', './x', 'a/..\\..\\other/taken', 'k'.repeat(1013)]
  for (const [index, name] of hostile.entries())
    test(`stands still before an object that could leave the team's place: ${name.slice(0, 30)}`, async () => {
      const team = `hostile-${index}`
      const Key = `${team}/${name}`
      const { start, shown } = await moving(team)
      await owner.send(new PutObjectCommand({ Bucket: 'test-bucket', Key, Body: 'planted' }))
      await start()
      await work()
      const stands = await shown()
      assert.equal(stands.state, 'copying')
      assert.match(stands.problem ?? '', /cannot be moved/)
      assert.equal(stands.objectsCopied, 0)
      // Its name is for who manages the team: others may not be let in where it lies.
      const params = { team, username: 'victor' }
      await world.call('setMember', world.as.root, { params, body: { role: 'viewer' } })
      const seen = await world.call('getMove', world.as.victor, { params: { team } })
      assert.equal(seen.problem, 'An object cannot be moved: who manages the team is shown which one.')
      // Taken away by who owns the bucket, it goes on by itself.
      await owner.send(new DeleteObjectCommand({ Bucket: 'test-bucket', Key }))
      world.pass(60)
      await work()
      assert.equal((await shown()).state, 'settling')
    })

  test('carries odd names that lead nowhere: folders, double slashes, line breaks, dots within a name', async () => {
    const { start, shown } = await moving('odd')
    const names = ['', 'folder/', 'a//b', 'Icon\r', '..a/b../...', 'a\\b']
    for (const name of names)
      await owner.send(new PutObjectCommand({ Bucket: 'test-bucket', Key: `odd/${name}`, Body: 'x' }))
    await start()
    await work()
    const { state, problem, objectsCopied } = await shown()
    assert.deepEqual([state, problem, objectsCopied], ['settling', null, names.length])
  })
})
