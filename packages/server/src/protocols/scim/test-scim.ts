/** A server with a directory's key, for the tests of SCIM. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEvent } from '@signpost/contract'
import { createApp, systemClock, systemIds, type App } from '../../app.ts'
import { createFirstAdmin } from '../../first-run/first-admin.ts'
import { testLog, testPolicy, testSettings } from '../../http/test-server.ts'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'

export interface Answer {
  status: number
  headers: Headers
  // What a test looks at, it knows the shape of.
  body: Json
}
// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked at, not computed with
export type Json = any

export interface Call {
  token?: string
  headers?: Record<string, string>
}

export interface ScimWorld {
  app: App
  url: string
  /** The first admin's key. */
  admin: string
  /** Of a service account whose role holds users.manage and teams.manage, and nothing else. */
  directory: string
  api(method: string, path: string, body?: unknown, token?: string): Promise<Answer>
  /** Below /scim/v2, as the directory unless told; a text is sent as it is. */
  scim(method: string, path: string, body?: unknown, call?: Call): Promise<Answer>
  /** Expects a refusal in SCIM's form, and answers its text. */
  refused(
    expected: [status: number, scimType?: string],
    method: string,
    path: string,
    body?: unknown,
    call?: Call,
  ): Promise<string>
  addUser(userName: string, more?: object): Promise<Json>
  addGroup(displayName: string, more?: object): Promise<Json>
  events(): Promise<AuditEvent[]>
  pass(seconds: number): void
  close(): Promise<void>
}

export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const teamUrn = 'urn:signpost:params:scim:schemas:extension:2.0:Team'
export const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const patch = (...Operations: object[]) => ({ schemas: [patchUrn], Operations })

export async function openScimWorld(given?: { store: Store }): Promise<ScimWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-scim-'))
  let passedMs = 0
  const clock = () => systemClock() + passedMs
  const newId = systemIds(clock)
  const store = given?.store ?? (await openSqliteStore({ file: join(folder, 'db'), clock, newId }))
  const app = openApp(store, clock)
  const admin = (await createFirstAdmin(app.deps, undefined, folder))!.token
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const send = async (
    method: string,
    path: string,
    body: unknown,
    { token, headers }: Call,
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  const api: ScimWorld['api'] = (method, path, body, token = admin) => send(method, path, body, { token })
  const directory = await directoryKey(api)
  const scim: ScimWorld['scim'] = (method, path, body, call = {}) =>
    send(method, `/scim/v2${path}`, body, {
      token: directory,
      ...call,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...call.headers,
      },
    })
  const made = async (path: string, body: object): Promise<Json> => {
    const answer = await scim('POST', path, body)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body
  }
  return {
    app,
    url,
    admin,
    directory,
    api,
    scim,
    async refused([status, scimType], method, path, body, call) {
      const answer = await scim(method, path, body, call)
      const seen = JSON.stringify(answer.body)
      assert.equal(answer.status, status, seen)
      assert.equal(answer.headers.get('content-type'), 'application/scim+json; charset=utf-8')
      assert.deepEqual(answer.body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error'])
      assert.equal(answer.body.status, String(status))
      assert.equal(answer.body.scimType, scimType, seen)
      return answer.body.detail as string
    },
    addUser: (userName, more = {}) => made('/Users', { schemas: [userUrn], userName, ...more }),
    addGroup: (displayName, more = {}) => made('/Groups', { schemas: [groupUrn], displayName, ...more }),
    async events() {
      const all: AuditEvent[] = []
      for await (const row of exportAuditEvents(store.db)) all.push(JSON.parse(row.event) as AuditEvent)
      return all
    },
    pass: (seconds) => void (passedMs += seconds * 1000),
    async close() {
      await app.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function openApp(store: Store, clock = systemClock): App {
  return createApp({
    store,
    masterKeys: [new Uint8Array(32)],
    policy: testPolicy,
    settings: testSettings,
    log: testLog([]),
    version: '0.0.0',
    clock,
    newId: systemIds(clock),
  })
}

async function directoryKey(api: ScimWorld['api']): Promise<string> {
  const made = async (path: string, body: object) => {
    const answer = await api('POST', path, body)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body
  }
  const permissions = ['users.manage', 'teams.manage']
  await made('/v1/roles', { scope: 'organisation', name: 'directory', permissions })
  await made('/v1/service-accounts', { username: 'scim', organisationRole: 'directory' })
  return (await made('/v1/api-keys', { name: 'directory', username: 'scim' })).token as string
}
