/** Syslog against a server that parses strictly, over real TLS. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import selfsigned from 'selfsigned'
import { sendSyslog } from './syslog.ts'
import { syslogMessage } from './syslog-message.ts'
import { bareEvent, sinkBatch, sinkEvent } from './testing/events.ts'
import { parseSyslog } from './testing/parse-syslog.ts'
import { openSyslogReceiver, type SyslogReceiver } from './testing/syslog-receiver.ts'
import type { SettingsOf, SinkDeps, SinkSecrets } from './types.ts'

const deps: SinkDeps = {
  clock: () => 0,
  guardedFetch: () => fetch,
  lookup: async () => [{ address: '127.0.0.1', family: 4 }],
}

async function certificateFor(name: string) {
  return selfsigned.generate([{ name: 'commonName', value: name }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  })
}

describe('a message of syslog', () => {
  const parsed = (...args: Parameters<typeof syslogMessage>) =>
    parseSyslog(Buffer.from(syslogMessage(...args)))

  test('is what RFC 5424 says, and its text is the line of an export', () => {
    const one = sinkEvent(7)
    const { message, ...head } = parsed(one, 'plain')
    assert.deepEqual(head, {
      facility: 13,
      severity: 6,
      timestamp: '2026-11-23T06:00:00.123Z',
      hostname: '-',
      appName: 'signpost',
      procId: 'chain-1',
      msgId: 'url.issue',
      hasBom: false,
      data: { origin: { software: 'signpost' }, meta: { sequenceId: '7' } },
    })
    assert.equal(message, `{"chain":"chain-1","seq":7,"hash":"${one.hash}","event":${one.text}}`)
  })

  test('of a refusal is a warning', () => {
    assert.equal(parsed(sinkEvent(1, { decision: 'deny' }), 'plain').severity, 4)
  })

  test('begins with a BOM where it is not ASCII', () => {
    const one = parsed(sinkEvent(1, { key: 'vision/größe/模型.bin' }), 'plain')
    assert.equal(one.hasBom, true)
    assert.match(one.message, /größe\/模型/)
  })

  test('has no line of its own, whatever an object is called', () => {
    const key = 'a\r\n<110>1 - - - - - - forged\0\u2028]"\\'
    for (const shape of ['plain', 'cloudevents', 'ocsf'] as const) {
      const text = syslogMessage(sinkEvent(1, { key }), shape)
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(text, /[\x00-\x1f]/)
      assert.equal(
        JSON.stringify(JSON.parse(parsed(sinkEvent(1, { key }), shape).message)).includes('forged'),
        true,
      )
    }
  })

  test('of a very long chain still counts from 1', () => {
    assert.equal(parsed(sinkEvent(2_147_483_648), 'plain').data['meta']?.['sequenceId'], '1')
    assert.equal(parsed(bareEvent('chain.open'), 'plain').msgId, 'chain.open')
  })
})

describe('syslog over TLS', () => {
  let receiver: SyslogReceiver
  let settings: SettingsOf<'syslog'>
  let other: Awaited<ReturnType<typeof certificateFor>>
  before(async () => {
    const own = await certificateFor('log.example')
    other = await certificateFor('client.example')
    const trusted = { requestCert: true, rejectUnauthorized: false, ca: other.cert }
    receiver = await openSyslogReceiver({ key: own.private, cert: own.cert, ...trusted })
    settings = {
      kind: 'syslog',
      host: 'log.example',
      port: receiver.port,
      shape: 'plain',
      ca: own.cert,
      allowInternal: true,
    }
  })
  after(() => receiver.close())
  const send = (
    changes: Partial<SettingsOf<'syslog'>> = {},
    secrets: SinkSecrets = {},
    from: SinkDeps = deps,
  ) =>
    sendSyslog(
      from,
      { ...settings, ...changes },
      secrets,
      sinkBatch(sinkEvent(1), sinkEvent(2, { key: 'ä' })),
    )
  const refused = async (...args: Parameters<typeof send>) => {
    const before = receiver.messages.length
    const done = await send(...args)
    assert.equal(receiver.messages.length, before)
    return done.ok ? 'taken' : done.problem
  }

  test('brings all messages, in frames of counted octets', async () => {
    assert.deepEqual(await send(), { ok: true, rejected: 0, note: null })
    assert.deepEqual(receiver.problems, [])
    assert.deepEqual(
      receiver.messages.map(({ data }) => data['meta']?.['sequenceId']),
      ['1', '2'],
    )
  })

  test('brings thousands over one connection', async () => {
    const before = { ...receiver, messages: receiver.messages.length }
    const many = Array.from({ length: 5000 }, (_, index) => sinkEvent(index + 1))
    assert.equal((await sendSyslog(deps, settings, {}, sinkBatch(...many))).ok, true)
    assert.equal(receiver.messages.length - before.messages, 5000)
    assert.equal(receiver.connections - before.connections, 1)
  })

  test('is not sent to whoever shows a certificate that is not trusted, or for another name', async () => {
    assert.match(await refused({ ca: other.cert }), /not trusted \(.*\): see ca/)
    const name = await refused({ host: 'elsewhere.example' })
    assert.match(name, /^elsewhere\.example:\d+ shows a certificate for another name/)
    assert.equal((await send({ host: 'elsewhere.example', serverName: 'log.example' })).ok, true)
  })

  test('is not sent to an internal address, unless that is allowed', async () => {
    assert.match(await refused({ allowInternal: false }), /internal address/)
    assert.match(await refused({ allowInternal: false, host: '127.0.0.1' }), /internal address/)
    const unknown = { ...deps, lookup: () => Promise.reject(new Error('secret detail')) }
    assert.match(await refused({}, {}, unknown), /is not known to DNS\.$/)
  })

  test('counts as delivered only when the receiver has read it to its end', async () => {
    receiver.breakConnections(true)
    assert.match(await refused(), /broke off|closed the connection/)
    receiver.breakConnections(false)
  })

  test('shows its own certificate where it is asked for one', async () => {
    const done = await send({ certificate: other.cert }, { clientKey: other.private })
    assert.equal(done.ok, true)
  })
})

test('where a certificate is demanded and none is shown, nothing counts as delivered', async () => {
  const own = await certificateFor('log.example')
  const receiver = await openSyslogReceiver({
    key: own.private,
    cert: own.cert,
    requestCert: true,
    rejectUnauthorized: true,
    ca: own.cert,
  })
  const settings = {
    kind: 'syslog',
    host: 'log.example',
    port: receiver.port,
    shape: 'plain',
    allowInternal: true,
    ca: own.cert,
  } as const
  const done = await sendSyslog(deps, settings, {}, sinkBatch(sinkEvent()))
  assert.equal(done.ok, false)
  assert.equal(receiver.messages.length, 0)
  const none = await sendSyslog(deps, { ...settings, port: 1 }, {}, sinkBatch(sinkEvent()))
  assert.deepEqual(none, { ok: false, problem: 'log.example:1 refuses connections.' })
  await receiver.close()
})
