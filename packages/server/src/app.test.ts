import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { operations, type Operation } from '@signpost/contract'
import { createApp, systemClock, systemIds, type App } from './app.ts'
import { createFirstAdmin } from './first-run/first-admin.ts'
import { testLog, testPolicy, testSettings } from './http/test-server.ts'
import { openSqliteStore } from './store/sqlite.ts'

async function startedApp(t: TestContext): Promise<{ app: App; url: string; admin: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-app-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const store = await openSqliteStore({ file: join(folder, 'db'), clock: systemClock, newId: systemIds() })
  t.after(() => store.close())
  const app = createApp({
    store,
    masterKeys: [new Uint8Array(32)],
    policy: testPolicy,
    settings: testSettings,
    log: testLog([]),
    version: '0.0.0',
  })
  const first = await createFirstAdmin(app.deps, undefined, folder)
  assert.ok(first)
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  app.start()
  t.after(() => app.close())
  return { app, url, admin: first.token }
}

/** A request body that each operation's schema takes, so that what refuses a stranger is not the schema. */
const bodies: Partial<Record<keyof typeof operations, unknown>> = {
  issueUrl: { action: 'read', key: 'secret.txt' },
  issueUrls: { items: [{ action: 'read', key: 'secret.txt' }] },
  openUpload: { key: 'secret.txt' },
  signParts: { partNumbers: [1] },
  completeUpload: {},
  createTeam: { name: 'mine' },
  updateTeam: { prefix: 'mine/' },
  setMember: { role: 'admin' },
  createUser: { username: 'friend' },
  updateUser: { organisationRole: 'admin' },
  createServiceAccount: { username: 'robot', team: 'secret' },
  updateServiceAccount: { active: false },
  createApiKey: { name: 'k', username: 'owner' },
  createConnector: {
    settings: {
      kind: 's3',
      name: 'mine',
      bucket: 'b',
      region: 'r',
      credential: { type: 'static', accessKeyId: 'a', secretAccessKey: 'b' },
    },
    check: false,
  },
  updateConnector: { isDefault: true, check: false },
  runDoctor: {},
  createAuditCheckpoint: {},
  createTrustRule: {
    name: 'x',
    issuer: 'https://issuer.example',
    audience: 'x',
    conditions: [{ claim: 'sub', equals: 'x' }],
    username: 'owner',
  },
  updateTrustRule: { enabled: false },
  testTrustRules: { token: 'x' },
  createShareLink: { key: 'k' },
  applyNetwork: { digest: 'none' },
  planLogging: {},
  applyLogging: { digest: 'none' },
  verifyLogging: {},
  planRevocation: { target: { team: 'secret' } },
  revoke: { target: { team: 'secret' }, steps: [{ step: 'stop-issuing' }], reason: 'x' },
  createIdentityProvider: { name: 'x', issuer: 'https://issuer.example', clientId: 'x' },
  updateIdentityProvider: { enabled: false },
  linkIdentity: { issuer: 'https://issuer.example', subject: 'x' },
  startMove: { connector: 'secret', prefix: 'there/' },
  setRestrictedPrefix: { prefix: 'secret/', grants: [] },
  explainAccess: { username: 'owner', team: 'secret', key: 'secret.txt', action: 'read' },
  createRestriction: { team: 'secret', username: 'owner', reason: 'x' },
  setBudget: { team: 'secret', limits: { urlsPerMinute: 1 } },
  createLogSource: { name: 'x', format: 's3-server-access', settings: { kind: 'upload' } },
  updateLogSource: { newToken: true },
  createAuditSink: { name: 'mine', settings: { kind: 'webhook', url: 'https://sink.example' } },
  updateAuditSink: { enabled: false },
  setAuditRetention: { trailDays: 30, accessLogDays: null, unparsedDays: null },
  createAuditHold: { name: 'x', reason: 'x' },
  erasePerson: { reason: 'x' },
  updateFinding: { state: 'acknowledged' },
  createAlert: { name: 'x', url: 'https://hooks.example/x' },
  updateAlert: { enabled: false },
  createRole: { name: 'own', scope: 'team', permissions: [] },
  updateRole: { permissions: [] },
}

