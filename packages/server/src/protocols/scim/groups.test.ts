import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { insertPrincipal } from '../../store/principals.ts'
import { insertUpload } from '../../store/uploads.ts'
import { principalRow } from '../../broker/users.ts'
import { groupUrn, openScimWorld, patch, teamUrn, type Json, type ScimWorld } from './test-scim.ts'

describe('SCIM groups', () => {
  let world: ScimWorld
  const ids: Record<string, string> = {}
  before(async () => {
    world = await openScimWorld()
    for (const name of ['ada', 'bob', 'cleo', 'dan']) ids[name] = (await world.addUser(name)).id
  })
  after(() => world.close())

  const member = (...names: string[]) => names.map((name) => ({ value: ids[name] }))
  const add = (...names: string[]) => patch({ op: 'add', path: 'members', value: member(...names) })
  const membersOf = async (id: string): Promise<Record<string, string>> => {
    const { body } = await world.scim('GET', `/Groups/${id}`)
    return Object.fromEntries(((body.members ?? []) as Json[]).map(({ display, role }) => [display, role]))
  }
  const change = (id: string, ...operations: object[]) =>
    world.scim('PATCH', `/Groups/${id}`, patch(...operations))

  test('201: a team is made with its members, each recorded', async () => {
    const body = {
      schemas: [groupUrn],
      displayName: 'vision',
      externalId: 'ext-vision',
      members: member('ada', 'bob'),
    }
    const { status, headers, body: made } = await world.scim('POST', '/Groups', body)
    assert.equal(status, 201, JSON.stringify(made))
    assert.deepEqual(made.schemas, [groupUrn, teamUrn])
    assert.deepEqual(made[teamUrn], { prefix: 'vision/' })
    assert.deepEqual(await membersOf(made.id), { ada: 'member', bob: 'member' })
    const [first] = made.members as Json[]
    assert.equal(first.type, 'User')
    assert.ok(first.$ref.endsWith(`/scim/v2/Users/${first.value}`))
    assert.equal(headers.get('etag'), made.meta.version)
    const { body: ada } = await world.scim('GET', `/Users/${ids['ada']}`)
    assert.deepEqual(ada.groups, [
      { value: made.id, $ref: made.meta.location, display: 'vision', type: 'direct' },
    ])
    const { body: team } = await world.api('GET', '/v1/teams/vision')
    assert.deepEqual([team.id, team.prefix], [made.id, 'vision/'])
    const events = (await world.events()).filter(({ team: of }) => of === 'vision')
    assert.deepEqual(
      events.map(({ type, details }) => [type, details?.['member'], details?.['role'], details?.['by']]),
      [
        ['team.create', undefined, undefined, 'scim'],
        ['member.set', 'ada', 'member', 'scim'],
        ['member.set', 'bob', 'member', 'scim'],
      ],
    )
  })

  test('201: connector, prefix and role of members by the extension', async () => {
    const settings = {
      kind: 's3',
      name: 'lake',
      bucket: 'b',
      region: 'eu-central-1',
      credential: { type: 'static', accessKeyId: 'a', secretAccessKey: 'b' },
    }
    assert.equal((await world.api('POST', '/v1/connectors', { settings, check: false })).status, 201)
    const more = { [teamUrn]: { connector: 'lake', prefix: 'deep/water/', memberRole: 'viewer' } }
    const made = await world.addGroup('lake-team', {
      ...more,
      members: [...member('ada'), { value: ids['bob'], role: 'admin' }],
    })
    assert.deepEqual(made[teamUrn], more[teamUrn])
    assert.deepEqual(await membersOf(made.id), { ada: 'viewer', bob: 'admin' })
    await world.scim('PATCH', `/Groups/${made.id}`, add('cleo'))
    assert.equal((await membersOf(made.id))['cleo'], 'viewer')
    const taken = {
      schemas: [groupUrn],
      displayName: 'other-lake',
      [teamUrn]: { connector: 'lake', prefix: 'deep/' },
    }
    await world.refused([409], 'POST', '/Groups', taken)
    await world.refused([409], 'POST', '/Groups', { ...taken, [teamUrn]: { connector: 'nowhere' } })
    for (const prefix of ['no-slash', '../up/', '/root/', 'a\u0000/'])
      await world.refused([400, 'invalidValue'], 'POST', '/Groups', { ...taken, [teamUrn]: { prefix } })
    // Where objects lie is not for a directory to change.
    for (const [path, value] of [
      ['connector', 'other'],
      ['prefix', 'else/'],
    ])
      await world.refused(
        [400, 'mutability'],
        'PATCH',
        `/Groups/${made.id}`,
        patch({ op: 'replace', path: `${teamUrn}:${path}`, value }),
      )
    const put = { schemas: [groupUrn], displayName: 'lake-team', [teamUrn]: { memberRole: 'member' } }
    const { body } = await world.scim('PUT', `/Groups/${made.id}`, put)
    assert.deepEqual(body[teamUrn], { connector: 'lake', prefix: 'deep/water/', memberRole: 'member' })
    assert.equal(body.members.length, 3)
    await world.refused(
      [400, 'invalidValue'],
      'PATCH',
      `/Groups/${made.id}`,
      patch({ op: 'add', path: `${teamUrn}:memberRole`, value: 'king' }),
    )
  })

  test('400: a displayName that is no name of a team, and it says the rule', async () => {
    const post = (displayName: unknown) => ['POST', '/Groups', { schemas: [groupUrn], displayName }] as const
    for (const name of ['Vision Team', 'UPPER', '-x', 'x-', 'x'.repeat(64), 'видение', 'a/b', 'a_b', 'a.b'])
      assert.match(
        await world.refused([400, 'invalidValue'], ...post(name)),
        /lower-case letters, digits and dashes/,
      )
    for (const name of [undefined, null, '', 7]) await world.refused([400, 'invalidValue'], ...post(name))
  })

  test('409 uniqueness: names and external ids of teams', async () => {
    const { id } = await world.addGroup('unique', { externalId: 'ext-unique' })
    await world.refused([409, 'uniqueness'], 'POST', '/Groups', {
      schemas: [groupUrn],
      displayName: 'unique',
    })
    const other = { schemas: [groupUrn], displayName: 'unique-two', externalId: 'ext-unique' }
    await world.refused([409, 'uniqueness'], 'POST', '/Groups', other)
    const { id: second } = await world.addGroup('unique-two')
    await world.refused(
      [409, 'uniqueness'],
      'PATCH',
      `/Groups/${second}`,
      patch({ op: 'add', path: 'externalId', value: 'ext-unique' }),
    )
    const twice = await Promise.all(
      [1, 2].map(() => world.scim('POST', '/Groups', { schemas: [groupUrn], displayName: 'at-once' })),
    )
    assert.deepEqual(
      twice.map(({ status, body }) => [status, body.scimType]).toSorted(([a], [b]) => Number(a) - Number(b)),
      [
        [201, undefined],
        [409, 'uniqueness'],
      ],
    )
    await world.refused(
      [400, 'mutability'],
      'PATCH',
      `/Groups/${id}`,
      patch({ op: 'replace', path: 'displayName', value: 'renamed' }),
    )
    await world.refused([400, 'mutability'], 'PUT', `/Groups/${id}`, {
      schemas: [groupUrn],
      displayName: 'renamed',
    })
  })

  test('400: members that are no users: unknown, service accounts, groups', async () => {
    const { body: robot } = await world.api('POST', '/v1/service-accounts', { username: 'robot' })
    const { id } = await world.addGroup('strict')
    for (const value of ['nobody', robot.id, id, '', "x' or 1=1", '\u0000', 'x'.repeat(65), 7])
      await world.refused(
        [400, 'invalidValue'],
        'PATCH',
        `/Groups/${id}`,
        patch({ op: 'add', path: 'members', value: [{ value }] }),
      )
    await world.refused(
      [400, 'invalidValue'],
      'PATCH',
      `/Groups/${id}`,
      patch({ op: 'add', path: 'members', value: [{ value: id, type: 'Group' }] }),
    )
    await world.refused(
      [400, 'invalidValue'],
      'PATCH',
      `/Groups/${id}`,
      patch({ op: 'add', path: 'members', value: [{ value: ids['ada'], role: 'king' }] }),
    )
    const body = { schemas: [groupUrn], displayName: 'never', members: [{ value: 'nobody' }] }
    await world.refused([400, 'invalidValue'], 'POST', '/Groups', body)
    assert.equal((await world.api('GET', '/v1/teams/never')).status, 404)
    assert.deepEqual(await membersOf(id), {})
  })

  test("adding by SCIM does not lower an admin's role, nor change any; saying so does", async () => {
    const { id } = await world.addGroup('ranks', { members: member('ada', 'bob') })
    for (const [name, role] of [
      ['ada', 'admin'],
      ['bob', 'viewer'],
    ])
      await world.api('PUT', `/v1/teams/ranks/members/${name}`, { role })
    await change(id, { op: 'add', path: 'members', value: member('ada', 'bob', 'cleo') })
    await change(id, { op: 'add', path: 'members', value: [{ value: ids['ada'], role: 'viewer' }] })
    assert.deepEqual(await membersOf(id), { ada: 'admin', bob: 'viewer', cleo: 'member' })
    const put = { schemas: [groupUrn], displayName: 'ranks', members: member('ada', 'bob') }
    await world.scim('PUT', `/Groups/${id}`, put)
    await change(id, { op: 'replace', path: 'members', value: member('ada', 'bob', 'dan') })
    assert.deepEqual(await membersOf(id), { ada: 'admin', bob: 'viewer', dan: 'member' })
    const role = { op: 'replace', path: `members[value eq "${ids['ada']}"].role`, value: 'viewer' }
    await change(id, role)
    assert.equal((await membersOf(id))['ada'], 'viewer')
    await world.scim('PUT', `/Groups/${id}`, { ...put, members: [{ value: ids['bob'], role: 'admin' }] })
    assert.deepEqual(await membersOf(id), { bob: 'admin' })
  })

  test('PUT without members leaves them, with an empty list ends them', async () => {
    const { id } = await world.addGroup('left', { members: member('ada'), externalId: 'ext-left' })
    const put = (more: object) =>
      world.scim('PUT', `/Groups/${id}`, { schemas: [groupUrn], displayName: 'left', ...more })
    const { body } = await put({})
    assert.deepEqual([body.members.length, body.externalId], [1, undefined])
    assert.equal((await put({ members: [] })).body.members, undefined)
  })

  test('service accounts of a team are neither shown nor taken out', async () => {
    const { id } = await world.addGroup('machines', { members: member('ada') })
    await world.api('POST', '/v1/service-accounts', { username: 'ci', team: 'machines' })
    await world.scim('PUT', `/Groups/${id}`, { schemas: [groupUrn], displayName: 'machines', members: [] })
    assert.deepEqual(await membersOf(id), {})
    const { body } = await world.api('GET', '/v1/teams/machines/members')
    assert.deepEqual(
      body.items.map(({ username }: Json) => username),
      ['ci'],
    )
  })

  test('DELETE ends the team where that is allowed, and keeps its objects', async () => {
    const { id } = await world.addGroup('gone', { members: member('ada') })
    assert.equal((await world.scim('DELETE', `/Groups/${id}`)).status, 204)
    await world.refused([404], 'GET', `/Groups/${id}`)
    await world.refused([404], 'DELETE', `/Groups/${id}`)
    const { type, decision, details } = (await world.events()).at(-1)!
    assert.deepEqual([type, decision, details?.['by']], ['team.delete', 'allow', 'scim'])
    const { id: busy } = await world.addGroup('busy')
    const { db, commit } = world.app.deps.store
    const { id: connector_id } = await db.selectFrom('connectors').select('id').executeTakeFirstOrThrow()
    const upload = {
      id: 'open-upload',
      team_id: busy,
      principal_id: ids['ada']!,
      connector_id,
      object_key: 'busy/k',
      store_upload_id: 'x',
      state: 'open',
      size_bytes: null,
      part_size_bytes: 1,
      content_type: null,
      create_only: 0,
      checksum: '',
      created_at: 1,
      expires_at: Date.now() + 1e9,
    } as const
    await commit({ statements: [insertUpload(db, upload)], events: [] })
    await world.refused([409], 'DELETE', `/Groups/${busy}`)
  })

  test('versions: one of two who change the same team at once; members count', async () => {
    const { id, meta } = await world.addGroup('versioned')
    const tagged = { headers: { 'if-match': meta.version } }
    const both = await Promise.all(
      ['ada', 'bob', 'cleo', 'dan'].map((name) => world.scim('PATCH', `/Groups/${id}`, add(name), tagged)),
    )
    assert.deepEqual(
      both.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 412, 412, 412],
    )
    assert.equal(Object.keys(await membersOf(id)).length, 1)
    const free = await Promise.all(
      ['ada', 'bob', 'cleo'].map((name) => world.scim('PATCH', `/Groups/${id}`, add(name))),
    )
    assert.deepEqual(
      free.map(({ status }) => status),
      [200, 200, 200],
    )
    assert.ok(Object.keys(await membersOf(id)).length >= 3)
    const { headers } = await world.scim('GET', `/Groups/${id}`)
    await world.api('DELETE', '/v1/teams/versioned/members/ada')
    const now = await world.scim('GET', `/Groups/${id}`, undefined, {
      headers: { 'if-none-match': headers.get('etag')! },
    })
    assert.equal(now.status, 200)
    assert.ok(now.body.meta.lastModified >= meta.created)
    const tag = { headers: { 'if-match': now.body.meta.version as string } }
    await world.api('PUT', '/v1/teams/versioned/members/bob', { role: 'admin' })
    await world.refused([412], 'PATCH', `/Groups/${id}`, add('ada'), tag)
  })

  test('members by the thousand: added, listed and taken out in one request each, more are refused', async () => {
    const { store, newId } = world.app.deps
    const rows = Array.from({ length: 5001 }, (_, n) => ({
      ...principalRow(world.app.deps, `m${n}`),
      id: newId(),
      kind: 'user' as const,
    }))
    await store.commit({ statements: rows.map((row) => insertPrincipal(store.db, row)), events: [] })
    const { id } = await world.addGroup('crowd')
    const all = rows.map((row) => ({ value: row.id }))
    assert.match(
      await world.refused([413], 'PATCH', `/Groups/${id}`, patch({ op: 'add', path: 'members', value: all })),
      /5000/,
    )
    const begun = performance.now()
    const { status } = await change(id, { op: 'add', path: 'members', value: all.slice(1) })
    assert.equal(status, 200)
    assert.ok(performance.now() - begun < 60_000)
    await world.refused(
      [400, 'invalidValue'],
      'PATCH',
      `/Groups/${id}`,
      patch({
        op: 'add',
        path: 'members',
        value: Array.from({ length: 10_001 }, (_, n) => ({ value: `${n}` })),
      }),
    )
    const { body } = await world.scim('GET', `/Groups/${id}?excludedAttributes=members`)
    assert.equal(body.members, undefined)
    assert.equal(Object.keys(await membersOf(id)).length, 5000)
    assert.equal((await change(id, { op: 'remove', path: 'members' })).status, 200)
    assert.deepEqual(await membersOf(id), {})
  })
})
