import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost } from './at-most.ts'

test('so many run at a time, in the order in which they came, and what fails gives its place on', async () => {
  const inLine = atMost(3)
  const begun: number[] = []
  let running = 0
  let most = 0
  const work = (n: number) =>
    inLine(async () => {
      begun.push(n)
      most = Math.max(most, (running += 1))
      await sleep(1)
      running -= 1
      if (n % 2 === 1) throw new Error(`no ${n}`)
      return n
    })
  const numbers = Array.from({ length: 20 }, (_, n) => n)
  const results = await Promise.allSettled(numbers.map(work))
  assert.equal(most, 3)
  assert.deepEqual(begun, numbers)
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    numbers.map((n) => (n % 2 === 1 ? `no ${n}` : n)),
  )
})

test('once all is done, as many may run at a time as before', async () => {
  const inLine = atMost(2)
  await Promise.all(Array.from({ length: 5 }, () => inLine(() => sleep(1))))
  let running = 0
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const all = Array.from({ length: 3 }, () =>
    inLine(() => {
      running += 1
      return held
    }),
  )
  await sleep(5)
  assert.equal(running, 2)
  release()
  await Promise.all(all)
  assert.equal(running, 3)
})
