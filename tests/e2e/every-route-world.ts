/** A server over HTTP with a team that has one of each thing, and people around it who should see nothing of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '@signpost/local-store'
import { createApp, systemClock, systemIds, type App } from '../../packages/server/src/app.ts'
import { createFirstAdmin } from '../../packages/server/src/first-run/first-admin.ts'
import { testLog, testSettings } from '../../packages/server/src/http/test-server.ts'
import { openSqliteStore } from '../../packages/server/src/store/sqlite.ts'
import type { Names } from './every-route.ts'

const credential = { accessKeyId: 'hidden-key-id', secretAccessKey: 'hidden-secret-key' }

/** Without what differs from one call to the next. */
export interface Answer {
  status: number
  text: string
  headers: Record<string, string>
}

/** owner, viewer, neighbour (admin of another team), stranger (in no team), gone (was admin; deactivated), admin, wrong. */
export type Tokens = Record<string, string>

export interface WalledTeam {
  app: App
  tokens: Tokens
  names: Names
  call(token: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  close(): Promise<void>
}

export async function openWalledTeam(): Promise<WalledTeam> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-routes-'))
  const bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: [credential] })
  await bucket.createBucket('hidden-bucket')
  const store = await openSqliteStore({ file: join(folder, 'db'), clock: systemClock, newId: systemIds() })
  const app = createApp({
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
  const tokens: Tokens = { admin: first!.token, wrong: `sp_000000000000_${'x'.repeat(43)}` }
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const call: WalledTeam['call'] = async (...request) => callAt(url, ...request)
  return {
    app,
    tokens,
    names: await peopled(call, tokens, bucket.endpoint),
    call,
    async close() {
      await app.close()
      await store.close()
      await bucket.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function callAt(
  url: string,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
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

/** A team with one of each thing, and people around it. */
async function peopled(call: WalledTeam['call'], tokens: Tokens, endpoint: string): Promise<Names> {
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
  const settings = {
    kind: 's3',
    name: 'hidden-connector',
    bucket: 'hidden-bucket',
    endpoint: endpoint,
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
