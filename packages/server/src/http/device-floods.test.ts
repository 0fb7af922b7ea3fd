/** Who has no key begins logins at terminals, and asks for their tokens, without end: what it costs the server is bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSettings } from './test-server.ts'
import { openLoginWorld, type LoginWorld } from './testing/login-world.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

async function begin(world: LoginWorld, from?: string): Promise<{ status: number; deviceCode: string }> {
  const response = await fetch(`${world.url}/oidc/device_authorization`, {
    method: 'POST',
    headers: from === undefined ? {} : { 'x-forwarded-for': from },
    body: new URLSearchParams(),
  })
  const body = (await response.json()) as { device_code?: string }
  return { status: response.status, deviceCode: body.device_code ?? '' }
}

async function poll(world: LoginWorld, deviceCode: string): Promise<unknown> {
  const body = new URLSearchParams({ grant_type: grantType, device_code: deviceCode })
  const response = await fetch(`${world.url}/oidc/token`, { method: 'POST', body })
  return ((await response.json()) as { error?: unknown }).error
}

test('a terminal that never waits is told to wait a minute at most, and makes no writes meanwhile', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const { deviceCode } = await begin(world)
  for (let i = 0; i < 40; i++) assert.equal(await poll(world, deviceCode), 'slow_down')
  const stored = () =>
    world.app.deps.store.db
      .selectFrom('device_logins')
      .select(['interval_ms', 'asked_at'])
      .executeTakeFirstOrThrow()
  const before = await stored()
  assert.equal(before.interval_ms, 60_000)
  world.pass(10)
  assert.equal(await poll(world, deviceCode), 'slow_down')
  assert.deepEqual(await stored(), before)
  world.pass(51)
  assert.equal(await poll(world, deviceCode), 'authorization_pending')
  assert.notDeepEqual(await stored(), before)
})

test('logins of one IPv6 site count together, those of others do not', async (t) => {
  const settings = { ...testSettings, trustedProxies: ['127.0.0.1'] }
  const world = await openLoginWorld(t, { settings })
  await world.addProvider()
  const statuses = new Map<number, number>()
  for (let i = 0; i < 40; i++) {
    const { status } = await begin(world, `2001:db8:7:${i.toString(16)}::${i.toString(16)}`)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(statuses), { 200: 30, 429: 10 })
  assert.equal((await begin(world, '2001:db8:8::1')).status, 200)
  assert.equal((await begin(world, '192.0.2.1')).status, 200)
})
