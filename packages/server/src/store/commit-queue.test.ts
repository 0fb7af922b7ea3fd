import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommitGroup } from './commit-group.ts'
import { createCommitQueue } from './commit-queue.ts'
import { textAt } from './event-pack.ts'
import { eventOf, eventsOf } from './store-fixture.ts'

/** A writer that answers when told. */
function heldWriter() {
  // Counted here: when the writer has answered, the next group is written in the same place.
  const sent: { units: number; events: number; answer: PromiseWithResolvers<[]> }[] = []
  const send = ({ eventCounts, events }: CommitGroup) => {
    const answer = Promise.withResolvers<[]>()
    sent.push({ units: eventCounts.length, events: events.count, answer })
    return answer.promise
  }
  return { sent, queue: createCommitQueue({ send, inFlightMax: 1 }) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const unit = (id: string) => ({ statements: [], events: [eventOf(id)] })

test('who comes in one turn shares a commit, and who comes meanwhile shares the next', async () => {
  const { sent, queue } = heldWriter()
  const first = [queue.commit(unit('a')), queue.commit(unit('b'))]
  await turn()
  const second = [queue.commit(unit('c')), queue.commit(unit('d')), queue.commit(unit('e'))]
  await turn()
  assert.deepEqual(
    sent.map(({ units }) => units),
    [2],
  )
  sent[0]!.answer.resolve([])
  await Promise.all(first)
  await turn()
  assert.equal(sent[1]!.units, 3)
  sent[1]!.answer.resolve([])
  await Promise.all(second)
})

test('when the writer is gone, all that wait are refused, and closing does not hang', async () => {
  const { sent, queue } = heldWriter()
  const commits = [queue.commit(unit('a')), queue.commit(unit('b'))]
  await turn()
  sent[0]!.answer.reject(new Error('the writing thread has ended'))
  for (const result of await Promise.allSettled(commits)) {
    assert.equal(result.status === 'rejected' && result.reason.code, 'record_unavailable')
  }
  await queue.drain()
  await assert.rejects(queue.commit(unit('c')), { code: 'record_unavailable' })
})

test('a group does not grow without end', async () => {
  const { sent, queue } = heldWriter()
  const commits = Array.from({ length: 5 }, (_, n) =>
    queue.commit({ statements: [], events: eventsOf(`big-${n}`, 3000) }),
  )
  for (let sending = 0; sending < 2; sending++) {
    await turn()
    sent[sending]!.answer.resolve([])
    await turn()
  }
  await Promise.all(commits)
  assert.deepEqual(
    sent.map(({ events }) => events),
    [9000, 6000],
  )
})

test('an event that cannot be written out is refused alone', async () => {
  const { sent, queue } = heldWriter()
  const bad = queue.commit({
    statements: [],
    events: [eventOf('bad', { partNumber: 1n as unknown as number })],
  })
  await assert.rejects(bad, TypeError)
  const good = queue.commit(unit('good'))
  await turn()
  sent[0]!.answer.resolve([])
  await good
})

test('an event of an object that only looks as if it gave a URL is refused: no filter would find it', async () => {
  const { sent, queue } = heldWriter()
  const grant = { key: 'runs/model', grantId: 'grant' }
  for (const fields of [{ decision: 'deny' }, { type: 'object.verify' }] as const) {
    const bad = queue.commit({ statements: [], events: [eventOf('bad', { ...grant, ...fields })] })
    await assert.rejects(bad, /say it in its details/)
  }
  const good = [
    queue.commit({ statements: [], events: [eventOf('given', grant)] }),
    queue.commit({
      statements: [],
      events: [eventOf('check', { type: 'connector.doctor', grantId: 'check' })],
    }),
  ]
  await turn()
  sent[0]!.answer.resolve([])
  await Promise.all(good)
})

test('closing does not wait for a group that nobody is in', { timeout: 60_000 }, async () => {
  const { sent, queue } = heldWriter()
  const bad = queue.commit({
    statements: [],
    events: [eventOf('bad', { partNumber: 1n as unknown as number })],
  })
  await assert.rejects(bad, TypeError)
  await queue.drain()
  assert.deepEqual(sent, [])
})

test('what waits for the writer stays as it is while others come, and no later group shows what was before it', async () => {
  const texts: string[][] = []
  const waiting: PromiseWithResolvers<[]>[] = []
  const textsOf = ({ events }: CommitGroup) =>
    Array.from({ length: events.count }, (_, event) => textAt(events, event).toString())
  const queue = createCommitQueue({
    async send(group) {
      const answer = Promise.withResolvers<[]>()
      waiting.push(answer)
      const before = textsOf(group)
      await answer.promise
      assert.deepEqual(textsOf(group), before)
      texts.push(before)
      return []
    },
    inFlightMax: 2,
  })
  const commits: Promise<void>[] = []
  for (let round = 0; round < 12; round++) {
    commits.push(queue.commit({ statements: [], events: eventsOf(`round-${round}`, 1 + (round % 3) * 40) }))
    await turn()
    if (round % 2 === 1) for (const answer of waiting.splice(0)) answer.resolve([])
    await turn()
  }
  for (const answer of waiting.splice(0)) answer.resolve([])
  await Promise.all(commits)
  assert.deepEqual(
    texts.flat(),
    Array.from({ length: 12 }, (_, round) => eventsOf(`round-${round}`, 1 + (round % 3) * 40))
      .flat()
      .map((event) => JSON.stringify(event)),
  )
})
