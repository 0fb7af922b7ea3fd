import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

describe('issueUrl', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const ask = (body: Record<string, unknown>, team = 'demo') => ({ params: { team }, body })

  test('200: a member writes and reads straight at the bucket, and each URL has its record', async () => {
    const { alice } = world.as
    const write = await world.call('issueUrl', alice, ask({ action: 'write', key: 'a b/ü.txt' }))
    const event = await world.lastEvent()
    assert.deepEqual(
      {
        type: event.type,
        decision: event.decision,
        reason: event.reason,
        username: event.username,
        team: event.team,
        connector: event.connector,
        bucket: event.bucket,
        key: event.key,
        action: event.action,
        method: event.method,
        grantId: event.grantId,
        marker: event.marker,
        expiresAt: event.expiresAt,
        limitedBy: event.limitedBy,
        address: event.address,
      },
      {
        type: 'url.issue',
        decision: 'allow',
        reason: 'team_member',
        username: 'alice',
        team: 'demo',
        connector: 'main',
        bucket: 'test-bucket',
        key: 'demo/a b/ü.txt',
        action: 'write',
        method: 'PUT',
        grantId: write.grantId,
        marker: 'alice',
        expiresAt: write.expiresAt,
        limitedBy: 'policy',
        address: '192.0.2.1',
      },
    )
    const url = new URL(write.url)
    assert.equal(url.searchParams.get('X-User'), 'alice')
    assert.equal(url.searchParams.get('X-Grant'), write.grantId)
    const signature = url.searchParams.get('X-Amz-Signature') ?? ''
    assert.equal(event.signatureDigest, hash('sha256', signature))
    assert.ok(!JSON.stringify(await world.events()).includes(signature))
    assert.equal(event.signer, url.searchParams.get('X-Amz-Credential')?.split('/')[0])
    assert.equal(event.details, undefined)

    const put = await fetch(write.url, { method: write.method, headers: write.headers, body: 'hello' })
    assert.ok(write.successStatuses.includes(put.status))
    const read = await world.call('issueUrl', alice, ask({ action: 'read', key: 'a b/ü.txt' }))
    const got = await fetch(read.url, { method: read.method, headers: read.headers })
    assert.equal(await got.text(), 'hello')
  })

  test('200: the expiry that is said is the one in the URL, and what cut it is named', async () => {
    const { alice } = world.as
    const short = await world.call('issueUrl', alice, ask({ action: 'read', key: 'k', expiresInSeconds: 60 }))
    assert.equal(short.limitedBy, 'requested')
    const long = await world.call(
      'issueUrl',
      alice,
      ask({ action: 'read', key: 'k', expiresInSeconds: 9000 }),
    )
    assert.equal(long.limitedBy, 'policy')
    for (const { url, expiresAt } of [short, long]) {
      const { searchParams } = new URL(url)
      const stamp = searchParams.get('X-Amz-Date') ?? ''
      const signedAt = Date.parse(stamp.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
      assert.equal(signedAt + Number(searchParams.get('X-Amz-Expires')) * 1000, Date.parse(expiresAt))
    }
  })

  test('400: a key that breaks a rule is refused by the rule, and recorded', async () => {
    for (const [key, rule] of [
      ['../other/secret', /\.\./],
      ['/a', /begin with/],
      ['a\\b', /backslash/],
      ['a'.repeat(1024), /1024 bytes/],
    ] as const) {
      const error = await world.refused(
        'issueUrl',
        world.as.alice,
        ask({ action: 'read', key }),
        'invalid_key',
      )
      assert.match(error.message, rule)
      assert.equal(error.field, 'key')
      const { type, decision, reason } = await world.lastEvent()
      assert.deepEqual([type, decision, reason], ['url.issue', 'deny', 'invalid_key'])
    }
  })

  test('400: a longer expiry than possible is refused where exact was asked', async () => {
    const exact = ask({ action: 'read', key: 'k', expiresInSeconds: 9000, expiryMode: 'exact' })
    await world.refused('issueUrl', world.as.alice, exact, 'expiry_not_possible')
    assert.equal((await world.lastEvent()).reason, 'expiry_not_possible')
  })

  test('400: a constraint that the URL cannot carry is not dropped in silence', async () => {
    const { alice } = world.as
    const refused = (body: Record<string, unknown>) => world.refused('issueUrl', alice, ask(body), 'invalid')
    await refused({ action: 'read', key: 'k', method: 'PUT' })
    await refused({ action: 'write', key: 'k', method: 'GET' })
    await refused({ action: 'read', key: 'k', contentLength: 1 })
    await refused({ action: 'write', key: 'k', method: 'DELETE', contentType: 'text/plain' })
    await refused({ action: 'write', key: 'k', downloadAs: 'x' })
    await refused({ action: 'read', key: 'k', downloadAs: 'x\r\ny' })
  })

  test('403: a viewer reads but does not write, and the refusal is recorded first', async () => {
    const { victor } = world.as
    await world.call('issueUrl', victor, ask({ action: 'read', key: 'k' }))
    await world.refused('issueUrl', victor, ask({ action: 'write', key: 'k' }), 'forbidden')
    const { decision, reason, username, key } = await world.lastEvent()
    assert.deepEqual([decision, reason, username, key], ['deny', 'role_too_low', 'victor', 'demo/k'])
  })

  test('403: an organisation admin reaches objects only as a member', async () => {
    const { root } = world.as
    await world.refused('issueUrl', root, ask({ action: 'read', key: 'k' }), 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'organisation_admin_not_a_member')
  })

  test('404: an outsider cannot tell the team from none', async () => {
    const { mallory } = world.as
    const body = { action: 'read', key: 'k' }
    const there = await world.refused('issueUrl', mallory, ask(body), 'not_found')
    assert.equal((await world.lastEvent()).reason, 'not_a_member')
    const absent = await world.refused('issueUrl', mallory, ask(body, 'nowhere'), 'not_found')
    assert.equal((await world.lastEvent()).reason, 'no_such_team')
    assert.deepEqual([there.message, there.field], [absent.message, absent.field])
  })

  test('503: no record, no URL, and no refusal either', async () => {
    world.breakRecord()
    try {
      await world.refused('issueUrl', world.as.alice, ask({ action: 'read', key: 'k' }), 'record_unavailable')
      await world.refused(
        'issueUrl',
        world.as.mallory,
        ask({ action: 'read', key: 'k' }),
        'record_unavailable',
      )
    } finally {
      world.recover()
    }
  })

  test('503: a team without any connector is told so', async () => {
    const { root, alice } = world.as
    await world.call('updateConnector', root, { params: { connector: 'main' }, body: { isDefault: false } })
    await world.refused('issueUrl', alice, ask({ action: 'read', key: 'k' }), 'credential_unavailable')
    assert.equal((await world.lastEvent()).decision, 'deny')
    await world.call('updateConnector', root, { params: { connector: 'main' }, body: { isDefault: true } })
    await world.call('issueUrl', alice, ask({ action: 'read', key: 'k' }))
  })
})
