import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLoginWorld } from './login-world.ts'

test('a login makes a user, a session in a cookie and a record of both', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const browser = world.browser()
  const done = await browser.login('/login?return=/v1/me')
  assert.equal(done.status, 303, await done.text())
  assert.equal(done.headers.get('location'), '/v1/me')
  const me = await browser.ask('/v1/me')
  const body = (await me.json()) as Record<string, unknown>
  assert.equal(me.status, 200, JSON.stringify(body))
  assert.equal(body['username'], 'alice@example.com')
  assert.equal(body['keyKind'], 'session')
  assert.equal(body['organisationRole'], 'member')
  const events = await world.events()
  const login = events.find(({ type }) => type === 'auth.login')
  assert.equal(login?.decision, 'allow')
  assert.equal(login?.username, 'alice@example.com')
  assert.equal(login?.details?.['identityProvider'], 'idp')
  assert.ok(
    events.some(({ type, details }) => type === 'user.create' && details?.['user'] === 'alice@example.com'),
  )
})
