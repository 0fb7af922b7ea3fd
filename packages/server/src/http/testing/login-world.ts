/** A server with an identity provider, and a browser that is made of fetch and a jar of cookies: for tests of logins. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { createApp, systemClock, systemIds, type App } from '../../app.ts'
import { createSecretReader } from '../../connectors/secrets.ts'
import { createFirstAdmin } from '../../first-run/first-admin.ts'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import { startScriptedIssuer, type ScriptedIssuer } from '../../../../../tests/servers/scripted-issuer.ts'
import type { HttpSettings } from '../deps.ts'
import { testLog, testPolicy, testSettings } from '../test-server.ts'

export interface LoginWorld {
  app: App
  url: string
  /** The first admin's API key. */
  admin: string
  issuer: ScriptedIssuer
  /** Lines of the log, `debug` too. */
  logged: readonly object[]
  pass(seconds: number): void
  events(): Promise<AuditEvent[]>
  call(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  /** Sets the provider up, with what a test says of it. */
  addProvider(settings?: Record<string, unknown>): Promise<void>
  browser(): Browser
}

export async function openLoginWorld(
  t: TestContext,
  options: { settings?: Partial<HttpSettings>; publicUrl?: string; secrets?: Record<string, string> } = {},
): Promise<LoginWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-login-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let passedMs = 0
  const clock = () => systemClock() + passedMs
  const newId = systemIds(clock)
  const store = await openSqliteStore({ file: join(folder, 'db'), clock, newId })
  t.after(() => store.close())
  const logged: Parameters<typeof testLog>[0] = []
  const log = testLog(logged)
  log.level = 'debug'
  const app = createApp({
    store,
    masterKeys: [new Uint8Array(32)],
    policy: testPolicy,
    settings: { ...testSettings, ...options.settings },
    log,
    version: '0.0.0',
    clock,
    newId,
    readSecret: createSecretReader({ env: options.secrets ?? {} }),
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
  })
  const admin = (await createFirstAdmin(app.deps, undefined, folder))!.token
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const issuer = await startScriptedIssuer()
  t.after(() => issuer.stop())
  const call: LoginWorld['call'] = async (method, path, body, token = admin) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }
  return {
    app,
    url,
    admin,
    issuer,
    logged,
    call,
    pass: (seconds) => void (passedMs += seconds * 1000),
    async events() {
      const all: AuditEvent[] = []
      for await (const row of exportAuditEvents(store.db)) all.push(JSON.parse(row.event) as AuditEvent)
      return all
    },
    async addProvider(settings = {}) {
      const { status, body } = await call('POST', '/v1/identity-providers', {
        name: 'idp',
        issuer: issuer.url,
        clientId: issuer.clientId,
        clientSecret: issuer.clientSecret,
        allowInternal: true,
        ...settings,
      })
      assert.equal(status, 201, JSON.stringify(body))
    },
    browser: () => createBrowser(url),
  }
}

export interface Browser {
  jar: Map<string, string>
  /** One request, with the cookies of this server, following nothing. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** From /login through the provider and back: the answer of /oidc/callback/<provider>. */
  login(path?: string): Promise<Response>
  /** The address that the provider sends this browser back to. */
  callback(path?: string): Promise<string>
}

export function createBrowser(url: string): Browser {
  const jar = new Map<string, string>()
  const browser: Browser = {
    jar,
    async ask(path, init = {}) {
      const headers = new Headers(init.headers)
      if (jar.size > 0 && !headers.has('cookie'))
        headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
      const response = await fetch(url + path, { ...init, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) {
        const [pair = '', ...attributes] = line.split('; ')
        const [name = '', value = ''] = pair.split(/=(.*)/)
        if (attributes.includes('Max-Age=0')) jar.delete(name)
        else jar.set(name, value)
      }
      return response
    },
    async callback(path = '/login/idp') {
      const begun = await browser.ask(path)
      assert.equal(begun.status, 303, await begun.text())
      const back = await fetch(begun.headers.get('location')!, { redirect: 'manual' })
      const { pathname, search } = new URL(back.headers.get('location')!)
      return pathname + search
    },
    async login(path) {
      return browser.ask(await browser.callback(path))
    },
  }
  return browser
}
