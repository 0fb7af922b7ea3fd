/** Who somebody becomes by a login, and what their groups give them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLoginWorld, type LoginWorld } from './testing/login-world.ts'

/** Who the browser is after a login; a refusal's reason, as it was recorded, otherwise. */
async function loggedInAs(world: LoginWorld, claims: Record<string, unknown> = {}): Promise<string> {
  world.issuer.script = { ...world.issuer.script, claims }
  const browser = world.browser()
  const answer = await browser.login('/login/idp')
  if (answer.status === 303) {
    const me = await browser.ask('/v1/me')
    return ((await me.json()) as { username: string }).username
  }
  assert.equal(answer.status, 403, await answer.text())
  assert.equal(browser.jar.has('signpost-session'), false)
  return `refused: ${(await world.events()).at(-1)?.reason}`
}

async function made(
  world: LoginWorld,
  path: string,
  body: unknown,
  method = 'POST',
): Promise<Record<string, unknown>> {
  const { status, body: answer } = await world.call(method, path, body)
  assert.ok(status < 300, JSON.stringify(answer))
  return answer
}

describe('an identity is who its issuer and subject say, and a name only where nobody has it', () => {
  test('the same subject is the same user, whatever it is called by then', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    assert.equal(await loggedInAs(world), 'alice@example.com')
    assert.equal(await loggedInAs(world, { email: 'married@example.com' }), 'alice@example.com')
    assert.equal(await loggedInAs(world, { email: undefined }), 'alice@example.com')
  })

  test('another subject with the same address is not that user', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    assert.equal(await loggedInAs(world), 'alice@example.com')
    assert.equal(await loggedInAs(world, { sub: 'Subject-1' }), 'refused: has_another_identity')
    assert.equal(await loggedInAs(world, { sub: 'subject-1 ' }), 'refused: has_another_identity')
  })

  test('an address that is not verified names nobody', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    for (const verified of [false, undefined, 'false', 1, null])
      assert.equal(await loggedInAs(world, { email_verified: verified }), 'refused: email_not_verified')
    assert.equal(await loggedInAs(world, { email_verified: 'true' }), 'alice@example.com')
  })

  test('only addresses of the domains that log in here, verified, at every login', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider({ domains: ['example.com'], usernameClaim: 'sub' })
    assert.equal(await loggedInAs(world), 'subject-1')
    for (const email of ['alice@example.com.evil.test', 'alice@sub.example.com', 'alice@example.org'])
      assert.equal(await loggedInAs(world, { email }), 'refused: other_domain', email)
    for (const email of ['example.com', '@example.com', 'a@evil.test@example.com', 'a b@example.com'])
      assert.equal(await loggedInAs(world, { email }), 'refused: email_not_verified', email)
    assert.equal(await loggedInAs(world, { email_verified: false }), 'refused: email_not_verified')
    assert.equal(await loggedInAs(world, { email: 'alice@EXAMPLE.com' }), 'subject-1')
  })

  test('names that could pass for another are refused', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider({ usernameClaim: 'preferred_username' })
    for (const name of ['', ' alice', 'ali\u200bce', 'a\nb', 7, { a: 1 }, undefined, 'x'.repeat(129)])
      assert.equal(await loggedInAs(world, { preferred_username: name }), 'refused: unusable_name')
  })

  test('without createUsers only those log in who are there', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider({ createUsers: false })
    assert.equal(await loggedInAs(world), 'refused: no_such_user')
    await made(world, '/v1/users', { username: 'alice@example.com' })
    assert.equal(await loggedInAs(world), 'alice@example.com')
  })
})

