import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openScimWorld, patch, userUrn, type ScimWorld } from './test-scim.ts'

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

  test('PATCH', async () => {
    const { id } = await world.addUser('bob')
    const answer = await world.scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'Replace', value: { active: 'False' } }),
    )
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal(answer.body.active, false)
  })

  test('group', async () => {
    const { id } = await world.addUser('carl')
    const group = await world.addGroup('vision', { members: [{ value: id }] })
    assert.equal(group.members[0].role, 'member')
    assert.equal((await world.scim('GET', `/Users/${id}`)).body.groups[0].display, 'vision')
    const list = await world.scim('GET', '/Groups?excludedAttributes=members')
    assert.equal(list.body.totalResults, 1)
    assert.equal((await world.scim('DELETE', `/Groups/${group.id}`)).status, 204)
    await world.refused([404], 'GET', `/Groups/${group.id}`)
    const found = await world.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "CARL"')}`)
    assert.equal(found.body.totalResults, 1, JSON.stringify(found.body))
  })
})
