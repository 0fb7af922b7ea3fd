import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommitGroup } from './commit-group.ts'
import { createCommitQueue } from './commit-queue.ts'
import { eventOf, eventsOf } from './store-fixture.ts'

/** A writer that answers when told. */
function heldWriter() {
  const sent: { group: CommitGroup; answer: PromiseWithResolvers<[]> }[] = []
  const send = (group: CommitGroup) => {
    const answer = Promise.withResolvers<[]>()
    sent.push({ group, answer })
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
    sent.map(({ group }) => group.eventCounts.length),
    [2],
  )
  sent[0]!.answer.resolve([])
  await Promise.all(first)
  await turn()
  assert.equal(sent[1]!.group.eventCounts.length, 3)
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
    sent.map(({ group }) => group.texts.length),
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
