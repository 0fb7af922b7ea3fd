import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { groupUrn, openScimWorld, patch, teamUrn, userUrn, type Json, type ScimWorld } from './test-scim.ts'

const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

describe('SCIM lists', () => {
  let world: ScimWorld
  const names = ['Dora', 'anna', 'Carl', 'bert']
  before(async () => {
    world = await openScimWorld()
    for (const [index, name] of names.entries())
      await world.addUser(name, {
        externalId: `ext-${name}`,
        ...(index === 0 ? {} : { displayName: `${9 - index}` }),
        emails: [{ value: `z-${name}@x` }, { value: `${index}@x`, type: 'work', primary: true }],
      })
    for (const name of ['red', 'blue']) {
      const { body } = await world.scim('GET', '/Users?filter=displayName+pr')
      await world.addGroup(name, { members: (body.Resources as Json[]).map(({ id }) => ({ value: id })) })
    }
  })
  after(() => world.close())

  const list = async (path: string, query: Record<string, string | number> = {}) => {
    const { status, body } = await world.scim(
      'GET',
      `${path}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`,
    )
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }
  const usernames = (body: Json) => (body.Resources as Json[]).map(({ userName }) => userName)

  test('pages by startIndex and count, with the right total', async () => {
    const all = await list('/Users')
    assert.deepEqual(all.schemas, ['urn:ietf:params:scim:api:messages:2.0:ListResponse'])
    assert.deepEqual([all.totalResults, all.startIndex, all.itemsPerPage], [5, 1, 5])
    const ids = (all.Resources as Json[]).map(({ id }) => id)
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    )
    const page = async (query: Record<string, string | number>) => {
      const { totalResults, startIndex, itemsPerPage, Resources } = await list('/Users', query)
      assert.equal(itemsPerPage, Resources.length)
      return [totalResults, startIndex, (Resources as Json[]).map(({ id }) => ids.indexOf(id))]
    }
    for (const filter of [{}, { filter: 'id pr' }, { sortBy: 'id' }]) {
      assert.deepEqual(await page({ ...filter, count: 2 }), [5, 1, [0, 1]])
      assert.deepEqual(await page({ ...filter, startIndex: 3, count: 2 }), [5, 3, [2, 3]])
      assert.deepEqual(await page({ ...filter, startIndex: 5, count: 2 }), [5, 5, [4]])
      assert.deepEqual(await page({ ...filter, startIndex: 6 }), [5, 6, []])
      assert.deepEqual(await page({ ...filter, startIndex: 0, count: 1 }), [5, 1, [0]])
      assert.deepEqual(await page({ ...filter, startIndex: -7, count: 1 }), [5, 1, [0]])
      assert.deepEqual(await page({ ...filter, count: 0 }), [5, 1, []])
      assert.deepEqual(await page({ ...filter, count: -1 }), [5, 1, []])
      assert.deepEqual(await page({ ...filter, startIndex: 999_999_999_999, count: 1e9 }), [
        5,
        999_999_999_999,
        [],
      ])
    }
    for (const query of [
      'count=x',
      'count=1.5',
      'startIndex=1e3',
      'count=NaN',
      'count=1&count=2',
      'startIndex=99999999999999999999',
    ])
      await world.refused([400, 'invalidValue'], 'GET', `/Users?${query}`)
  })

  test('sorts in any case, by parts, by the primary value; what is not there comes last', async () => {
    const sorted = async (sortBy: string, sortOrder = 'ascending') =>
      usernames(await list('/Users', { sortBy, sortOrder, filter: 'externalId pr' }))
    assert.deepEqual(await sorted('userName'), ['anna', 'bert', 'Carl', 'Dora'])
    assert.deepEqual(await sorted('USERNAME', 'descending'), ['Dora', 'Carl', 'bert', 'anna'])
    assert.deepEqual(
      await sorted('externalId'),
      ['Carl', 'Dora', 'anna', 'bert'].toSorted((a, b) => (`ext-${a}` < `ext-${b}` ? -1 : 1)),
    )
    assert.deepEqual(await sorted('displayName'), ['bert', 'Carl', 'anna', 'Dora'])
    assert.deepEqual(await sorted('displayName', 'descending'), ['Dora', 'anna', 'Carl', 'bert'])
    assert.deepEqual(await sorted('emails'), names)
    assert.deepEqual(await sorted('emails.value', 'descending'), names.toReversed())
    assert.deepEqual(await sorted('meta.created'), names)
    const second = await list('/Users', {
      sortBy: 'userName',
      filter: 'externalId pr',
      startIndex: 2,
      count: 2,
    })
    assert.deepEqual([second.totalResults, usernames(second)], [4, ['bert', 'Carl']])
    await world.refused([400, 'invalidPath'], 'GET', '/Users?sortBy=nonsense')
    await world.refused([400, 'invalidPath'], 'GET', '/Users?sortBy=name')
    await world.refused([400, 'invalidValue'], 'GET', '/Users?sortBy=userName&sortOrder=sideways')
  })

  test('answers the attributes that are asked for, and always ids', async () => {
    const one = async (query: Record<string, string>, path = '/Users') =>
      (
        await list(path, {
          filter: path === '/Users' ? 'userName eq "anna"' : 'displayName eq "red"',
          ...query,
        })
      ).Resources[0]
    assert.deepEqual(Object.keys(await one({ attributes: 'userName' })).toSorted(), [
      'id',
      'schemas',
      'userName',
    ])
    assert.deepEqual((await one({ attributes: 'EMAILS.value,meta.resourceType,nonsense' })).emails, [
      { value: 'z-anna@x' },
      { value: '1@x' },
    ])
    assert.deepEqual((await one({ attributes: 'emails.value, emails.type' })).emails, [
      { value: 'z-anna@x' },
      { value: '1@x', type: 'work' },
    ])
    assert.equal((await one({ attributes: `${userUrn}:displayName` })).displayName, '8')
    const without = await one({ excludedAttributes: 'emails,id,schemas,groups.$ref' })
    assert.equal(without.emails, undefined)
    assert.ok(without.id && without.schemas && without.groups[0].display && !without.groups[0].$ref)
    assert.equal((await one({ excludedAttributes: 'members' }, '/Groups')).members, undefined)
    assert.equal((await one({}, '/Groups')).members.length, 3)
    assert.deepEqual(
      Object.keys(await one({ attributes: teamUrn }, '/Groups')).toSorted(),
      ['id', 'schemas', teamUrn].toSorted(),
    )
    const { id } = await one({})
    const read = await world.scim('GET', `/Users/${id}?attributes=displayName`)
    assert.deepEqual(Object.keys(read.body).toSorted(), ['displayName', 'id', 'schemas'])
    const changed = await world.scim(
      'PATCH',
      `/Users/${id}?attributes=id`,
      patch({ op: 'add', path: 'displayName', value: '8' }),
    )
    assert.deepEqual(Object.keys(changed.body).toSorted(), ['id', 'schemas'])
    await world.refused([400, 'invalidValue'], 'GET', `/Users?attributes=${'a,'.repeat(100)}`)
  })

  test('groups are found by their members, read or not', async () => {
    const [user] = (await list('/Users', { filter: 'userName eq "anna"' })).Resources as Json[]
    const found = async (filter: string, more = {}) =>
      ((await list('/Groups', { filter, ...more })).Resources as Json[]).map(({ displayName }) => displayName)
    assert.deepEqual(await found(`members.value eq "${user.id}"`), ['red', 'blue'])
    assert.deepEqual(await found(`members[value eq "${user.id}"]`, { excludedAttributes: 'members' }), [
      'red',
      'blue',
    ])
    assert.deepEqual(
      await found(`displayName eq "red" and members eq "${user.id}"`, { attributes: 'displayName' }),
      ['red'],
    )
    assert.deepEqual(await found('displayName eq "RED"'), [])
    assert.deepEqual(await found('members.value eq "nobody"'), [])
    assert.deepEqual(await found(`${teamUrn}:prefix sw "bl"`), ['blue'])
    const sorted = await list('/Groups', { sortBy: 'displayName', attributes: 'displayName' })
    assert.deepEqual(
      (sorted.Resources as Json[]).map(({ displayName }) => displayName),
      ['blue', 'red'],
    )
  })

  test('searches by POST, of one kind or of all', async () => {
    const search = async (path: string, body: object) => {
      const answer = await world.scim('POST', `${path}/.search`, { schemas: [searchUrn], ...body })
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      return answer.body
    }
    const found = await search('/Users', {
      filter: 'externalId pr',
      sortBy: 'userName',
      count: 2,
      startIndex: 2,
      attributes: ['userName'],
    })
    assert.deepEqual([found.totalResults, usernames(found)], [4, ['bert', 'Carl']])
    const all = await search('', { count: 3, startIndex: 4, attributes: ['id'] })
    assert.deepEqual([all.totalResults, all.itemsPerPage], [7, 3])
    const kinds = ((await search('', {})).Resources as Json[]).map(({ meta }) => meta.resourceType)
    assert.deepEqual(kinds, [...Array.from({ length: 5 }, () => 'User'), 'Group', 'Group'])
    assert.equal((await search('', { filter: 'userName eq "anna"' })).totalResults, 1)
    assert.equal((await search('', { filter: 'displayName eq "red" or userName eq "anna"' })).totalResults, 2)
    assert.equal((await search('', { filter: 'displayName pr', sortBy: 'displayName' })).totalResults, 5)
    assert.equal((await list('/', { count: 0 })).totalResults, 7)
    await world.refused([400, 'invalidSyntax'], 'POST', '/Users/.search', { filter: 'userName pr' })
    await world.refused([400, 'invalidFilter'], 'POST', '/Users/.search', {
      schemas: [searchUrn],
      filter: `userName eq "${'x'.repeat(100_000)}"`,
    })
    await world.refused([400, 'invalidFilter'], 'POST', '/Groups/.search', {
      schemas: [searchUrn],
      filter: '('.repeat(5000),
    })
    await world.refused([400, 'invalidValue'], 'POST', '/Users/.search', {
      schemas: [searchUrn],
      filter: ['userName pr'],
    })
    await world.refused(
      [400, 'invalidFilter'],
      'GET',
      `/Groups?filter=${encodeURIComponent('userName eq "x"')}`,
    )
    // PostgreSQL would take offence at these.
    for (const text of ['\\u0000', '\\ud800'])
      assert.equal(
        (await list('/Users', { filter: `userName eq "${text}" or externalId eq "${text}"` })).totalResults,
        0,
      )
    assert.equal((await list('/Users', { filter: 'userName eq "\\u0000"' })).totalResults, 0)
  })

  test('what this server can and cannot, as documents that agree with what it does', async () => {
    const { body: config } = await world.scim('GET', '/ServiceProviderConfig')
    const supported = (name: string) => config[name].supported
    assert.deepEqual(['patch', 'filter', 'sort', 'etag', 'bulk', 'changePassword'].map(supported), [
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    await world.refused([501], 'POST', '/Bulk', { schemas: [] })
    for (const method of ['GET', 'PATCH', 'DELETE']) await world.refused([501], method, '/Me')
    const types = await list('/ResourceTypes')
    assert.deepEqual(
      (types.Resources as Json[]).map(({ id, endpoint, schema }) => [id, endpoint, schema]),
      [
        ['User', '/Users', userUrn],
        ['Group', '/Groups', groupUrn],
      ],
    )
    assert.deepEqual((await world.scim('GET', '/ResourceTypes/Group')).body.schemaExtensions, [
      { schema: teamUrn, required: false },
    ])
    const schemas = (await list('/Schemas')).Resources as Json[]
    assert.deepEqual(
      schemas.map(({ id }) => id),
      [userUrn, groupUrn, teamUrn],
    )
    const { body: user } = await world.scim('GET', `/Schemas/${userUrn}`)
    const userName = (user.attributes as Json[]).find(({ name }) => name === 'userName')
    const { description: _, ...facts } = userName
    assert.deepEqual(facts, {
      name: 'userName',
      type: 'string',
      multiValued: false,
      required: true,
      caseExact: false,
      mutability: 'immutable',
      returned: 'default',
      uniqueness: 'server',
    })
    const [anna] = (await list('/Users', { filter: 'userName eq "anna"' })).Resources as Json[]
    const known = new Set([
      ...(user.attributes as Json[]).map(({ name }) => name),
      'id',
      'externalId',
      'meta',
      'schemas',
    ])
    assert.deepEqual(
      Object.keys(anna).filter((name) => !known.has(name)),
      [],
    )
    await world.refused([404], 'GET', '/Schemas/urn:nobody')
    await world.refused([404], 'GET', '/ResourceTypes/Robot')
    await world.refused([403], 'GET', '/Schemas?filter=id+pr')
    await world.refused([404], 'GET', '/Robots')
    await world.refused([404], 'PUT', '/Users', { schemas: [userUrn], userName: 'x' })
  })
})