describe('a user who is there already', () => {
  test('is found by a verified address, once', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    await made(world, '/v1/users', { username: 'alice@example.com' })
    await made(world, '/v1/users', { username: 'bob' })
    assert.equal(await loggedInAs(world, { email: 'bob' }), 'refused: email_not_verified')
    assert.equal(await loggedInAs(world), 'alice@example.com')
    const login = (await world.events()).findLast(({ type }) => type === 'auth.login')
    assert.equal(login?.details?.['user'], 'linked')
    assert.equal(await loggedInAs(world, { sub: 'another' }), 'refused: has_another_identity')
  })

  test('is never found by a claim that the user may choose', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider({ usernameClaim: 'preferred_username' })
    await made(world, '/v1/users', { username: 'bob' })
    assert.equal(await loggedInAs(world, { preferred_username: 'bob' }), 'refused: not_verified')
  })

  test('with a role of the organisation logs in only where an admin has linked it', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    await made(world, '/v1/users', { username: 'alice@example.com', organisationRole: 'admin' })
    assert.equal(await loggedInAs(world), 'refused: has_organisation_role')
    const refused = (await world.events()).at(-1)
    const identity = { issuer: world.issuer.url, subject: refused?.details?.['subject'] }
    const path = '/v1/users/alice@example.com/identities'
    await made(world, path, identity)
    assert.equal(await loggedInAs(world), 'alice@example.com')
    assert.equal((await world.call('POST', path, identity)).body['code'], 'conflict')
    const { items } = (await world.call('GET', path)).body as { items: unknown[] }
    assert.equal(items.length, 1)
  })

  test('that is a service account, or not active, is nobody’s login', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    await made(world, '/v1/service-accounts', { username: 'alice@example.com' })
    assert.equal(await loggedInAs(world), 'refused: name_of_service_account')
    assert.equal(await loggedInAs(world, { email: 'bob@example.com', sub: 'bob' }), 'bob@example.com')
    await made(world, '/v1/users/bob@example.com', { active: false }, 'PATCH')
    assert.equal(
      await loggedInAs(world, { email: 'bob@example.com', sub: 'bob' }),
      'refused: inactive_principal',
    )
  })

  test('is not found by a provider whose maker may not act for everybody', async (t) => {
    const world = await openLoginWorld(t)
    await made(world, '/v1/roles', {
      name: 'identity',
      scope: 'organisation',
      permissions: ['identity.manage', 'connectors.manage'],
    })
    await made(world, '/v1/users', { username: 'ivan', organisationRole: 'identity' })
    const { token } = await made(world, '/v1/api-keys', {
      name: 'k',
      username: 'ivan',
    })
    await made(world, '/v1/users', { username: 'alice@example.com' })
    const { status, body } = await world.call(
      'POST',
      '/v1/identity-providers',
      {
        name: 'idp',
        issuer: world.issuer.url,
        clientId: world.issuer.clientId,
        clientSecret: world.issuer.clientSecret,
        allowInternal: true,
      },
      String(token),
    )
    assert.equal(status, 201, JSON.stringify(body))
    assert.equal(await loggedInAs(world), 'refused: provider_finds_no_users')
    assert.equal(await loggedInAs(world, { email: 'new@example.com' }), 'new@example.com')
  })
})

