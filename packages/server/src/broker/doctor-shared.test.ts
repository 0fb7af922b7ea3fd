import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from './testing/world.ts'
import { createLooks } from './verification/looks.ts'

test('who asks the doctor again and again shares one examination; each call is recorded', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  let asked = 0
  world.deps.looks = createLooks()
  world.deps.fetch = (...args) => {
    asked += 1
    return fetch(...args)
  }
  const run = (origins?: string[]) =>
    world.call('runDoctor', world.as.root, { params: { connector: 'main' }, body: { origins } })
  await run()
  const once = asked
  asked = 0
  const reports = await Promise.all(Array.from({ length: 20 }, () => run()))
  assert.ok(asked <= once, `asked ${asked} times, and ${once} times for one`)
  assert.equal(new Set(reports.map(({ at }) => at)).size, 1)
  assert.equal((await world.events()).filter(({ type }) => type === 'connector.doctor').length, 21)
  // Another question is another examination.
  const [one, other] = await Promise.all([run(), run(['https://page.example'])])
  const seen = ({ checks }: typeof one) => checks.find(({ name }) => name === 'cors.origin')?.result
  assert.notEqual(seen(one), seen(other))
})
