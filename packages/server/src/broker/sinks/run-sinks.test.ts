/** Sending the trail on: nothing is missed, whatever fails; who works for a sink; and what is said of failures. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { takeSinkLease, updateAuditSink } from '../../store/audit-sinks.ts'
import { noteAuditSinks } from '../audit-sinks.ts'
import { createSinkRunner } from './run-sinks.ts'
import { openSinkWorld, type SinkWorld } from './testing/sink-world.ts'

describe('a sink', () => {
  let world: SinkWorld
  beforeEach(async () => {
    world = await openSinkWorld()
  })
  afterEach(() => world.close())
  const root = () => world.as.root
  const shown = async (name = 'siem') => {
    const { items } = await world.call('listAuditSinks', root())
    return items.find((one) => one.name === name)!
  }

  /** Whoever has it now. */
  const leaseTo = async (owner: string, forMs: number) => {
    const { store, clock } = world.deps
    const { id } = await world.row('siem')
    const statements = [takeSinkLease(store.db, id, owner, clock() + 120_000, clock() + forMs)]
    await store.commit({ statements, events: [] })
  }

  test('gets every event once and in order, in messages of no more than it takes', async () => {
    await world.add('siem')
    const recorded = await world.recorded()
    await world.turn('siem')
    assert.deepEqual(world.arrived(), recorded)
    assert.equal(world.receiver.received.length, Math.ceil(recorded.length / 5))
    await world.turn('siem')
    assert.deepEqual(world.arrived(), recorded)
    await world.happen(7)
    await world.turn('siem')
    assert.deepEqual(world.arrived(), await world.recorded())
    const { state } = await shown()
    assert.equal(state.sent, recorded.length + 7)
    assert.equal(state.lagEvents, 1, 'the question itself')
  })

  test('that is down loses nothing and holds up nobody; it is tried again later and later', async () => {
    await world.add('siem')
    await world.receiver.shut()
    const { clock } = world.deps
    for (const [index, seconds] of [1, 2, 4, 8, 16].entries()) {
      const before = clock()
      await world.turn('siem')
      const { next_try_at, failures, problem } = await world.row('siem')
      assert.deepEqual(
        [failures, problem],
        [index + 1, `${new URL(world.receiver.url).host} cannot be reached.`],
      )
      const [least, most] = [before + seconds * 1000, clock() + seconds * 1000]
      assert.ok(least <= next_try_at && next_try_at <= most, `${next_try_at - before} ms`)
    }
    await world.happen(3)
    world.pass(3600)
    const { state } = await shown()
    assert.ok(state.lagSeconds >= 3600 && state.lagEvents === (await world.recorded()).length)
    await world.receiver.open()
    await world.turn('siem')
    assert.deepEqual(world.arrived(), await world.recorded())
    const { failures, problem } = await world.row('siem')
    assert.deepEqual([failures, problem], [0, null])
  })

  test('that was told and did not answer is told the same again: same id, same events', async () => {
    await world.add('siem')
    world.receiver.answer(500)
    await world.turn('siem')
    await world.happen(3)
    world.receiver.answer(200)
    await world.turn('siem')
    const [one, two] = world.receiver.received
    assert.equal(one!.headers['webhook-id'], two!.headers['webhook-id'])
    assert.equal(one!.body, two!.body)
  })

  test('waits as long as the receiver asks', async () => {
    await world.add('siem')
    world.receiver.answer(429, { headers: { 'retry-after': '120' } })
    await world.turn('siem')
    const { next_try_at } = await world.row('siem')
    assert.ok(next_try_at - world.deps.clock() > 110_000)
    const run = createSinkRunner(world.deps, 'one')
    await run(new AbortController().signal)
    assert.equal(world.receiver.received.length, 1)
    world.pass(121)
    world.receiver.answer(200)
    await run(new AbortController().signal)
    assert.deepEqual(world.arrived().slice(5), await world.recorded())
  })

  test('is worked for by one process at a time, and by the next when that one is gone', async () => {
    await world.add('siem')
    await leaseTo('dead', 60_000)
    await world.turn('siem', 'two')
    assert.equal(world.receiver.received.length, 0)
    world.pass(61)
    await Promise.all(['two', 'three', 'four'].map((owner) => world.turn('siem', owner)))
    await world.turn('siem', 'two')
    assert.deepEqual(world.arrived(), await world.recorded())
  })

  test('notes nothing for who lost the lease meanwhile: what was sent is sent again, nothing is skipped', async () => {
    await world.add('siem', { eventsMax: 1000 })
    const { sendToSink } = world.deps
    world.deps.sendToSink = async (...args) => {
      const done = await sendToSink(...args)
      await leaseTo('other', 1)
      return done
    }
    await world.turn('siem')
    assert.equal((await world.row('siem')).sent, 0)
    world.deps.sendToSink = sendToSink
    world.pass(1)
    await world.turn('siem')
    const [one, two] = world.receiver.received
    assert.equal(one!.body, two!.body)
    assert.equal((await world.row('siem')).sent, (await world.recorded()).length)
  })

  test('gets what it asks for alone, and is not behind by the rest', async () => {
    await world.call('createAuditSink', root(), {
      body: {
        name: 'few',
        settings: { kind: 'webhook', url: world.receiver.url, allowInternal: true },
        filter: { types: ['access.refuse', 'audit.read'], decision: 'deny' },
      },
    })
    await world.refused('listAuditSinks', world.as.mallory, {}, 'forbidden')
    await world.happen(3)
    await world.turn('few')
    const types = world.receiver.received.flatMap(({ body }) =>
      (JSON.parse(body) as { data: { event: { type: string; decision: string } }[] }).data.map(
        ({ event }) => `${event.type} ${event.decision}`,
      ),
    )
    assert.deepEqual(types, ['audit.read deny'])
    assert.equal((await shown('few')).state.lagEvents, 1)
  })

  test('that finds a message too large gets smaller ones', async () => {
    await world.add('siem', { eventsMax: 100 })
    const { sendToSink } = world.deps
    const sizes: number[] = []
    world.deps.sendToSink = async (settings, secrets, batch) => {
      sizes.push(batch.events.length)
      if (batch.events.length > 4) return { ok: false, problem: 'too large', isTooLarge: true }
      return sendToSink(settings, secrets, batch)
    }
    await world.turn('siem')
    assert.deepEqual(world.arrived(), await world.recorded())
    assert.ok(sizes[0]! > 4 && Math.max(...sizes.slice(3)) <= 4)
  })

  test('that was stopped gets nothing, and all of it when it is started', async () => {
    await world.add('siem')
    await world.call('updateAuditSink', root(), { params: { name: 'siem' }, body: { enabled: false } })
    const run = createSinkRunner(world.deps, 'one')
    await run(new AbortController().signal)
    await world.turn('siem')
    assert.equal(world.receiver.received.length, 0)
    await world.call('updateAuditSink', root(), { params: { name: 'siem' }, body: { enabled: true } })
    await run(new AbortController().signal)
    assert.deepEqual(world.arrived(), await world.recorded())
  })

  test('that is down keeps no other one waiting', async () => {
    await world.add('siem')
    await world.add('down', { url: 'http://127.0.0.1:1/in' })
    await createSinkRunner(world.deps, 'one')(new AbortController().signal)
    assert.deepEqual(world.arrived(), await world.recorded())
    assert.match((await world.row('down')).problem ?? '', /cannot be reached/)
  })

  test('tells the metrics how far it is behind', async () => {
    await world.add('siem')
    const noted: unknown[] = []
    await noteAuditSinks({ ...world.deps, noteAuditSinks: (sinks) => noted.push(...sinks) })
    assert.equal(
      (noted[0] as { state: { lagEvents: number } }).state.lagEvents,
      (await world.recorded()).length,
    )
  })

  test('is tested with one event that says so, which moves nothing', async () => {
    await world.add('siem')
    const test_ = () => world.call('testAuditSink', root(), { params: { name: 'siem' } })
    assert.deepEqual(await test_(), { ok: true, problem: null })
    assert.deepEqual(world.arrived(), ['test:0'])
    assert.equal((await world.lastEvent()).type, 'auditSink.test')
    world.receiver.answer(401)
    const { ok, problem } = await test_()
    assert.equal(ok, false)
    assert.match(problem ?? '', /HTTP 401: see whether the secrets/)
    assert.equal((await world.row('siem')).sent, 0)
  })

  test('leaves no secret in a log, a row or an answer, whatever goes wrong', async () => {
    const secrets = { headers: { authorization: 'Bearer of-the-sink' } }
    const settings = { kind: 'webhook', url: world.receiver.url, allowInternal: true }
    const made = await world.call('createAuditSink', root(), { body: { name: 'siem', settings, secrets } })
    world.receiver.answer(500, { body: 'Bearer of-the-sink' })
    await world.turn('siem')
    await world.receiver.shut()
    await world.turn('siem')
    world.deps.sendToSink = () => Promise.reject(new Error('inside'))
    await world.turn('siem')
    await world.call('testAuditSink', root(), { params: { name: 'siem' } }).catch(() => undefined)
    const { sealed_secrets: _, ...row } = await world.row('siem')
    const all = JSON.stringify([world.logged, row, await shown(), await world.events()])
    assert.doesNotMatch(all, /of-the-sink/)
    assert.equal(all.includes(made.signingSecret!), false)
    assert.match((await world.row('siem')).problem ?? '', /inside Signpost; see its log/)
    assert.match(JSON.stringify(world.logged), /an audit sink did not take/)
  })

  test('with secrets that no master key opens says so, and gets nothing', async () => {
    await world.add('siem')
    const sealed = world.deps.secretBox.seal('{"signing":"x"}', 'another row')
    const statements = [
      updateAuditSink(world.deps.store.db, await world.row('siem'), { sealed_secrets: sealed }),
    ]
    await world.deps.store.commit({ statements, events: [] })
    await world.turn('siem')
    assert.match((await world.row('siem')).problem ?? '', /No master key given opens its secrets/)
    assert.equal(world.receiver.received.length, 0)
    assert.ok((await shown()).secrets.includes('unopened'))
  })

  test('goes on while nothing can be recorded, and then again', async () => {
    await world.add('siem')
    world.breakRecord()
    await assert.rejects(world.turn('siem'), (error) => error instanceof SignpostError)
    world.recover()
    world.pass(61)
    await world.turn('siem')
    assert.deepEqual(world.arrived(), await world.recorded())
  })
})
