/** The requests that Okta, Entra ID and W&B document, in their order and their words. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { groupUrn, openScimWorld, patchUrn, userUrn, type Json, type ScimWorld } from './test-scim.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

describe('as a client does it', () => {
  let world: ScimWorld
  before(async () => {
    world = await openScimWorld()
  })
  after(() => world.close())

  const send = async (expected: number, method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await world.scim(method, path, body, {
      headers:
        body === undefined
          ? { accept: 'application/scim+json' }
          : { 'content-type': 'application/scim+json; charset=utf-8' },
    })
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const search = (path: string, filter: string, more = '') =>
    send(200, 'GET', `${path}?filter=${encodeURIComponent(filter).replaceAll('%20', '+')}${more}`)

  test('Okta: test of the connection, assignment, profile push, group push, deactivation', async () => {
    const before = await send(200, 'GET', '/Users?startIndex=1&count=2')
    assert.ok(before.totalResults >= 1)
    await send(200, 'GET', '/Groups?startIndex=1&count=100')
    assert.deepEqual(
      (await search('/Users', 'userName eq "test.user@okta.local"', '&startIndex=1&count=100')).Resources,
      [],
    )
    const made = await send(201, 'POST', '/Users', {
      schemas: [userUrn],
      userName: 'test.user@okta.local',
      name: { givenName: 'Test', familyName: 'User' },
      emails: [{ primary: true, value: 'test.user@okta.local', type: 'work' }],
      displayName: 'Test User',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    })
    assert.equal(JSON.stringify(made).includes('1mz050nq'), false)
    const path = `/Users/${made.id}`
    assert.deepEqual(await send(200, 'GET', path), made)
    const put = await send(200, 'PUT', path, {
      ...made,
      name: { givenName: 'Another', familyName: 'User' },
      active: true,
    })
    assert.deepEqual([put.name.givenName, put.id, put.userName], ['Another', made.id, made.userName])
    const operations = (...Operations: object[]) => ({ schemas: [patchUrn], Operations })
    const group = await send(201, 'POST', '/Groups', {
      schemas: [groupUrn],
      displayName: 'test-scimv2',
      members: [],
    })
    const groupPath = `/Groups/${group.id}`
    await send(200, 'GET', `${groupPath}`)
    await send(
      200,
      'PATCH',
      groupPath,
      operations({ op: 'replace', value: { id: group.id, displayName: 'test-scimv2' } }),
    )
    await send(
      200,
      'PATCH',
      groupPath,
      operations(
        { op: 'remove', path: 'members[value eq "89bb1940-b905-4575-9e7f-6f887cfb368e"]' },
        { op: 'add', path: 'members', value: [{ value: made.id, display: 'test.user@okta.local' }] },
      ),
    )
    assert.equal((await send(200, 'GET', path)).groups[0].value, group.id)
    const replaced = await send(200, 'PUT', groupPath, {
      schemas: [groupUrn],
      id: group.id,
      displayName: 'test-scimv2',
      members: [{ value: made.id, display: 'test.user@okta.local' }],
    })
    assert.equal(replaced.members.length, 1)
    const off = await send(200, 'PATCH', path, operations({ op: 'replace', value: { active: false } }))
    assert.equal(off.active, false)
    const on = await send(200, 'PUT', path, { ...put, active: true })
    assert.equal(on.active, true)
    await send(204, 'DELETE', groupPath)
  })

  test('Entra ID: matching, creation, updates of single attributes, groups, disabling, deletion', async () => {
    await send(200, 'GET', `/Users?filter=${encodeURIComponent('userName eq "non-existent user"')}`)
    const userName = 'Test_User_dfeef4c5-5681-4387-b016-bdf221e82081'
    const made = await send(201, 'POST', '/Users', {
      schemas: [userUrn, enterprise],
      externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
      userName,
      active: true,
      addresses: [{ type: 'work', formatted: 'x', primary: false }],
      emails: [{ primary: true, type: 'work', value: `${userName}@testuser.com` }],
      meta: { resourceType: 'User' },
      name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
      roles: [],
      [enterprise]: {
        employeeNumber: '701984',
        department: 'Tour Operations',
        manager: { value: '26118915' },
      },
    })
    const path = `/Users/${made.id}`
    const found = await search('/Users', `userName eq "${userName.toUpperCase()}"`)
    assert.deepEqual([found.totalResults, found.Resources[0].id], [1, made.id])
    assert.equal((await search('/Users', `externalId eq "${made.externalId}"`)).totalResults, 1)
    assert.equal(
      (await search('/Users', `emails[type eq "work"].value eq "${userName}@testuser.com"`)).totalResults,
      1,
    )
    const patched = await send(200, 'PATCH', path, {
      schemas: [patchUrn],
      Operations: [
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updatedEmail@microsoft.com' },
        { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
        { op: 'Add', path: 'displayName', value: 'Displayed' },
        { op: 'Add', path: 'title', value: 'Guide' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '555' },
        { op: 'Replace', path: `${enterprise}:department`, value: 'Sales' },
        { op: 'Replace', path: `${enterprise}:manager`, value: '26118915-6090-4610-87e4-49d8ca9f808d' },
      ],
    })
    assert.deepEqual(
      [patched.emails[0].value, patched.name.familyName, patched.displayName],
      ['updatedEmail@microsoft.com', 'updatedFamilyName', 'Displayed'],
    )
    const flat = await send(200, 'PATCH', path, {
      schemas: [patchUrn],
      Operations: [
        {
          op: 'replace',
          value: { displayName: 'Flat', 'name.givenName': 'Flat', [`${enterprise}:department`]: 'x' },
        },
      ],
    })
    assert.deepEqual([flat.displayName, flat.name.givenName], ['Flat', 'Flat'])
    await send(
      200,
      'GET',
      '/Groups?excludedAttributes=members&filter=' + encodeURIComponent('displayName eq "displayname"'),
    )
    const group = await send(201, 'POST', '/Groups', {
      schemas: [groupUrn, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
      displayName: 'displayname',
      meta: { resourceType: 'Group' },
    })
    const groupPath = `/Groups/${group.id}`
    const read = await send(200, 'GET', `${groupPath}?excludedAttributes=members`)
    assert.equal(read.displayName, 'displayname')
    const members = (op: string, ...values: string[]) => ({
      schemas: [patchUrn],
      Operations: [{ op, path: 'members', value: values.map((value) => ({ $ref: null, value })) }],
    })
    const changed = await send(200, 'PATCH', groupPath, members('Add', made.id))
    assert.equal(changed.members[0].value, made.id)
    assert.equal(
      (
        await search(
          '/Groups',
          `id eq "${group.id}" and members eq "${made.id}"`,
          '&excludedAttributes=members',
        )
      ).totalResults,
      1,
    )
    assert.equal((await send(200, 'PATCH', groupPath, members('Remove', made.id))).members, undefined)
    const renamed = await send(200, 'PATCH', groupPath, {
      schemas: [patchUrn],
      Operations: [{ op: 'Replace', path: 'externalId', value: 'other' }],
    })
    assert.equal(renamed.externalId, 'other')
    for (const value of ['False', false]) {
      const off = await send(200, 'PATCH', path, {
        schemas: [patchUrn],
        Operations: [{ op: 'Replace', path: 'active', value }],
      })
      assert.equal(off.active, false)
    }
    assert.equal((await search('/Users', `userName eq "${userName}"`)).Resources[0].active, false)
    await send(204, 'DELETE', path)
    await send(404, 'GET', path)
    await send(204, 'DELETE', groupPath)
  })

  test('W&B: its address and its habits, but for the ones that RFC 7644 does not have', async () => {
    const ask = async (expected: number, method: string, path: string, body?: unknown): Promise<Json> => {
      const response = await fetch(`${world.url}/scim${path}`, {
        method,
        headers: { authorization: `Bearer ${world.admin}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      assert.equal(response.status, expected, text)
      return text === '' ? undefined : JSON.parse(text)
    }
    const user = await ask(201, 'POST', '/Users', {
      schemas: [userUrn],
      emails: [{ primary: true, value: 'dev-user2@example.com' }],
      userName: 'dev-user2',
    })
    assert.equal(
      (
        await ask(
          200,
          'GET',
          `/Users?filter=${encodeURIComponent('emails.value eq "dev-user2@example.com"')}`,
        )
      ).totalResults,
      1,
    )
    const operation = (one: object) => ({ schemas: [patchUrn], Operations: [one] })
    const emails = await ask(
      200,
      'PATCH',
      `/Users/${user.id}`,
      operation({ op: 'replace', path: 'emails', value: { Value: 'new@example.com', Primary: true } }),
    )
    assert.deepEqual(emails.emails, [{ value: 'new@example.com', primary: true }])
    const team = await ask(201, 'POST', '/Groups', {
      schemas: [groupUrn],
      displayName: 'wandb-support',
      members: [{ value: user.id }],
    })
    assert.equal(team.members[0].display, 'dev-user2')
    await ask(
      200,
      'PATCH',
      `/Groups/${team.id}`,
      operation({ op: 'remove', path: 'members', value: [{ value: user.id }] }),
    )
    const role = await ask(
      200,
      'PATCH',
      `/Users/${user.id}`,
      operation({ op: 'replace', path: 'organizationRole', value: 'viewer' }),
    )
    assert.equal(role.roles[0].value, 'viewer')
    await ask(200, 'PATCH', `/Users/${user.id}`, operation({ op: 'replace', value: { active: false } }))
    await ask(204, 'DELETE', `/Users/${user.id}`)
    await ask(204, 'DELETE', `/Groups/${team.id}`)
  })
})
