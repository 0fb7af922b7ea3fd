import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import {
  identityProviderChanges,
  withIdentityProviderFlags,
  type IdentityProviderFlags,
} from './identity-provider-flags.ts'
import type { Io } from './io.ts'

const changes = (flags: IdentityProviderFlags) => identityProviderChanges({} as Io, flags)

test('only what was given is said', async () => {
  assert.deepEqual(await changes({}), {})
  assert.deepEqual(await changes({ createUsers: false, idle: 600, scope: ['groups', 'openid'] }), {
    createUsers: false,
    sessionIdleSeconds: 600,
    scopes: ['openid', 'groups'],
  })
})

test('mappings and domains are taken away again, and not without being told', async () => {
  assert.deepEqual(await changes({ map: false, domain: false }), { groups: [], domains: [] })
  const given = (...options: string[]) =>
    changes(withIdentityProviderFlags(new Command(), false).parse(options, { from: 'user' }).opts())
  assert.deepEqual(await given(), {})
  assert.deepEqual(await given('--no-domain'), { domains: [] })
  assert.deepEqual(await given('--no-map', '--domain', 'acme.com'), { groups: [], domains: ['acme.com'] })
})

test('a mapping is a group, a place and a role, whatever the group is called', async () => {
  const map = ['ml=vision:member', 'CN=ml,OU=a:b=organisation:admin', 'a group = x=vision:viewer']
  assert.deepEqual((await changes({ map })).groups, [
    { group: 'ml', team: 'vision', role: 'member' },
    { group: 'CN=ml,OU=a:b', organisationRole: 'admin' },
    { group: 'a group = x', team: 'vision', role: 'viewer' },
  ])
  for (const wrong of ['ml', 'ml=vision', '=vision:member', 'ml=Vision:member', 'ml=vision:', 'ml=:member'])
    await assert.rejects(changes({ map: [wrong] }), /write GROUP=TEAM:ROLE/)
})

test('the secret is read, or referred to, and never an argument', async () => {
  assert.deepEqual(await changes({ secretFrom: 'env:SIGNPOST_SECRET_A' }), {
    clientSecret: { env: 'SIGNPOST_SECRET_A' },
  })
  assert.deepEqual(await changes({ secretFrom: 'file:okta/secret' }), {
    clientSecret: { file: 'okta/secret' },
  })
  await assert.rejects(changes({ secretFrom: 'the-secret-itself' }), (error: Error) => {
    assert.equal(error.message.includes('the-secret-itself'), false)
    return true
  })
  await assert.rejects(changes({ secretFrom: 'env:A', clientSecretFile: 'b' }), /give one of/)
})
