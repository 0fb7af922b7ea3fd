/** Every operation, as somebody who has nothing to do with it: what is there and what is not must look the same. */
import assert from 'node:assert/strict'
import { after, before, test, describe } from 'node:test'
import { operations, SignpostError, type OperationId } from '@signpost/contract'
import { openWorld, settle, type Asked, type World } from './testing/world.ts'

describe('a stranger', () => {
  let world: World
  let uploadId: string
  let grantId: string
  let keyId: string
  before(async () => {
    world = await openWorld()
    const demo = { params: { team: 'demo' } }
    ;({ uploadId } = await world.call('openUpload', world.as.alice, { ...demo, body: { key: 'k' } }))
    const body = { action: 'write', key: 'k', contentLengthRange: { max: 5 } }
    ;({ grantId } = await world.call('issueUrl', world.as.alice, { ...demo, body }))
    await world.call('createServiceAccount', world.as.carol, { body: { username: 'ci', team: 'demo' } })
    ;({ id: keyId } = await world.call('createApiKey', world.as.carol, {
      body: { name: 'k', username: 'ci' },
    }))
  })
  after(() => world.close())

  const bodies: Partial<Record<OperationId, unknown>> = {
    issueUrl: { action: 'read', key: 'k' },
    issueUrls: { items: [{ action: 'read', key: 'k' }] },
    openUpload: { key: 'k' },
    signParts: { partNumbers: [1] },
    completeUpload: {},
    updateTeam: { prefix: 'x/' },
    setMember: { role: 'admin' },
    updateUser: { active: false },
    updateServiceAccount: { active: false },
    updateConnector: { isDefault: true },
    runDoctor: {},
    createAuditCheckpoint: {},
    createTeam: { name: 'demo' },
    startMove: { connector: 'main' },
    setRestrictedPrefix: { prefix: 'a/', grants: [] },
    explainAccess: { username: 'alice', team: 'demo', key: 'k', action: 'read' },
    createUser: { username: 'alice' },
    createServiceAccount: { username: 'x', team: 'demo' },
    createApiKey: { name: 'x', username: 'alice' },
    createShareLink: { key: 'k' },
    applyNetwork: { digest: 'x' },
    planLogging: {},
    applyLogging: { digest: 'x' },
    verifyLogging: {},
    createIdentityProvider: { name: 'x', issuer: 'https://issuer.example', clientId: 'x' },
    updateIdentityProvider: { enabled: false },
    linkIdentity: { issuer: 'https://issuer.example', subject: 'x' },
    createTrustRule: {
      name: 'x',
      issuer: 'https://issuer.example',
      audience: 'x',
      conditions: [{ claim: 'sub', equals: 'x' }],
      username: 'alice',
    },
    updateTrustRule: { enabled: false },
    testTrustRules: { token: 'x' },
    planRevocation: { target: { team: 'demo' } },
    revoke: { target: { username: 'alice' }, steps: [{ step: 'stop-issuing' }], reason: 'x' },
    createRole: { name: 'x', scope: 'team', permissions: ['objects.read'] },
    updateRole: { permissions: [] },
    createRestriction: { team: 'demo', username: 'alice', reason: 'x' },
    setBudget: { team: 'demo', limits: { urlsPerMinute: 1 } },
    createLogSource: { name: 'x', format: 's3-server-access', settings: { kind: 'upload' } },
    updateLogSource: { newToken: true },
    setAuditRetention: { trailDays: 30, accessLogDays: null, unparsedDays: null },
    createAuditHold: { name: 'x', reason: 'x' },
    erasePerson: { reason: 'x' },
    createAuditSink: { name: 'x', settings: { kind: 'webhook', url: 'https://sink.example' } },
    updateAuditSink: { enabled: false },
    updateFinding: { state: 'acknowledged' },
    createAlert: { name: 'x', url: 'https://hooks.example/x' },
    updateAlert: { enabled: false },
  }
  /** What is there, and the same question about what is not. */
  const there = () => ({
    params: {
      team: 'demo',
      username: 'ci',
      name: 'x',
      uploadId,
      grantId,
      id: keyId,
      connector: 'main',
      key: 'k',
      marker: 'alice',
      scope: 'team',
      role: 'member',
    },
    query: { team: 'demo', username: 'alice', key: 'k' },
  })
  const absent = {
    params: {
      team: 'nowhere',
      username: 'no',
      name: 'no',
      uploadId: 'no',
      grantId: 'no',
      id: 'no',
      connector: 'no',
      key: 'k',
      marker: 'no',
      scope: 'team',
      role: 'no',
    },
    query: { team: 'nowhere', username: 'no', key: 'k' },
  }
  /** What everybody may ask: the answer is about the asker, or filtered. */
  const open = new Set<OperationId>(['getMe', 'listTeams', 'listConnectors', 'listRoles', 'listBudgets'])

  const askedOf = (id: OperationId, from: { params: object; query: object }, body: unknown): Asked => {
    const operation = operations[id]
    const only = (names: string[], values: object) =>
      Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)))
    return {
      ...('params' in operation ? { params: only(Object.keys(operation.params.shape), from.params) } : {}),
      ...('query' in operation ? { query: only(Object.keys(operation.query.shape), from.query) } : {}),
      ...('body' in operation ? { body } : {}),
    }
  }
  const outcome = async (id: OperationId, asked: Asked) => {
    const error = await settle(() => world.call(id, world.as.mallory, asked))
    assert.ok(error instanceof SignpostError, `${id} should be refused to a stranger`)
    return { code: error.code, message: error.message, field: error.field }
  }

  for (const id of Object.keys(operations) as OperationId[]) {
    if (open.has(id)) continue
    test(`is refused ${id}, with a record, and cannot tell forbidden from absent`, async () => {
      const body =
        id === 'createConnector' ? { settings: world.settings('x'), team: 'demo', check: false } : bodies[id]
      const before = (await world.events()).length
      const one = await outcome(id, askedOf(id, there(), body))
      const written = (await world.events()).slice(before)
      assert.equal(written.length, 1, `${id} writes one record of the refusal`)
      assert.equal(written[0]?.decision, 'deny')
      assert.equal(written[0]?.username, 'mallory')
      assert.ok(one.code === 'not_found' || one.code === 'forbidden', one.code)
      const swapped = JSON.parse(
        JSON.stringify(body ?? {})
          .replace('"demo"', '"nowhere"')
          .replace('"alice"', '"no"'),
      ) as unknown
      assert.deepEqual(await outcome(id, askedOf(id, absent, swapped)), one)
    })
  }

  test('sees nothing in the lists that everybody may ask for', async () => {
    const { mallory } = world.as
    assert.deepEqual((await world.call('getMe', mallory)).teams, [])
    assert.deepEqual((await world.call('listTeams', mallory)).items, [])
    assert.deepEqual((await world.call('listConnectors', mallory)).items, [])
  })
})
