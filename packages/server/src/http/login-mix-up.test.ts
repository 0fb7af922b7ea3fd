/** A provider that sends browsers on to another one, to be handed the other's code (RFC 9700 §4.4). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startScriptedIssuer } from '../../../../tests/servers/scripted-issuer.ts'
import { openLoginWorld } from './testing/login-world.ts'

test('a code of one provider is shown to no other, also where it says nothing of who gave it', async (t) => {
  const world = await openLoginWorld(t)
  const silent = { authorization_response_iss_parameter_supported: false }
  world.issuer.script = { discovery: silent, callback: { iss: undefined } }
  await world.addProvider()
  const hostile = await startScriptedIssuer()
  t.after(() => hostile.stop())
  hostile.script = { discovery: silent }
  await world.addProvider({ name: 'hostile', issuer: hostile.url })

  // Who holds the hostile provider begins a login of their own, and sends a victim's browser on with what stands in it.
  const attacker = world.browser()
  const asked = async (browser: typeof attacker, path: string) =>
    new URL((await browser.ask(path)).headers.get('location')!)
  const own = await asked(attacker, '/login/idp')
  const victim = world.browser()
  const begun = await asked(victim, '/login/hostile')
  const forged = new URL(own)
  forged.searchParams.set('state', begun.searchParams.get('state')!)
  const back = new URL((await fetch(forged, { redirect: 'manual' })).headers.get('location')!)
  assert.ok(back.searchParams.get('code'))
  const answer = await victim.ask(back.pathname + back.search)

  assert.equal(answer.status, 400, await answer.text())
  assert.equal(hostile.asked.includes('/token'), false, 'the hostile provider was shown the code')
  const denied = (await world.events()).filter(({ decision }) => decision === 'deny')
  assert.deepEqual(
    denied.map(({ type, reason }) => [type, reason]),
    [['auth.login', 'wrong_provider']],
  )
})

test('providers have redirect addresses of their own; the old common one is none', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  await world.addProvider({ name: 'second' })
  const { body } = await world.call('GET', '/v1/identity-providers')
  assert.deepEqual(
    (body['items'] as { redirectUri: string }[]).map(({ redirectUri }) => redirectUri),
    [`${world.url}/oidc/callback/idp`, `${world.url}/oidc/callback/second`],
  )
  const browser = world.browser()
  const answer = await browser.ask((await browser.callback()).replace('/callback/idp', '/callback'))
  assert.equal(answer.status, 404)
  assert.equal(browser.jar.has('signpost-session'), false)
})
