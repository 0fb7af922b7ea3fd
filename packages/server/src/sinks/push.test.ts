/** Webhooks and OTLP over real HTTP: what arrives, what its answers mean, and that no secret is told. */
import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { HTTP } from 'cloudevents'
import { createGuardedFetch } from '../authn/guarded-fetch.ts'
import { sendOtlp } from './otlp.ts'
import { bareEvent, sinkBatch, sinkEvent } from './testing/events.ts'
import { openHttpReceiver, type HttpReceiver } from './testing/http-receiver.ts'
import { otlpProblems } from './testing/otlp-judge.ts'
import type { SettingsOf, SinkDeps, SinkSecrets } from './types.ts'
import { sendWebhook } from './webhook.ts'

const deps: SinkDeps = {
  clock: () => Date.now(),
  lookup: (name) => lookup(name, { all: true }),
  guardedFetch: createGuardedFetch({ lookup: (name) => lookup(name, { all: true }), timeoutMs: 60_000 }),
}
const impatient: SinkDeps = {
  ...deps,
  guardedFetch: createGuardedFetch({ lookup: deps.lookup, timeoutMs: 500 }),
}
const secret = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`
const batch = sinkBatch(sinkEvent(1), sinkEvent(2, { decision: 'deny', key: 'größe' }))

let receiver: HttpReceiver
before(async () => {
  receiver = await openHttpReceiver()
})
after(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer(200)
})

function send(
  changes: Partial<SettingsOf<'webhook'>> = {},
  secrets: SinkSecrets = { signing: secret(1) },
  from: SinkDeps = deps,
) {
  const settings = {
    kind: 'webhook',
    url: receiver.url,
    shape: 'plain',
    eventsMax: 100,
    allowInternal: true,
  } as const
  return sendWebhook(from, { ...settings, ...changes }, secrets, batch)
}

describe('a webhook', () => {
  const headersOf = () => receiver.received[0]!.headers as Record<string, string>

  test('is verified by the library of the standard, and holds the lines of an export', async () => {
    assert.deepEqual(await send(), { ok: true, rejected: 0, note: null })
    const [one] = receiver.received
    const payload = new Webhook(secret(1)).verify(one!.body, headersOf()) as {
      type: string
      timestamp: string
    }
    assert.deepEqual([payload.type, payload.timestamp], ['signpost.audit', batch.events[1]!.event.at])
    assert.ok(one!.body.includes(batch.events[0]!.text) && one!.body.includes(batch.events[1]!.text))
    assert.equal(headersOf()['webhook-id'], 'chain-1-1-2')
  })

  test('that was changed on its way, or signed by another, is not verified', async () => {
    await send()
    const [one] = receiver.received
    assert.throws(() => new Webhook(secret(2)).verify(one!.body, headersOf()), /No matching signature/)
    const changed = one!.body.replace('alice', 'mallory')
    assert.throws(() => new Webhook(secret(1)).verify(changed, headersOf()), /No matching signature/)
  })

  test('is the same when it is sent again, but for its time', async () => {
    await send()
    await send()
    const [one, two] = receiver.received
    assert.equal(one!.body, two!.body)
    assert.equal(one!.headers['webhook-id'], two!.headers['webhook-id'])
  })

  test('is signed by both secrets for a day after a change, and by the new one alone afterwards', async () => {
    const both = { signing: secret(1), previousSigning: { secret: secret(2), until: Date.now() + 600_000 } }
    await send({}, both)
    for (const byte of [1, 2]) new Webhook(secret(byte)).verify(receiver.received[0]!.body, headersOf())
    receiver.received.length = 0
    await send({}, { ...both, previousSigning: { ...both.previousSigning, until: Date.now() - 1 } })
    assert.throws(() => new Webhook(secret(2)).verify(receiver.received[0]!.body, headersOf()))
  })

  test('of CloudEvents is a batch that the SDK of the standard reads', async () => {
    await send({ shape: 'cloudevents' })
    const [one] = receiver.received
    const events = HTTP.toEvent({
      headers: { 'content-type': one!.headers['content-type'] },
      body: one!.body,
    })
    assert.ok(Array.isArray(events))
    assert.deepEqual(
      events.map(({ id }) => id),
      batch.events.map(({ event }) => event.id),
    )
  })

  test('has the headers it was given', async () => {
    await send({}, { signing: secret(1), headers: { authorization: 'Bearer of-the-sink' } })
    assert.equal(headersOf()['authorization'], 'Bearer of-the-sink')
  })

  test('goes to no internal address, and without TLS nowhere, unless that is allowed', async () => {
    for (const url of [
      receiver.url,
      receiver.url.replace('http:', 'https:'),
      'https://169.254.169.254/latest',
    ]) {
      const done = await send({ url, allowInternal: false })
      assert.equal(done.ok, false)
    }
    const rebound = {
      ...deps,
      guardedFetch: createGuardedFetch({ lookup: async () => [{ address: '10.0.0.1', family: 4 }] }),
    }
    const done = await send({ url: 'https://siem.example/in', allowInternal: false }, undefined, rebound)
    assert.match(done.ok ? '' : done.problem, /siem\.example has an internal address/)
    assert.equal(receiver.received.length, 0)
  })

  test('that is not taken says so in words of ours, without anything secret or answered', async () => {
    const secrets = { signing: secret(1), headers: { authorization: 'Bearer of-the-sink' } }
    const problems: string[] = []
    for (const status of [302, 400, 401, 403, 404, 410, 413, 429, 500, 503]) {
      receiver.answer(status, { body: 'Bearer of-the-sink', headers: { location: 'http://127.0.0.1:1/' } })
      const done = await send({}, secrets)
      assert.equal(done.ok, false, String(status))
      if (!done.ok) problems.push(done.problem)
      assert.equal(done.ok || done.isTooLarge === true, status === 413)
    }
    receiver.answer('hang')
    const slow = await send({}, secrets, impatient)
    assert.match(slow.ok ? '' : slow.problem, /does not answer in time/)
    assert.doesNotMatch(problems.join(), /of-the-sink|whsec_|\/in/)
  })

  test('waits as long as the receiver asks, within reason', async () => {
    const waits: unknown[] = []
    const inTenMinutes = new Date(Date.now() + 600_000).toUTCString()
    for (const after of ['7', '999999', inTenMinutes, 'soon', '-1']) {
      receiver.answer(429, { headers: { 'retry-after': after } })
      const done = await send()
      waits.push(done.ok ? null : done.retryAfterSeconds)
    }
    const [seconds, long, date, ...odd] = waits
    assert.deepEqual([seconds, long, odd], [7, 3600, [undefined, undefined]])
    assert.ok(Number(date) > 300 && Number(date) <= 600)
  })
})

describe('OTLP', () => {
  const sendLogs = (shape: 'plain' | 'ocsf' = 'plain') =>
    sendOtlp(
      deps,
      { kind: 'otlp', url: receiver.url, shape, eventsMax: 100, allowInternal: true },
      { headers: { 'x-api-key': 'of-the-sink' } },
      sinkBatch(...batch.events, bareEvent('chain.open')),
    )

  test('is what the protocol says, with the line of an export as body', async () => {
    assert.deepEqual(await sendLogs(), { ok: true, rejected: 0, note: null })
    const [one] = receiver.received
    assert.deepEqual(
      [one!.headers['content-type'], one!.headers['x-api-key']],
      ['application/json', 'of-the-sink'],
    )
    const request = JSON.parse(one!.body) as Parameters<typeof otlpProblems>[0]
    assert.deepEqual(otlpProblems(request), [])
    const { logRecords } = (request as never as Logs).resourceLogs[0]!.scopeLogs[0]!
    assert.equal(logRecords.length, 3)
    assert.equal(logRecords[0]!.timeUnixNano, '1795413600123000000')
    assert.deepEqual(
      logRecords.map(({ severityText }) => severityText),
      ['INFO', 'WARN', 'INFO'],
    )
    assert.ok(logRecords[0]!.body.stringValue.endsWith(`"event":${batch.events[0]!.text}}`))
    assert.deepEqual(JSON.parse(logRecords[0]!.body.stringValue).event, batch.events[0]!.event)
  })

  test('counts what the receiver rejects, and does not send it again', async () => {
    receiver.answer(200, {
      body: '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"of-the-sink"}}',
    })
    const done = await sendLogs()
    assert.equal(done.ok && done.rejected, 2)
    assert.match((done.ok && done.note) || '', /rejected 2 of its 3 events/)
    assert.doesNotMatch((done.ok && done.note) || '', /of-the-sink/)
    for (const body of [
      '',
      '{}',
      '{"partialSuccess":null}',
      'what',
      '{"partialSuccess":{"rejectedLogRecords":-1}}',
    ]) {
      receiver.answer(200, { body })
      assert.deepEqual(await sendLogs('ocsf'), { ok: true, rejected: 0, note: null })
    }
  })

  test('would not pass its judge with what the protocol does not know', () => {
    assert.notDeepEqual(
      otlpProblems({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: 5 }] }] }] }),
      [],
    )
    assert.notDeepEqual(otlpProblems({ resource_logs: [] }), [])
  })
})

interface Logs {
  resourceLogs: {
    scopeLogs: {
      logRecords: { timeUnixNano: string; severityText: string; body: { stringValue: string } }[]
    }[]
  }[]
}
