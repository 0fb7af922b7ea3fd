import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { updatePrincipal } from '../../store/principals.ts'
import { openScimWorld, patch, userUrn, type Json, type ScimWorld } from './test-scim.ts'

describe('SCIM users', () => {
  let world: ScimWorld
  before(async () => {
    world = await openScimWorld()
  })
  after(() => world.close())

  test('201: a user is made, with what is kept and nothing else', async () => {
    const body = {
      schemas: [userUrn, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
      id: 'mine',
      userName: 'ada@example.org',
      externalId: 'ext-ada',
      NAME: { givenName: 'Ada', FamilyName: 'Lovelace', unknown: 'x' },
      displayName: 'Ada L.',
      active: true,
      emails: [{ value: 'ada@example.org', type: 'work', primary: true }],
      password: 'correct horse battery staple',
      title: 'Countess',
      groups: [{ value: 'admins' }],
      meta: { created: '1815-12-10T00:00:00Z', resourceType: 'Admin' },
      organisation_role: 'admin',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engines' },
    }
    const { status, headers, body: made } = await world.scim('POST', '/Users', body)
    assert.equal(status, 201, JSON.stringify(made))
    const { id, meta, ...said } = made
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.deepEqual(said, {
      schemas: [userUrn],
      externalId: 'ext-ada',
      userName: 'ada@example.org',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      displayName: 'Ada L.',
      active: true,
      emails: [{ value: 'ada@example.org', type: 'work', primary: true }],
      roles: [{ value: 'member', primary: true }],
    })
    assert.equal(meta.resourceType, 'User')
    assert.equal(meta.created, meta.lastModified)
    assert.equal(headers.get('location'), meta.location)
    assert.equal(headers.get('etag'), meta.version)
    assert.ok(meta.location.endsWith(`/scim/v2/Users/${id}`))
    assert.deepEqual((await world.scim('GET', `/Users/${id}`)).body, made)
    const row = await world.app.deps.store.db
      .selectFrom('principals')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    assert.doesNotMatch(JSON.stringify(row), /horse|Countess|Engines|1815/)
    const event = (await world.events()).at(-1)!
    assert.deepEqual([event.type, event.decision, event.username], ['user.create', 'allow', 'scim'])
    assert.deepEqual(event.details, {
      user: 'ada@example.org',
      organisationRole: 'member',
      active: true,
      externalId: 'ext-ada',
      by: 'scim',
    })
  })

  const query = (filter: string) => `/Users?filter=${encodeURIComponent(filter)}`
  const found = async (filter: string) => {
    const { body } = await world.scim('GET', query(filter))
    assert.ok(body.Resources, JSON.stringify(body))
    return (body.Resources as Json[]).map(({ userName }) => userName)
  }
  const allOf = (permission: string, of: Json[]) => of.filter(({ type }) => type === permission)

  test('400: what a user cannot be without or with', async () => {
    const post = (body: unknown) => ['POST', '/Users', body] as const
    const schemas = [userUrn]
    await world.refused([400, 'invalidSyntax'], ...post({ userName: 'x' }))
    await world.refused([400, 'invalidSyntax'], ...post({ schemas: ['urn:nobody'], userName: 'x' }))
    await world.refused([400, 'invalidSyntax'], ...post({ schemas: userUrn, userName: 'x' }))
    await world.refused([400, 'invalidSyntax'], ...post('[]'))
    await world.refused([400, 'invalidSyntax'], ...post('null'))
    await world.refused([400, 'invalidSyntax'], ...post('{"userName": '))
    await world.refused([400, 'invalidSyntax'], ...post(''))
    await world.refused(
      [400, 'invalidSyntax'],
      ...post(`{"schemas":["${userUrn}"],"userName":"x","__proto__":{"a":1}}`),
    )
    await world.refused([400, 'invalidValue'], ...post({ schemas }))
    for (const userName of [
      '',
      null,
      7,
      [],
      {},
      ' x',
      'x\u0000',
      'x\ud800',
      'al\u00adice',
      '\u202ex',
      'Zoe\u0308',
      'x'.repeat(129),
    ])
      await world.refused([400, 'invalidValue'], ...post({ schemas, userName }))
    for (const more of [
      { active: 'perhaps' },
      { displayName: 'a\nb' },
      { displayName: 'x'.repeat(257) },
      { emails: ['a', { value: 'b', primary: true }, { value: 'c', primary: 'true' }] },
      { emails: [{ type: 'work' }] },
      { emails: Array.from({ length: 21 }, (_, n) => `${n}@x`) },
      { roles: ['member', 'viewer'] },
      { roles: ['no-such-role'] },
      { externalId: 5 },
      { externalId: 'x'.repeat(257) },
      { name: { givenName: ['x'] } },
    ])
      await world.refused([400, 'invalidValue'], ...post({ schemas, userName: 'never', ...more }))
    await world.refused([400, 'invalidSyntax'], ...post({ schemas, userName: 'never', name: 'Ada' }))
    await world.refused([400, 'invalidSyntax'], ...post({ schemas, userName: 'never', emails: [7] }))
    assert.deepEqual(await found('userName eq "never"'), [])
    const { status } = await world.scim('POST', '/Users', '<xml/>', {
      headers: { 'content-type': 'text/xml' },
    })
    assert.equal(status, 415)
  })

  test('409 uniqueness: names in any case, of service accounts too, and external ids', async () => {
    await world.addUser('Grace', { externalId: 'ext-grace' })
    for (const userName of ['Grace', 'gRACE', 'scim'])
      await world.refused([409, 'uniqueness'], 'POST', '/Users', { schemas: [userUrn], userName })
    const body = { schemas: [userUrn], userName: 'other', externalId: 'ext-grace' }
    await world.refused([409, 'uniqueness'], 'POST', '/Users', body)
    const { id } = await world.addUser('other')
    const change = patch({ op: 'add', path: 'externalId', value: 'ext-grace' })
    await world.refused([409, 'uniqueness'], 'PATCH', `/Users/${id}`, change)
    const twice = await Promise.all(
      [1, 2].map(() => world.scim('POST', '/Users', { schemas: [userUrn], userName: 'twice' })),
    )
    assert.deepEqual(
      twice.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 409],
    )
    assert.equal(twice.find(({ status }) => status === 409)?.body.scimType, 'uniqueness')
  })

  test('usernames of any script are kept and found', async () => {
    for (const userName of [
      'Zoë',
      '李小龙',
      'мария@пример.рф',
      'o\'brien "x" \\ 100%',
      '😀',
      'a+b@c.d',
      'x/y?z#&=',
    ]) {
      const { id } = await world.addUser(userName)
      assert.deepEqual(await found(`userName eq ${JSON.stringify(userName)}`), [userName])
      assert.equal((await world.scim('GET', `/Users/${id}`)).body.userName, userName)
    }
    assert.deepEqual(await found('userName eq "ZOë"'), ['Zoë'])
    assert.deepEqual(await found('userName eq "ZOË"'), [])
  })

  test('400 mutability: a username stays, but for the same in another case', async () => {
    const { id } = await world.addUser('Stays')
    const put = (userName: string) => ['PUT', `/Users/${id}`, { schemas: [userUrn], userName }] as const
    await world.refused([400, 'mutability'], ...put('moves'))
    await world.refused(
      [400, 'mutability'],
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'replace', path: 'userName', value: 'moves' }),
    )
    const kept = await world.scim(...put('STAYS'))
    assert.deepEqual([kept.status, kept.body.userName], [200, 'Stays'])
  })

  test('PUT replaces what it says and takes away what it leaves out, but for role and activity', async () => {
    const { id } = await world.addUser('put', {
      displayName: 'P',
      externalId: 'ext-put',
      name: { givenName: 'P' },
      emails: ['p@x'],
      active: false,
      roles: ['viewer'],
    })
    const put = async (more: object) =>
      (await world.scim('PUT', `/Users/${id}`, { schemas: [userUrn], userName: 'put', ...more })).body
    const { meta: _, ...left } = await put({ id: 'other', displayName: 'Q' })
    assert.deepEqual(left, {
      schemas: [userUrn],
      id,
      userName: 'put',
      displayName: 'Q',
      active: false,
      roles: [{ value: 'viewer', primary: true }],
    })
    assert.deepEqual((await put({ roles: [] })).roles, [{ value: 'member', primary: true }])
    await world.refused([400, 'invalidValue'], 'PUT', `/Users/${id}`, { schemas: [userUrn] })
    await world.refused([404], 'PUT', '/Users/none', { schemas: [userUrn], userName: 'none' })
  })

  test('a role is given only by who holds what it allows', async () => {
    const { id } = await world.addUser('climber')
    const role = (value: string) =>
      ['PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'roles', value: [{ value }] })] as const
    for (const value of ['admin', 'auditor']) {
      assert.match(await world.refused([403], ...role(value)), /nobody gives more/)
      await world.refused([403], 'POST', '/Users', {
        schemas: [userUrn],
        userName: 'born-high',
        roles: [value],
      })
    }
    const { type, decision, reason, details } = (await world.events()).at(-1)!
    assert.deepEqual(
      [type, decision, reason, details?.['by']],
      ['user.create', 'deny', 'more_than_own', 'scim'],
    )
    for (const value of ['viewer', 'directory', 'member']) {
      const { status, body } = await world.scim(...role(value))
      assert.deepEqual([status, body.roles[0].value], [200, value])
    }
    const byAdmin = await world.scim(...role('auditor'), { token: world.admin })
    assert.equal(byAdmin.body.roles[0].value, 'auditor')
    // Now with more than the directory has: its word counts for leaving only.
    await world.refused(
      [403],
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'add', path: 'emails', value: ['taken@over'] }),
    )
    await world.refused(
      [403],
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'add', path: 'externalId', value: 'taken-over' }),
    )
    await world.refused([403], ...role('member'))
    await world.refused([403], 'DELETE', `/Users/${id}`)
    const active = (value: boolean) =>
      ['PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value })] as const
    assert.equal((await world.scim(...active(false))).body.active, false)
    await world.refused([403], ...active(true))
    assert.equal((await world.scim('DELETE', `/Users/${id}`)).status, 204)
  })

  test('409: the last active admin of the organisation is neither stopped nor deleted nor demoted', async () => {
    const [admin] = (await world.scim('GET', query('roles.value eq "admin"'))).body.Resources as Json[]
    const path = `/Users/${admin.id}`
    const as = { token: world.admin }
    await world.refused([409], 'PATCH', path, patch({ op: 'replace', value: { active: false } }))
    await world.refused([409], 'PATCH', path, patch({ op: 'replace', path: 'roles', value: ['member'] }), as)
    await world.refused([409], 'DELETE', path, undefined, as)
    await world.refused(
      [409],
      'PUT',
      path,
      { schemas: [userUrn], userName: admin.userName, active: false },
      as,
    )
    const second = await world.scim(
      'POST',
      '/Users',
      { schemas: [userUrn], userName: 'second', roles: ['admin'] },
      as,
    )
    const both = await Promise.all(
      [admin.id, second.body.id].map((id) =>
        world.scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'roles', value: ['viewer'] }), as),
      ),
    )
    assert.deepEqual(both.map(({ status }) => status).filter((status) => status === 200).length, 1)
    const left = (await world.scim('GET', query('roles.value eq "admin"'))).body.Resources as Json[]
    assert.equal(left.length, 1)
    // Whichever it was: the first one's key goes on being used.
    if (left[0].id !== admin.id) {
      await world.app.deps.store.commit({
        statements: [updatePrincipal(world.app.deps.store.db, admin.id, { organisation_role: 'admin' })],
        events: [],
      })
    }
  })

  test('from the next request on, whoever is stopped or deleted has no way in', async () => {
    const { id } = await world.addUser('leaver')
    const key = (await world.api('POST', '/v1/api-keys', { name: 'k', username: 'leaver' })).body
      .token as string
    const asks = async () => (await world.api('GET', '/v1/me', undefined, key)).status
    assert.equal(await asks(), 200)
    const active = (value: boolean) =>
      world.scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value }))
    await active(false)
    assert.equal(await asks(), 401)
    await active(true)
    assert.equal(await asks(), 200)
    assert.equal((await world.scim('DELETE', `/Users/${id}`)).status, 204)
    assert.equal(await asks(), 401)
    await world.refused([404], 'GET', `/Users/${id}`)
    await world.refused([404], 'DELETE', `/Users/${id}`)
    const about = (await world.events()).filter(({ details }) => details?.['user'] === 'leaver')
    assert.deepEqual(
      about.map(({ type, details }) => [type, details?.['active'], details?.['by']]),
      [
        ['user.create', true, 'scim'],
        ['user.update', false, 'scim'],
        ['user.update', true, 'scim'],
        ['user.delete', undefined, 'scim'],
      ],
    )
    assert.equal(allOf('user.update', about).length, 2)
  })

  test('what changes nothing writes nothing; names and addresses stay out of the audit trail', async () => {
    const { id } = await world.addUser('quiet', {
      emails: ['private@home.example'],
      name: { givenName: 'Prudence' },
    })
    const count = (await world.events()).length
    const same = patch({
      op: 'replace',
      value: { active: true, emails: [{ value: 'private@home.example' }] },
    })
    assert.equal((await world.scim('PATCH', `/Users/${id}`, same)).status, 200)
    assert.equal((await world.events()).length, count)
    await world.scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'add', path: 'emails', value: ['second@home.example'] }),
    )
    const event = (await world.events()).at(-1)!
    assert.deepEqual(event.details, { user: 'quiet', profile: 'changed', by: 'scim' })
    assert.doesNotMatch(JSON.stringify(await world.events()), /home\.example|Prudence/)
  })

  test('versions: 304 for who has it, 412 for who has an older one, one of many at once', async () => {
    const { id, meta } = await world.addUser('versioned')
    const path = `/Users/${id}`
    const get = (tag: string) => world.scim('GET', path, undefined, { headers: { 'if-none-match': tag } })
    assert.equal((await get(meta.version)).status, 304)
    assert.equal((await get(meta.version)).headers.get('etag'), meta.version)
    assert.equal((await get(`"other", ${meta.version}`)).status, 304)
    assert.equal((await get('W/"other"')).status, 200)
    const set = (displayName: string, tag: string) =>
      world.scim('PATCH', path, patch({ op: 'replace', value: { displayName } }), {
        headers: { 'if-match': tag },
      })
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => set(`name ${n}`, meta.version)))
    assert.deepEqual(
      all.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, ...Array.from({ length: 7 }, () => 412)],
    )
    const winner = all.find(({ status }) => status === 200)!
    const now = (await world.scim('GET', path)).body
    assert.deepEqual(
      [now.displayName, now.meta.version],
      [winner.body.displayName, winner.headers.get('etag')],
    )
    assert.notEqual(now.meta.version, meta.version)
    const old = { headers: { 'if-match': meta.version } }
    await world.refused([412], 'PUT', path, { schemas: [userUrn], userName: 'versioned' }, old)
    await world.refused([412], 'DELETE', path, undefined, old)
    assert.equal((await set('any', '*')).status, 200)
    const { meta: then } = (await world.scim('GET', path)).body
    world.pass(5)
    await world.api('PATCH', '/v1/users/versioned', { displayName: 'by hand' })
    const { meta: after } = (await world.scim('GET', path)).body
    assert.ok(after.lastModified > then.lastModified && after.version !== then.version)
    // Without a version all of them count, one after the other.
    const free = await Promise.all(
      ['displayName', 'externalId', 'name.givenName'].map((at) =>
        world.scim('PATCH', path, patch({ op: 'add', path: at, value: 'x' })),
      ),
    )
    assert.deepEqual(
      free.map(({ status }) => status),
      [200, 200, 200],
    )
    const { displayName, externalId, name } = (await world.scim('GET', path)).body
    assert.deepEqual([displayName, externalId, name], ['x', 'x', { givenName: 'x' }])
  })

  test('service accounts are not there', async () => {
    const { body: robot } = await world.api('POST', '/v1/service-accounts', { username: 'robot' })
    assert.deepEqual(await found('userName eq "robot"'), [])
    assert.deepEqual(await found(`id eq "${robot.id}"`), [])
    assert.equal((await found('userName pr')).includes('robot'), false)
    await world.refused([404], 'GET', `/Users/${robot.id}`)
    await world.refused(
      [404],
      'PATCH',
      `/Users/${robot.id}`,
      patch({ op: 'replace', value: { active: false } }),
    )
    await world.refused([404], 'PUT', `/Users/${robot.id}`, { schemas: [userUrn], userName: 'robot' })
    await world.refused([404], 'DELETE', `/Users/${robot.id}`)
    assert.equal((await world.api('GET', '/v1/service-accounts')).body.items.length, 2)
  })
})
