/** Who manages logins alone does not have the server ask inside its own network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLoginWorld, type LoginWorld } from './testing/login-world.ts'

async function managerOfLogins(world: LoginWorld): Promise<string> {
  const permissions = ['identity.manage']
  await world.call('POST', '/v1/roles', { name: 'identity', scope: 'organisation', permissions })
  await world.call('POST', '/v1/users', { username: 'ivan', organisationRole: 'identity' })
  return String((await world.call('POST', '/v1/api-keys', { name: 'k', username: 'ivan' })).body['token'])
}

test('internal addresses of providers and issuers are for who may manage connectors', async (t) => {
  const world = await openLoginWorld(t)
  const ivan = await managerOfLogins(world)
  const { url: issuer } = world.issuer
  const provider = { name: 'idp', issuer, clientId: 'c' }
  const rule = {
    name: 'rule',
    issuer,
    audience: 'a',
    username: 'ivan',
    conditions: [{ claim: 'sub', equals: 'x' }],
  }
  const refused = async (method: string, path: string, body: object) => {
    const answer = await world.call(method, path, body, ivan)
    assert.deepEqual([answer.status, answer.body['field']], [403, 'allowInternal'], `${method} ${path}`)
    const { decision, reason } = (await world.events()).at(-1)!
    assert.deepEqual([decision, reason], ['deny', 'not_organisation_admin'])
  }
  const inside = { allowInternal: true }
  await refused('POST', '/v1/identity-providers', { ...provider, ...inside })
  await refused('POST', '/v1/trust-rules', { ...rule, ...inside })
  assert.deepEqual(world.issuer.asked, [], 'nothing was asked')
  assert.equal((await world.call('POST', '/v1/trust-rules', rule, ivan)).status, 503, 'outside it may be')

  // What an admin has let in is not turned elsewhere.
  for (const [path, body] of [
    ['/v1/identity-providers', provider],
    ['/v1/trust-rules', rule],
  ] as const)
    assert.equal((await world.call('POST', path, { ...body, ...inside })).status, 201)
  const elsewhere = { issuer: 'http://127.0.0.1:1' }
  await refused('PATCH', '/v1/identity-providers/idp', elsewhere)
  await refused('PATCH', '/v1/identity-providers/idp', inside)
  await refused('PATCH', '/v1/trust-rules/rule', elsewhere)
  await refused('PATCH', '/v1/trust-rules/rule', inside)
  assert.equal((await world.call('PATCH', '/v1/identity-providers/idp', { domains: [] }, ivan)).status, 200)
  assert.equal((await world.call('PATCH', '/v1/trust-rules/rule', { audience: 'b' }, ivan)).status, 200)
})
