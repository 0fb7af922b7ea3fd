import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../testing/world.ts'
import { listBoth } from './list-both.ts'
import type { Places } from './places.ts'

test('a store whose listing never ends does not keep the server asking', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  let asked = 0
  const place = (prefixes: string[]) => ({
    prefix: '',
    connector: {
      list: async ({ prefix }: { prefix: string }) => {
        asked += 1
        if (asked > 5000) throw new Error('asked for ever')
        return prefix === ''
          ? { objects: [], prefixes, nextCursor: null }
          : { objects: [], prefixes: [], nextCursor: `next-${asked}` }
      },
    },
  })
  const places = { move: { id: 'none' }, from: place(['x/']), to: place([]) } as unknown as Places
  const page = await listBoth(world.deps, places, { prefix: '', delimiter: '/', limit: 100 })
  assert.deepEqual(page, { items: [], prefixes: ['x/'], nextCursor: null })
})
