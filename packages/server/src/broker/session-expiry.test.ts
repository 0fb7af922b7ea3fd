import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { requireServer } from '../../../../tests/servers/install.ts'
import { roleOnRgw } from '../../../../tests/servers/rgw-role.ts'
import { startRgw, type Rgw } from '../../../../tests/servers/rgw.ts'
import { openWorld, type World } from './testing/world.ts'

describe('URLs that a session of one hour signs', requireServer('rgw'), () => {
  let world: World
  let rgw: Rgw
  before(async () => {
    ;[world, rgw] = await Promise.all([openWorld(), startRgw()])
    const { region, endpoint } = rgw
    const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials: rgw })
    await client.send(new CreateBucketCommand({ Bucket: 'sessions' }))
    client.destroy()
    const { roleArn, source } = await roleOnRgw(rgw, ['sessions'])
    const settings = {
      kind: 's3',
      name: 'sessions',
      bucket: 'sessions',
      endpoint,
      region,
      addressing: 'path',
      credential: { type: 'assumeRole', roleArn, source },
    }
    await world.call('createConnector', world.as.root, { body: { settings } })
    const body = { connector: 'sessions', prefix: 'demo/' }
    await world.call('updateTeam', world.as.root, { params: { team: 'demo' }, body })
  })
  after(async () => {
    await world.close()
    await rgw.stop()
  })

  const asked = (body: object) => ({ params: { team: 'demo' }, body: { key: 'a.txt', ...body } })
  const endOf = (url: string) => {
    const query = new URL(url).searchParams
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date')!)!
    const [year, month, ...rest] = parts.map(Number) as [number, number, number, number, number, number]
    return Date.UTC(year, month - 1, ...rest) + Number(query.get('X-Amz-Expires')) * 1000
  }

  test('say that the credential limits 24 hours of writing, and when they really end', async () => {
    const startedAt = Date.now()
    const issued = await world.call('issueUrl', world.as.alice, asked({ action: 'write' }))
    assert.equal(issued.limitedBy, 'credential')
    const end = Date.parse(issued.expiresAt)
    assert.equal(end, endOf(issued.url), 'what is said is what is signed')
    assert.ok(end <= Date.now() + 3_600_000, 'not after the session')
    assert.ok(end > startedAt + 3_500_000, 'nor much before')
    const { limitedBy, expiresAt } = await world.lastEvent()
    assert.deepEqual([limitedBy, expiresAt], ['credential', issued.expiresAt])
    const answer = await fetch(issued.url, { method: 'PUT', headers: issued.headers, body: 'x' })
    assert.equal(answer.status, 200)
    const token = new URL(issued.url).searchParams.get('X-Amz-Security-Token')!
    const rows = await world.deps.store.db.selectFrom('connectors').selectAll().execute()
    const kept = JSON.stringify([rows, await world.events()])
    assert.ok(token.length > 50 && !kept.includes(token), 'the session stands nowhere but in the URL')
  })

  test('refuse where the caller wants all of it or nothing, and say how much there is', async () => {
    const wish = { action: 'write', expiresInSeconds: 86_400, expiryMode: 'refuse' }
    const error = await world.refused('issueUrl', world.as.alice, asked(wish), 'expiry_not_possible')
    assert.match(error.message, /at most 3[56]\d\d seconds are possible now \(limited by the credential\)/)
  })

  test('are limited by what was asked where that is shorter', async () => {
    const issued = await world.call(
      'issueUrl',
      world.as.alice,
      asked({ action: 'read', expiresInSeconds: 900 }),
    )
    assert.equal(issued.limitedBy, 'requested')
    assert.equal(Date.parse(issued.expiresAt), endOf(issued.url))
  })

  test('never outlive the session that signs them, also when it is old', async () => {
    const first = await world.call(
      'issueUrl',
      world.as.carol,
      asked({ action: 'read', expiresInSeconds: 60 }),
    )
    world.pass(3300)
    const later = await world.call(
      'issueUrl',
      world.as.carol,
      asked({ action: 'read', expiresInSeconds: 60 }),
    )
    const keyOf = (url: string) => new URL(url).searchParams.get('X-Amz-Credential')!.split('/')[0]
    assert.equal(keyOf(later.url), keyOf(first.url), 'it still lasts long enough')
    // Ceph's clock did not move: the new session ends 300 s from now, by ours.
    const wish = asked({ action: 'read', expiresInSeconds: 900 })
    const limited = await world.call('issueUrl', world.as.carol, wish)
    assert.notEqual(keyOf(limited.url), keyOf(first.url))
    assert.equal(limited.limitedBy, 'credential')
    assert.ok(Date.parse(limited.expiresAt) <= Date.now() + 3_600_000)
  })
})
