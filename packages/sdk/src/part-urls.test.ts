import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPartUrls } from './part-urls.ts'

function askingFor(lifeMs: number) {
  const asked: number[][] = []
  let now = 0
  const ask = async (partNumbers: number[]) => {
    asked.push(partNumbers)
    return partNumbers.map((partNumber) => ({
      partNumber,
      grantId: `${asked.length}/${partNumber}`,
      method: 'PUT' as const,
      url: '',
      headers: {},
      successStatuses: [200],
      expiresAt: new Date(now + lifeMs).toISOString(),
      limitedBy: 'policy' as const,
      enforcement: {},
    }))
  }
  const urls = createPartUrls(
    ask,
    (number) => number <= 20,
    8,
    () => now,
  )
  return { asked, urls, pass: (ms: number) => void (now += ms) }
}

test('parts are asked for by the batch, and again when they have died', async () => {
  const { asked, urls, pass } = askingFor(60_000)
  await urls.of(1).get()
  await urls.of(2).get()
  assert.deepEqual(asked, [[1, 2, 3, 4, 5, 6, 7, 8]])
  pass(59_000)
  const third = await urls.of(3).get()
  assert.equal(third.grantId, '2/3')
  assert.equal(asked.length, 2)
})

test('URLs that are over before the next part is sent are asked for one by one', async () => {
  const { asked, urls, pass } = askingFor(2000)
  for (let number = 1; number <= 5; number++) {
    await urls.of(number).get()
    pass(3000)
  }
  assert.deepEqual(asked, [[1, 2, 3, 4, 5, 6, 7, 8], [2], [3], [4], [5]])
})

test('a refused URL takes those that came with it along', async () => {
  const { asked, urls } = askingFor(60_000)
  const first = urls.of(1)
  first.drop(await first.get())
  assert.equal((await first.get()).grantId, '2/1')
  assert.equal((await urls.of(2).get()).grantId, '2/2')
  assert.equal(asked.length, 2)
})

test('a question that failed is no answer for the parts that were asked for with it', async () => {
  let fails = true
  const { urls } = askingFor(60_000)
  const flaky = createPartUrls(
    async (numbers) => {
      if (!fails)
        return Promise.all(
          numbers.map(async (partNumber) => ({ ...(await urls.of(partNumber).get()), partNumber })),
        )
      fails = false
      throw new Error('away')
    },
    () => true,
    3,
    () => 0,
  )
  await assert.rejects(flaky.of(1).get(), /away/)
  assert.equal((await flaky.of(2).get()).method, 'PUT')
})