describe('groups', () => {
  const groups = [
    { group: 'ml', team: 'vision', role: 'member' },
    { group: 'leads', team: 'vision', role: 'admin' },
    { group: 'audit', organisationRole: 'auditor' },
    { group: 'owners', organisationRole: 'admin' },
  ]
  const open = async (t: Parameters<typeof openLoginWorld>[0]) => {
    const world = await openLoginWorld(t)
    await made(world, '/v1/teams', { name: 'vision' })
    await made(world, '/v1/teams', { name: 'audio' })
    await world.addProvider({ groupsClaim: 'groups', groups })
    return world
  }
  const teamsOf = async (world: LoginWorld, told: unknown) => {
    const username = await loggedInAs(world, { groups: told })
    const { body } = await world.call('GET', `/v1/users/${username}`)
    const { body: members } = await world.call('GET', '/v1/teams/vision/members')
    const items = members['items'] as { username: string; role: string }[]
    return [body['organisationRole'], items.find((one) => one.username === username)?.role ?? null]
  }

  test('give and take memberships at every login', async (t) => {
    const world = await open(t)
    assert.deepEqual(await teamsOf(world, ['ml', 'other']), ['member', 'member'])
    assert.deepEqual(await teamsOf(world, ['leads']), ['member', 'admin'])
    assert.deepEqual(await teamsOf(world, ['ml', 'leads']), ['member', 'member'], 'the first mapping counts')
    assert.deepEqual(await teamsOf(world, 'leads'), ['member', 'admin'])
    for (const told of [[], undefined, ['ML', 'ml '], [{ ml: true }], { ml: 'ml' }, 'ml,leads', null])
      assert.deepEqual(await teamsOf(world, told), ['member', null], JSON.stringify(told))
  })

  test('leave memberships that were made by hand', async (t) => {
    const world = await open(t)
    await teamsOf(world, [])
    const member = '/v1/teams/vision/members/alice@example.com'
    await made(world, member, { role: 'viewer' }, 'PUT')
    assert.deepEqual(await teamsOf(world, ['leads']), ['member', 'viewer'])
    assert.deepEqual(await teamsOf(world, []), ['member', 'viewer'])
    await world.call('DELETE', member)
    assert.deepEqual(await teamsOf(world, ['leads']), ['member', 'admin'])
    await made(world, member, { role: 'admin' }, 'PUT')
    assert.deepEqual(await teamsOf(world, []), ['member', 'admin'], 'what is set by hand stays by hand')
  })

  test('give and take roles of the organisation, but no role that was given by hand', async (t) => {
    const world = await open(t)
    assert.deepEqual(await teamsOf(world, ['audit']), ['auditor', null])
    assert.deepEqual(await teamsOf(world, ['owners']), ['admin', null])
    assert.deepEqual(await teamsOf(world, []), ['member', null])
    await teamsOf(world, ['audit'])
    await made(world, '/v1/users/alice@example.com', { organisationRole: 'viewer' }, 'PATCH')
    assert.deepEqual(await teamsOf(world, ['owners']), ['viewer', null])
  })

  test('are recorded, one by one', async (t) => {
    const world = await open(t)
    await teamsOf(world, ['ml', 'audit'])
    await teamsOf(world, [])
    const told = (await world.events())
      .filter(({ reason }) => reason === 'groups')
      .map(({ type, team, username }) => [type, team, username])
    const who = 'alice@example.com'
    assert.deepEqual(told, [
      ['member.set', 'vision', who],
      ['user.update', undefined, who],
      ['member.remove', 'vision', who],
      ['user.update', undefined, who],
    ])
  })

  test('give nothing that whoever maps them does not have', async (t) => {
    const world = await open(t)
    await made(world, '/v1/roles', {
      name: 'identity',
      scope: 'organisation',
      permissions: ['identity.manage', 'connectors.manage'],
    })
    await made(world, '/v1/users', { username: 'ivan', organisationRole: 'identity' })
    const { token } = await made(world, '/v1/api-keys', {
      name: 'k',
      username: 'ivan',
    })
    const as = async (method: string, path: string, body: unknown) =>
      (await world.call(method, path, body, String(token))).body['code']
    const provider = {
      name: 'own',
      issuer: world.issuer.url,
      clientId: 'c',
      allowInternal: true,
      groupsClaim: 'g',
    }
    for (const group of [
      { group: 'g', team: 'vision', role: 'viewer' },
      { group: 'g', organisationRole: 'auditor' },
    ])
      assert.equal(await as('POST', '/v1/identity-providers', { ...provider, groups: [group] }), 'forbidden')
    // What an admin has mapped does not become another provider's.
    for (const change of [
      { issuer: world.issuer.url, clientSecret: 'x' },
      { clientId: 'mine' },
      { groupsClaim: 'mine' },
      { enabled: true },
      { domains: [] },
    ])
      assert.equal(
        await as('PATCH', '/v1/identity-providers/idp', change),
        'forbidden',
        JSON.stringify(change),
      )
    assert.equal(await as('PATCH', '/v1/identity-providers/idp', { enabled: false }), undefined)
  })

  test('that are mapped no more give nothing any more, also to whoever never logs in again', async (t) => {
    const world = await open(t)
    assert.deepEqual(await teamsOf(world, ['leads', 'owners']), ['admin', 'admin'])
    const members = async () => {
      const { body } = await world.call('GET', '/v1/teams/vision/members')
      const { body: user } = await world.call('GET', '/v1/users/alice@example.com')
      const items = body['items'] as { username: string; role: string }[]
      return [user['organisationRole'], items.map(({ username, role }) => `${username} ${role}`)]
    }
    await made(world, '/v1/users', { username: 'bob' })
    await made(world, '/v1/teams/vision/members/bob', { role: 'admin' }, 'PUT')
    const provider = '/v1/identity-providers/idp'
    await made(world, provider, { groups: [{ group: 'others', team: 'vision', role: 'admin' }] }, 'PATCH')
    const both = ['alice@example.com admin', 'bob admin']
    assert.deepEqual(await members(), ['member', both], 'the team is still given by another mapping')
    await made(world, provider, { groups: [{ group: 'leads', team: 'vision' }] }, 'PATCH')
    assert.deepEqual(await members(), ['member', ['bob admin']], 'what was given by hand stays')
  })

  test('are not for another team of the same name', async (t) => {
    const world = await open(t)
    const refused = await world.call('DELETE', '/v1/teams/vision')
    assert.deepEqual([refused.status, refused.body['code']], [409, 'conflict'])
    const [, ...others] = groups.filter(({ team }) => team !== undefined)
    await made(world, '/v1/identity-providers/idp', { groups: others }, 'PATCH')
    assert.equal((await world.call('DELETE', '/v1/teams/vision')).status, 409)
    await made(world, '/v1/identity-providers/idp', { groups: [] }, 'PATCH')
    assert.equal((await world.call('DELETE', '/v1/teams/vision')).status, 204)
    await made(world, '/v1/teams', { name: 'vision' })
    assert.deepEqual(await teamsOf(world, ['ml', 'leads']), ['member', null])
  })

  test('of a provider that is gone give nothing any more', async (t) => {
    const world = await open(t)
    await teamsOf(world, ['ml', 'owners'])
    assert.equal((await world.call('DELETE', '/v1/identity-providers/idp')).status, 204)
    assert.equal((await world.call('GET', '/v1/users/alice@example.com')).body['organisationRole'], 'member')
    assert.deepEqual((await world.call('GET', '/v1/teams/vision/members')).body['items'], [])
  })
})

test('an identity that is taken back logs nobody in, and ends the sessions', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider({ createUsers: false })
  await made(world, '/v1/users', { username: 'alice' })
  const path = '/v1/users/alice/identities'
  const { id } = await made(world, path, { issuer: world.issuer.url, subject: 'subject-1' })
  const browser = world.browser()
  assert.equal((await browser.login()).status, 303)
  assert.equal((await browser.ask('/v1/me')).status, 200)
  assert.equal((await world.call('DELETE', `${path}/${String(id)}`)).status, 204)
  assert.equal((await browser.ask('/v1/me')).status, 401)
  assert.equal(await loggedInAs(world), 'refused: no_such_user')
  assert.equal((await world.call('DELETE', `${path}/${String(id)}`)).status, 404)
})
