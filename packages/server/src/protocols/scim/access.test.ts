import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { systemIds } from '../../app.ts'
import { updatePrincipal } from '../../store/principals.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { insertSession } from '../../http/testing/session.ts'
import { openScimWorld, patch, userUrn, type ScimWorld } from './test-scim.ts'

describe('who may speak SCIM', () => {
  let world: ScimWorld
  let userId: string
  let groupId: string
  before(async () => {
    world = await openScimWorld()
    userId = (await world.addUser('victim', { emails: ['victim@x'] })).id
    groupId = (await world.addGroup('secrets', { members: [{ value: userId }] })).id
  })
  after(() => world.close())

  const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'] }
  const every = (): [method: string, path: string, body?: unknown][] => [
    ['GET', ''],
    ['POST', '/.search', search],
    ['GET', '/ServiceProviderConfig'],
    ['GET', '/ResourceTypes'],
    ['GET', '/ResourceTypes/User'],
    ['GET', '/Schemas'],
    ['GET', `/Schemas/${userUrn}`],
    ['GET', '/Me'],
    ['POST', '/Bulk', {}],
    ...[
      ['/Users', userId],
      ['/Groups', groupId],
    ].flatMap(([path, id]): [string, string, unknown?][] => [
      ['GET', path!],
      ['GET', `${path}?filter=${encodeURIComponent('id pr')}`],
      ['POST', path!, { schemas: [userUrn], userName: 'intruder' }],
      ['POST', `${path}/.search`, search],
      ['GET', `${path}/${id}`],
      ['PUT', `${path}/${id}`, { schemas: [userUrn], userName: 'victim', active: false }],
      ['PATCH', `${path}/${id}`, patch({ op: 'replace', value: { active: false } })],
      ['DELETE', `${path}/${id}`],
      ['GET', `${path}/absent`],
      ['DELETE', `${path}/absent`],
    ]),
  ]
  const secret = /victim|secrets/
  const keyOf = async (body: object) =>
    (await world.api('POST', '/v1/api-keys', { name: 'k', ...body })).body.token as string

  async function allRefused(status: 401 | 403, token: string, headers: Record<string, string> = {}) {
    for (const [method, path, body] of every()) {
      const before = (await world.events()).length
      const answer = await world.scim(method, path, body, { token, headers })
      const text = JSON.stringify(answer.body)
      assert.equal(answer.status, status, `${method} ${path}: ${text}`)
      assert.deepEqual(answer.body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error'])
      assert.doesNotMatch(text, secret, `${method} ${path}`)
      const written = (await world.events()).slice(before)
      if (status === 403) {
        assert.deepEqual(
          written.map(({ decision }) => decision),
          ['deny'],
          `${method} ${path}`,
        )
        assert.equal(written[0]?.details?.['by'], 'scim')
      }
    }
    assert.equal((await world.scim('GET', `/Users/${userId}`)).body.active, true)
  }

  test('401: nobody without a key, and no cookie is one', async () => {
    await allRefused(401, 'nonsense')
    const { body, headers } = await world.scim('GET', '/Users', undefined, {
      token: 'x',
      headers: { authorization: '' },
    })
    assert.deepEqual([body.status, headers.get('www-authenticate')], ['401', 'Bearer realm="signpost"'])
    const basic = `Basic ${Buffer.from(`admin:${world.admin}`).toString('base64')}`
    for (const given of [
      { authorization: basic },
      {
        authorization: '',
        cookie: `signpost_session=${world.admin}; __Host-signpost=${world.admin}; session=${world.admin}`,
      },
    ])
      await world.refused([401], 'GET', '/Users', undefined, { headers: given as Record<string, string> })
  })

  test('401: a session is no key for this, in a cookie or as a bearer token', async () => {
    const token = await insertSession(world.app.deps)
    const origin = new URL(world.url).origin
    const me = await fetch(`${world.url}/v1/me`, { headers: { cookie: `signpost-session=${token}` } })
    assert.equal(me.status, 200, 'it is a session')
    for (const name of ['__Host-signpost_session', 'signpost-session', '__Host-signpost-session'])
      await world.refused([401], 'GET', '/Users', undefined, {
        headers: { authorization: '', cookie: `${name}=${token}`, origin, 'sec-fetch-site': 'same-origin' },
      })
    await world.refused([401], 'GET', '/Users', undefined, { token })
  })

  test('403 with a record: users, team admins, half of the rights, narrow keys, service accounts of teams', async () => {
    await world.addUser('plain')
    await allRefused(403, await keyOf({ username: 'plain' }))
    await world.api('PUT', '/v1/teams/secrets/members/plain', { role: 'admin' })
    await allRefused(403, await keyOf({ username: 'plain' }))
    for (const permission of ['users.manage', 'teams.manage']) {
      const name = permission.replace('.', '-')
      await world.api('POST', '/v1/roles', { scope: 'organisation', name, permissions: [permission] })
      await world.api('POST', '/v1/service-accounts', { username: name, organisationRole: name })
      await allRefused(403, await keyOf({ username: name }))
    }
    await allRefused(403, await keyOf({ username: 'scim', scope: { actions: ['read', 'write'] } }))
    await world.api('POST', '/v1/service-accounts', { username: 'of-team', team: 'secrets', role: 'admin' })
    const ofTeam = await keyOf({ username: 'of-team' })
    await allRefused(403, ofTeam)
    // Whatever a row says of its role.
    const { db, commit } = world.app.deps.store
    const { id } = await db
      .selectFrom('principals')
      .select('id')
      .where('username', '=', 'of-team')
      .executeTakeFirstOrThrow()
    await commit({ statements: [updatePrincipal(db, id, { organisation_role: 'directory' })], events: [] })
    await allRefused(403, ofTeam)
    assert.equal((await world.events()).at(-1)?.reason, 'team_service_account')
  })

  test('200: an organisation admin by key, and a key that may manage', async () => {
    assert.equal((await world.scim('GET', '/Users', undefined, { token: world.admin })).status, 200)
    const token = await keyOf({ username: 'scim', scope: { actions: ['manage'] } })
    assert.equal((await world.scim('GET', '/Users', undefined, { token })).status, 200)
  })

  test('the address without a version, and JSON by its plain name, are taken too', async () => {
    const authorization = `Bearer ${world.directory}`
    const answer = await fetch(`${world.url}/scim/Users`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ schemas: [userUrn], userName: 'by-plain-json' }),
    })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers.get('content-type'), 'application/scim+json; charset=utf-8')
    assert.match(answer.headers.get('location')!, /\/scim\/Users\/[0-9a-f-]{36}$/)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
  })

  test('503: what cannot be recorded is not done', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'signpost-scim-broken-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const real = await openSqliteStore({ file: join(folder, 'db'), newId: systemIds(), clock: Date.now })
    let isBroken = false
    const commit: Store['commit'] = (unit) =>
      isBroken
        ? Promise.reject(new SignpostError('record_unavailable', 'The record cannot be written.'))
        : real.commit(unit)
    const broken = await openScimWorld({ store: { ...real, commit } })
    t.after(() => broken.close())
    const { id } = await broken.addUser('kept')
    isBroken = true
    await broken.refused([503], 'PATCH', `/Users/${id}`, patch({ op: 'replace', value: { active: false } }))
    await broken.refused([503], 'DELETE', `/Users/${id}`)
    await broken.refused([503], 'POST', '/Users', { schemas: [userUrn], userName: 'x' })
    // A refusal is recorded before it is told, too.
    await broken.refused([503], 'POST', '/Users', { schemas: [userUrn], userName: 'x', roles: ['admin'] })
    isBroken = false
    assert.equal((await broken.scim('GET', `/Users/${id}`)).body.active, true)
  })

  test('400 and 413 in the same form: bytes that are no UTF-8, and too many of them', async () => {
    const send = (body: BodyInit) =>
      fetch(`${world.url}/scim/v2/Users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.directory}`, 'content-type': 'application/scim+json' },
        body,
      })
    const bad = await send(
      Buffer.concat([
        Buffer.from(`{"schemas":["${userUrn}"],"userName":"`),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
    )
    assert.deepEqual(
      [bad.status, ((await bad.json()) as { scimType: string }).scimType],
      [400, 'invalidSyntax'],
    )
    const large = await send(
      JSON.stringify({ schemas: [userUrn], userName: 'x', note: 'x'.repeat(2_000_000) }),
    )
    assert.deepEqual(
      [large.status, large.headers.get('content-type')],
      [413, 'application/scim+json; charset=utf-8'],
    )
  })
})
