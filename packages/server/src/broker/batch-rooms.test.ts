import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import type { UrlBatchLine } from '@signpost/contract'
import { createBatchRooms, type BatchRoom } from './batch-rooms.ts'
import { openWorld } from './testing/world.ts'

test('batches that run at once, and after one another, in the same places: each has its own lines alone', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  const rooms = createBatchRooms()
  const out = new Set<BatchRoom>()
  const made = new Set<BatchRoom>()
  world.deps.rooms = {
    take() {
      const room = rooms.take()
      assert.ok(!out.has(room), 'a place that is in use was given to another')
      made.add(room)
      out.add(room)
      return room
    },
    giveBack(room) {
      out.delete(room)
      rooms.giveBack(room)
    },
  }
  const batch = async (name: string, count: number) => {
    const items = Array.from({ length: count }, (_, n) => ({ action: 'read', key: `${name}/${n}` }))
    const keys: string[] = []
    for await (const text of world.lines(world.as.alice, items)) {
      // The others go on meanwhile.
      await setImmediate()
      for (const line of text.trimEnd().split('\n')) {
        const issued = JSON.parse(line) as UrlBatchLine
        keys.push('url' in issued ? new URL(issued.url).pathname : issued.error.code)
      }
    }
    assert.deepEqual(
      keys.map((path) => path.split('/').slice(-2).join('/')),
      items.map(({ key }) => key),
    )
  }
  for (let round = 0; round < 3; round++)
    await Promise.all(['a', 'b', 'c'].map((name, n) => batch(`${name}${round}`, 700 + n * 900)))
  // A reader that leaves in the middle gives its place back, too.
  const lines = world.lines(world.as.alice, [{ action: 'read', key: 'k' }])
  await lines.next()
  await lines.return(undefined)
  assert.equal(out.size, 0)
  assert.ok(made.size < 9, `${made.size} places for nine batches, three at once`)
})

test('a place that has grown large is let go', () => {
  const rooms = createBatchRooms()
  const [small, large] = [rooms.take(), rooms.take()]
  large.lines[0].add('x'.repeat(5_000_000))
  rooms.giveBack(large)
  rooms.giveBack(small)
  assert.equal(rooms.take(), small)
  assert.notEqual(rooms.take(), large)
})
