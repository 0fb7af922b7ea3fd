/** More than the buffers between server and reader hold, to a reader that takes its time. */
import assert from 'node:assert/strict'
import { get } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import { bearer, linesOf, openAuditWorld, type AuditWorld } from './test-wandb-audit.ts'

describe("a long answer of W&B's audit log", () => {
  let world: AuditWorld
  before(async () => {
    world = await openAuditWorld()
    await world.fill(30_000)
  })
  after(() => world.close())

  test('a long stream goes at the reader’s pace, and is cut when the key ends', async () => {
    const { body } = await world.api('POST', '/v1/api-keys', { name: 'slow', username: 'siem' })
    const asked = world.now()
    const whole = await streamOf(body.token, async () => undefined)
    assert.deepEqual([whole.status, whole.isWhole], [200, true])
    assert.ok(linesOf(whole.text).length > 30_000)
    const cut = await streamOf(body.token, async () => {
      await world.api('DELETE', `/v1/api-keys/${body.id}`)
      world.pass(5)
    })
    assert.deepEqual([cut.status, cut.isWhole], [200, false], 'half an answer does not look whole')
    const seen = cut.text.split('\n').length
    assert.ok(seen > 10 && seen < 30_000, `${seen} lines were read ahead`)
    assert.ok(Math.max(...linesOf(whole.text).map(({ timestamp }) => Date.parse(timestamp))) <= asked + 1000)
  })

  test('a stream ends although events keep coming: it shows what was there when it was asked for', async () => {
    let isDone = false
    const writing = (async () => {
      while (!isDone) await world.app.deps.store.commit({ statements: [], events: [eventNow()] })
    })()
    const before = world.now()
    const { text, isWhole } = await streamOf(world.siem, async () => world.pass(60))
    isDone = true
    await writing
    assert.ok(isWhole)
    assert.ok(linesOf(text).every(({ timestamp }) => Date.parse(timestamp) < before + 10_000))
  })
  const eventNow = (): AuditEvent => {
    const { newId, clock } = world.app.deps
    return { id: newId(), at: isoOf(clock()), type: 'auth.refuse', decision: 'deny', reason: 'test' }
  }

  /** Asks for all, pauses after the first piece until `meanwhile` is done, and reads on. */
  function streamOf(token: string, meanwhile: () => Promise<void>) {
    return new Promise<{ status: number; text: string; isWhole: boolean }>((resolve, reject) => {
      const request = get(`${world.url}/admin/audit_logs`, { headers: bearer(token) }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (piece: string) => (text += piece))
        answer.once('data', () => {
          answer.pause()
          meanwhile().then(() => answer.resume(), reject)
        })
        answer.on('error', () => undefined)
        answer.on('close', () => resolve({ status: answer.statusCode!, text, isWhole: answer.complete }))
      })
      request.on('error', reject)
    })
  }
})