const queries: Partial<Record<keyof typeof operations, string>> = {
  whoAccessed: '?key=secret.txt',
  traceUser: '?username=owner',
}

/** What any user may ask about: itself and what it may see, which is nothing here. */
const ownBusiness = new Set([
  'getMe',
  'listRoles',
  'listTeams',
  'listApiKeys',
  'listConnectors',
  'listServiceAccounts',
  'listBudgets',
  'listSessions',
])

test('every route of the contract, walked over HTTP: without a key nothing, to a stranger nothing of others', async (t) => {
  const { url, admin } = await startedApp(t)
  const call = (token: string | undefined, method: string, path: string, body?: unknown) =>
    fetch(url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const made = async (path: string, body: unknown): Promise<Record<string, string>> => {
    const response = await call(admin, 'POST', path, body)
    const text = await response.text()
    assert.equal(response.status, 201, text)
    return JSON.parse(text) as Record<string, string>
  }
  const { id: ownerId } = await made('/v1/users', { username: 'owner' })
  await made('/v1/users', { username: 'stranger' })
  const { id: keyId } = await made('/v1/api-keys', { name: 'k', username: 'owner' })
  const { token: stranger } = await made('/v1/api-keys', { name: 'k', username: 'stranger' })
  const settings = (bodies.createConnector as { settings: object }).settings
  await made('/v1/connectors', { settings: { ...settings, name: 'secret' }, team: undefined, check: false })
  await made('/v1/teams', { name: 'secret', connector: 'secret' })
  await made('/v1/service-accounts', { username: 'secret-robot', team: 'secret' })
  const names: Record<string, string> = {
    team: 'secret',
    username: 'owner',
    name: 'secret',
    connector: 'secret',
    id: keyId!,
    uploadId: '00000000-0000-7000-8000-000000000000',
    marker: 'owner',
    scope: 'team',
    role: 'member',
    key: 'secret.txt',
  }
  const secrets = /owner|secret|"prefix"|"settings"|X-Amz|sealed/

  for (const [id, operation] of Object.entries(operations) as [keyof typeof operations, Operation][]) {
    const path = operation.path.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) =>
      id.endsWith('ServiceAccount') && name === 'username' ? 'secret-robot' : names[name]!,
    )
    const asked = path + (queries[id] ?? '')
    for (const token of [undefined, 'sp_000000000000_' + 'x'.repeat(43)]) {
      const response = await call(token, operation.method, asked, bodies[id])
      const text = await response.text()
      assert.equal(response.status, 401, `${id} without a valid key: ${text}`)
      assert.doesNotMatch(text, secrets, id)
    }
    if (operation.body) assert.ok(bodies[id], `the test has no body for ${id}`)
    const response = await call(stranger, operation.method, asked, bodies[id])
    const text = await response.text()
    if (ownBusiness.has(id)) assert.equal(response.status, 200, `${id}: ${text}`)
    else assert.ok([403, 404].includes(response.status), `${id} as a stranger: ${response.status} ${text}`)
    assert.doesNotMatch(text, secrets, `${id} as a stranger`)
    assert.equal(text.includes(ownerId!), false, `${id} as a stranger`)
  }
  const metrics = await call(stranger, 'GET', '/metrics')
  assert.equal(metrics.status, 403)
})

test('the metrics count requests, decisions about URLs and commits', async (t) => {
  const { url, admin } = await startedApp(t)
  const authorization = `Bearer ${admin}`
  await fetch(`${url}/v1/teams/nowhere/urls`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(bodies.issueUrl),
  })
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text()
  assert.match(text, /signpost_http_requests_total\{operation="issueUrl",status="404"\} 1/)
  assert.match(text, /signpost_url_decisions_total\{kind="none",action="read",decision="deny"\} 1/)
  assert.match(text, /signpost_commit_seconds_count\{result="ok"\} \d/)
  assert.doesNotMatch(text, /nowhere|admin"/)
})
