import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenConnector } from '../domain/connector.ts'
import { createKeptConnectors } from './kept-connectors.ts'

function entry(id: string, closed: string[], label = id) {
  const connector = { close: () => void closed.push(label) } as unknown as OpenConnector
  return { named: { id, connector } }
}

test('the least recently used is pushed out, and closed only a while later', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const closed: string[] = []
  const kept = createKeptConnectors<ReturnType<typeof entry>>(2)
  const [a, b, c] = ['a', 'b', 'c'].map((id) => entry(id, closed)) as [never, never, never]
  kept.keep(a)
  kept.keep(b)
  kept.use(a)
  kept.keep(c)
  assert.deepEqual([kept.find('a'), kept.find('b'), kept.find('c')], [a, undefined, c])
  t.mock.timers.tick(179_000)
  assert.deepEqual(closed, [])
  t.mock.timers.tick(2_000)
  assert.deepEqual(closed, ['b'])
})

test('what is replaced is closed a while later, and all at the end', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const closed: string[] = []
  const kept = createKeptConnectors<ReturnType<typeof entry>>(2)
  kept.keep(entry('a', closed, 'first'))
  const second = kept.keep(entry('a', closed, 'second'))
  assert.deepEqual(kept.all(), [second])
  assert.deepEqual(closed, [])
  kept.close()
  assert.deepEqual(closed, ['first', 'second'])
  t.mock.timers.tick(200_000)
  assert.deepEqual(closed, ['first', 'second'], 'once each')
  assert.deepEqual(kept.all(), [])
})
