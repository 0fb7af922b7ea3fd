/**
 * Every route there is, of the contract and beside it, as each of those who should see nothing: what is there and what is
 * not must be the same answer, in status, body and headers, and nothing of the team may stand in it.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { operations, type Operation, type OperationId } from '@signpost/contract'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import { createApp, systemClock, systemIds, type App } from '../../packages/server/src/app.ts'
import { createFirstAdmin } from '../../packages/server/src/first-run/first-admin.ts'
import { testLog, testSettings } from '../../packages/server/src/http/test-server.ts'
import { openSqliteStore } from '../../packages/server/src/store/sqlite.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { bodyOf, otherRoutes, pathOf, queryOf, type Names } from './every-route.ts'

const credential = { accessKeyId: 'hidden-key-id', secretAccessKey: 'hidden-secret-key' }
/** What only the team may see. */
const hidden = /hidden(?!-key-id)|payroll/

describe('every route', () => {
  let app: App
  let store: Store
  let bucket: LocalStore
  let url: string
  let there: Names
  const folder = mkdtempSync(join(tmpdir(), 'signpost-routes-'))
  const tokens: Record<string, string> = {}

  interface Answer {
    status: number
    text: string
    headers: Record<string, string>
  }
  const call = async (
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { 'x-request-id': requestId, date: _date, ...headers } = Object.fromEntries(response.headers)
    const text = (await response.text()).replaceAll(requestId!, 'REQUEST')
    return { status: response.status, text, headers }
  }
  const made = async (
    by: string,
    method: string,
    path: string,
    body: unknown,
  ): Promise<Record<string, string>> => {
    const { status, text } = await call(tokens[by], method, path, body)
    assert.ok(status === 200 || status === 201, `${path}: ${text}`)
    return JSON.parse(text) as Record<string, string>
  }

  before(async () => {
    bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: [credential] })
    await bucket.createBucket('hidden-bucket')
    store = await openSqliteStore({ file: join(folder, 'db'), clock: systemClock, newId: systemIds() })
    app = createApp({
      store,
      masterKeys: [new Uint8Array(32)],
      policy: {
        readSecondsDefault: 3600,
        readSecondsMax: 3600,
        writeSecondsDefault: 3600,
        writeSecondsMax: 3600,
        uploadSecondsMax: 3600,
        apiKeySecondsMax: 0,
        teamAdminsMaySetEndpoints: false,
      },
      settings: testSettings,
      log: testLog([]),
      version: '0.0.0',
      localStoreEndpoint: bucket.endpoint,
    })
    const first = await createFirstAdmin(app.deps, undefined, folder)
    tokens['admin'] = first!.token
    url = await app.server.listen({ host: '127.0.0.1', port: 0 })
    there = await peopled()
  })
  after(async () => {
    await app?.close()
    await store?.close()
    await bucket?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A team with one of each thing, and people around it. */
  async function peopled(): Promise<Names> {
    const settings = {
      kind: 's3',
      name: 'hidden-connector',
      bucket: 'hidden-bucket',
      endpoint: bucket.endpoint,
      region: 'us-east-1',
      addressing: 'path',
      marker: 'username',
      credential: { type: 'static', ...credential },
    }
    const others = { ...settings, name: 'others', bucket: 'others' }
    for (const one of [settings, others])
      await made('admin', 'POST', '/v1/connectors', { settings: one, check: false })
    await made('admin', 'POST', '/v1/teams', { name: 'hidden', connector: 'hidden-connector' })
    await made('admin', 'POST', '/v1/teams', { name: 'other', connector: 'others' })
    const people = { owner: 'admin', viewer: 'viewer', gone: 'admin', stranger: '', neighbour: '' }
    for (const [actor, role] of Object.entries(people)) {
      const username = actor === 'owner' ? 'hidden-owner' : actor
      await made('admin', 'POST', '/v1/users', { username })
      if (role) await made('admin', 'PUT', `/v1/teams/hidden/members/${username}`, { role })
      tokens[actor] = (await made('admin', 'POST', '/v1/api-keys', { name: 'k', username }))['token']!
    }
    await made('admin', 'PUT', '/v1/teams/other/members/neighbour', { role: 'admin' })
    await made('admin', 'PATCH', '/v1/users/gone', { active: false })
    await made('admin', 'POST', '/v1/service-accounts', { username: 'hidden-robot', team: 'hidden' })
    const { id: keyId } = await made('admin', 'POST', '/v1/api-keys', {
      name: 'hidden',
      username: 'hidden-owner',
    })
    await made('admin', 'POST', '/v1/roles', { name: 'hidden-role', scope: 'team', permissions: [] })
    const team = '/v1/teams/hidden'
    const { id: teamId } = await made('owner', 'GET', team, undefined)
    const { id: userId } = await made('admin', 'GET', '/v1/users/hidden-owner', undefined)
    const { uploadId } = await made('owner', 'POST', `${team}/uploads`, { key: 'hidden.bin' })
    const write = { action: 'write', key: 'hidden.txt', contentLengthRange: { max: 9 } }
    const { grantId } = await made('owner', 'POST', `${team}/urls`, write)
    const { id: prefixId } = await made('owner', 'PUT', `${team}/restricted-prefixes`, {
      prefix: 'payroll/',
      grants: [],
    })
    const { id: restrictionId } = await made('admin', 'POST', '/v1/restrictions', {
      team: 'hidden',
      username: 'hidden-robot',
      reason: 'hidden',
    })
    const { id: budgetId } = await made('admin', 'PUT', '/v1/budgets', {
      team: 'hidden',
      limits: { urlsPerMinute: 100_000 },
    })
    const { id: linkId } = await made('owner', 'POST', `${team}/links`, {
      key: 'hidden.txt',
      expiresInSeconds: 600,
    })
    return {
      team: 'hidden',
      username: 'hidden-owner',
      account: 'hidden-robot',
      connector: 'hidden-connector',
      role: 'hidden-role',
      key: 'hidden.txt',
      marker: 'hidden-owner',
      name: 'hidden',
      userId: userId!,
      teamId: teamId!,
      uploadId: uploadId!,
      grantId: grantId!,
      ids: {
        deleteApiKey: keyId!,
        deleteRestrictedPrefix: prefixId!,
        endRestriction: restrictionId!,
        deleteBudget: budgetId!,
        deleteShareLink: linkId!,
      },
    }
  }

  const nobodyThere: Names = {
    team: 'nowhere',
    username: 'nobody',
    account: 'no-robot',
    connector: 'no-connector',
    role: 'no-role',
    key: 'hidden.txt',
    marker: 'nobody',
    name: 'nothing',
    userId: '00000000-0000-7000-8000-000000000002',
    teamId: '00000000-0000-7000-8000-000000000003',
    uploadId: '00000000-0000-7000-8000-000000000000',
    grantId: '00000000-0000-7000-8000-000000000001',
    ids: {},
  }

  const ask = async (actor: string | undefined, id: OperationId, names: Names): Promise<Answer> => {
    const operation: Operation = operations[id]
    const path = pathOf(id, operation, names) + queryOf(operation, names)
    return call(actor === undefined ? undefined : tokens[actor], operation.method, path, bodyOf(id, names))
  }

  /** Answered to everybody, about themselves or with what they may see. Two of them name whom they are about. */
  const open = new Set<OperationId>(['getMe', 'listTeams', 'listConnectors', 'listRoles', 'listBudgets'])
  const ids = Object.keys(operations) as OperationId[]

  for (const actor of ['stranger', 'neighbour'] as const)
    for (const id of ids)
      test(`${actor}: ${id} shows nothing of another team, not even that it is there`, async () => {
        const one = await ask(actor, id, there)
        // A role may be seen by whoever gives one.
        if (id !== 'listRoles') assert.doesNotMatch(one.text, hidden)
        if (open.has(id)) return assert.equal(one.status, 200, one.text)
        assert.ok([403, 404].includes(one.status), `${one.status} ${one.text}`)
        assert.deepEqual(await ask(actor, id, nobodyThere), one)
        return undefined
      })

  for (const id of ids)
    test(`who was deactivated, and who is nobody: ${id} is refused, and the two look the same`, async () => {
      const one = await ask('gone', id, there)
      assert.equal(one.status, 401, one.text)
      assert.doesNotMatch(one.text, hidden)
      assert.deepEqual(await ask('gone', id, nobodyThere), one)
      tokens['wrong'] = `sp_000000000000_${'x'.repeat(43)}`
      for (const nobody of ['wrong', undefined]) assert.deepEqual(await ask(nobody, id, there), one)
    })

  /** What a viewer of the team is answered. All else is refused. */
  const viewers = new Set<OperationId>([
    'issueUrl',
    'issueUrls',
    'listObjects',
    'getTeam',
    'listMembers',
    'listServiceAccounts',
    'getConnector',
    'getDoctorReport',
    'listShareLinks',
    ...open,
  ])
  for (const id of ids)
    test(`a viewer: ${id} ${viewers.has(id) ? 'shows no secret' : 'is refused'}`, async () => {
      const one = await ask('viewer', id, there)
      const none = id === 'getDoctorReport'
      assert.equal(viewers.has(id), one.status === 200 || none, `${id}: ${one.status} ${one.text}`)
      if (!viewers.has(id)) assert.ok([403, 404].includes(one.status), `${id}: ${one.status} ${one.text}`)
      assert.doesNotMatch(one.text, /hidden-secret-key|payroll|sealed/)
    })

  for (const actor of ['viewer', 'neighbour', 'admin', 'stranger'] as const)
    for (const id of ids.filter(
      (one) => operations[one].path.includes('{uploadId}') || one === 'verifyWrite',
    ))
      test(`${actor}: ${id} of another's upload is as of one that is not there`, async () => {
        const one = await ask(actor, id, there)
        assert.ok([403, 404].includes(one.status), `${one.status} ${one.text}`)
        const { uploadId, grantId } = nobodyThere
        assert.deepEqual(await ask(actor, id, { ...there, uploadId, grantId }), one)
      })

  test('every route beside the contract is known here, and shows nothing', async () => {
    const routes = otherRoutes(app.server.printRoutes({ commonPrefix: false }))
    assert.ok(routes.length > 10, routes.map(({ path }) => path).join(' '))
    for (const { method, path } of routes) {
      for (const actor of ['stranger', 'neighbour', 'viewer', 'gone', undefined] as const) {
        const fill = (names: Names) =>
          path
            .replace(':provider', names.name)
            .replace(':team', names.team)
            .replace(':id', path.includes('Groups') ? names.teamId : names.userId)
            // As Fastify prints a route that ends with `/*`.
            .replace(/\/?\*$/, `/${names.key}`)
        const token = actor === undefined ? undefined : tokens[actor]
        const one = await call(token, method, fill(there))
        assert.ok(one.status < 500, `${method} ${path}: ${one.status} ${one.text}`)
        // Pages may show the address that they were asked at.
        assert.doesNotMatch(one.text, /payroll|hidden-(?!key-id)/, `${method} ${path} ${actor}`)
        if (actor === 'viewer') continue
        const other = await call(token, method, fill(nobodyThere))
        // Where an answer repeats the address, it repeats what was asked.
        const plain = (answer: Answer, { team }: Names) =>
          JSON.parse(JSON.stringify(answer).replaceAll(`/${team}/`, '/TEAM/')) as Answer
        assert.deepEqual(plain(other, nobodyThere), plain(one, there), `${method} ${path} ${actor}`)
      }
    }
  })
})
