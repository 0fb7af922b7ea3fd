import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ConnectorSettings } from '@signpost/contract'
import { openWorld, type World } from './testing/world.ts'

describe('what only the organisation may say of a connector', () => {
  let world: World
  before(async () => void (world = await openWorld()))
  after(() => world.close())

  const base = (name: string) => ({ kind: 's3', name, bucket: `${name}-bucket`, region: 'eu-west-1' })
  const key = { type: 'static', accessKeyId: 'AKIA', secretAccessKey: 'secret' }
  const role = { type: 'assumeRole', roleArn: 'arn:aws:iam::1:role/r', source: key }
  const body = (name: string, credential: object, more: object = {}) => ({
    body: {
      settings: { ...base(name), credential, ...more } as ConnectorSettings,
      team: 'demo',
      check: false,
    },
  })

  test("403: a team's admin lets no connector use the server's identity or its secrets, and it is recorded", async () => {
    const { carol } = world.as
    const cases: [string, ReturnType<typeof body>][] = [
      ['settings.credential.type', body('own', { type: 'environment' })],
      ['settings.credential.source.type', body('own', { ...role, source: { type: 'environment' } })],
      [
        'settings.credential.secretAccessKey',
        body('own', { ...key, secretAccessKey: { env: 'SIGNPOST_SECRET_KEY' } }),
      ],
      ['settings.credential.stsEndpoint', body('own', { ...role, stsEndpoint: 'http://169.254.169.254' })],
      [
        'settings.audiences[0].endpoint',
        body('own', key, { audiences: [{ name: 'in', endpoint: 'http://10.0.0.1' }] }),
      ],
    ]
    for (const [field, asked] of cases) {
      const error = await world.refused('createConnector', carol, asked, 'forbidden')
      assert.equal(error.field, field)
      const { type, decision, reason } = await world.lastEvent()
      assert.deepEqual([type, decision, reason], ['connector.create', 'deny', 'not_organisation_admin'])
    }
  })

  test("201: a team's admin connects with keys and roles of the team's own", async () => {
    const { carol } = world.as
    assert.equal((await world.call('createConnector', carol, body('keys', key))).team, 'demo')
    assert.equal((await world.call('createConnector', carol, body('role', role))).team, 'demo')
  })

  test('200, 403: what an organisation admin set may stay, and goes nowhere else', async () => {
    const { carol, root } = world.as
    const credential = { ...role, externalId: 'demo', source: { type: 'environment' } }
    await world.call('createConnector', root, body('lent', credential))
    const update = (changes: object, over: object = {}) => ({
      params: { connector: 'lent' },
      body: {
        settings: { ...base('lent'), ...over, credential: { ...credential, ...changes } },
        check: false,
      },
    })
    await world.call('updateConnector', carol, update({}, { marker: 'pseudonym' }))
    for (const changes of [{ roleArn: 'arn:aws:iam::2:role/other' }, { externalId: 'other' }]) {
      const error = await world.refused('updateConnector', carol, update(changes), 'forbidden')
      assert.equal(error.field, 'settings.credential.source.type')
      assert.equal((await world.lastEvent()).type, 'connector.update')
    }
    await world.call('updateConnector', root, update({ roleArn: 'arn:aws:iam::2:role/other' }))
    await world.call('updateConnector', carol, update({ source: key }))
  })

  test('the record says where a connector sends what, and which secrets it refers to, never what they are', async () => {
    const { root } = world.as
    const credential = {
      ...role,
      source: { ...key, accessKeyId: { file: 'b/id' }, secretAccessKey: { env: 'SIGNPOST_SECRET_B' } },
      stsEndpoint: 'https://sts.example',
    }
    const audiences = [{ name: 'in', endpoint: 'http://10.0.0.1' }]
    await world.call('createConnector', root, body('told', credential, { audiences }))
    const { details = {} } = await world.lastEvent()
    assert.equal(details['credential'], 'assumeRole')
    assert.equal(
      details['reserved'],
      'audiences[0].endpoint http://10.0.0.1, credential.source.accessKeyId file b/id, credential.source.secretAccessKey env SIGNPOST_SECRET_B, credential.stsEndpoint https://sts.example',
    )
    const environment = { ...role, source: { type: 'environment' } }
    const { check, settings } = body('told', environment).body
    await world.call('updateConnector', root, { params: { connector: 'told' }, body: { check, settings } })
    assert.equal((await world.lastEvent()).details?.['reserved'], 'credential.source.type environment')
  })
})
