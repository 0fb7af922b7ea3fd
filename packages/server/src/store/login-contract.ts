import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { insertApiKey } from './api-keys.ts'
import {
  decideDeviceLogin,
  deleteDeviceLoginsThatCameBy,
  findDeviceLogin,
  findDeviceLoginByUserCode,
  insertDeviceLogin,
  takeDeviceLogin,
} from './device-logins.ts'
import { findByIdentity, insertFirstIdentity, insertIdentity } from './external-identities.ts'
import {
  deleteIdentityProvider,
  findIdentityProvider,
  insertIdentityProvider,
  requireEnabled,
  resealSecret,
  updateIdentityProvider,
} from './identity-providers.ts'
import * as logins from './logins.ts'
import { setMember } from './members.ts'
import { insertPrincipal } from './principals.ts'
import { principalRow, teamRow } from './store-fixture.ts'
import type { Statement, Store } from './store.ts'
import { insertTeam } from './teams.ts'

/** What logins need of every engine's store. */
export function loginTests(storeOf: () => Store): void {
  const commit = (...statements: Statement[]) => storeOf().commit({ statements, events: [] })
  const refused = (...statements: Statement[]) => assert.rejects(commit(...statements), { code: 'conflict' })
  const made = async (username: string, fields = {}) => {
    const row = principalRow(username, fields)
    await commit(insertPrincipal(storeOf().db, row))
    return row
  }

  describe('identities', () => {
    test('the first of a user is the first: of many at once one is taken', async () => {
      const { db } = storeOf()
      const user = await made('first-identity')
      const attempts = Array.from({ length: 8 }, (_, index) => {
        const row = { issuer: 'https://a', subject: `s${index}`, principal_id: user.id, created_at: 1 }
        return commit(...insertFirstIdentity(db, row, user)).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        )
      })
      const outcomes = await Promise.all(attempts)
      assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: 7 }, () => 'conflict'), 'taken'])
    })

    test('are not bound to whoever has another role by then, or is stopped', async () => {
      const { db } = storeOf()
      const user = await made('changed-meanwhile', { organisation_role: 'admin' })
      const row = { issuer: 'https://a', subject: 'changed', principal_id: user.id, created_at: 1 }
      await refused(...insertFirstIdentity(db, row, { ...user, organisation_role: 'member' }))
      assert.equal(await findByIdentity(db, row), undefined)
    })

    test('are compared byte for byte, and belong to one user', async () => {
      const { db } = storeOf()
      const [one, two] = [await made('identity-1'), await made('identity-2')]
      const row = { issuer: 'https://b', subject: 'Sub', principal_id: one.id, created_at: 1 }
      await commit(insertIdentity(db, row))
      await refused(insertIdentity(db, { ...row, principal_id: two.id }))
      assert.equal((await findByIdentity(db, row))?.id, one.id)
      for (const other of [{ subject: 'sub' }, { subject: 'Sub ' }, { issuer: 'https://b/' }])
        assert.equal(await findByIdentity(db, { ...row, ...other }), undefined)
    })
  })

  test('a login is finished once', async () => {
    const { db } = storeOf()
    const row = { id: 'a'.repeat(64), expires_at: 100 }
    await commit(logins.insertUsedLogin(db, row))
    await refused(logins.insertUsedLogin(db, row))
    await commit(logins.deleteUsedLoginsBefore(db, 101))
    await commit(logins.insertUsedLogin(db, row))
  })

  test('what groups gave is taken back; what was given by hand stays', async () => {
    const { db } = storeOf()
    const user = await made('mapped')
    const teams = ['mapped-a', 'mapped-b'].map((name) => teamRow(name))
    await commit(...teams.map((row) => insertTeam(db, row)))
    const [a, b] = teams
    const member = { principal_id: user.id, role: 'member', since: 1 }
    await commit(logins.setMappedMember(db, { ...member, team_id: a!.id, came_by: 'provider:1' }))
    await commit(
      logins.setMappedMember(db, { ...member, team_id: a!.id, role: 'admin', came_by: 'provider:1' }),
    )
    await commit(
      logins.setMappedMember(db, { ...member, team_id: a!.id, role: 'viewer', came_by: 'provider:2' }),
    )
    await commit(setMember(db, { ...member, team_id: b!.id, role: 'viewer' }))
    await commit(
      logins.setMappedMember(db, { ...member, team_id: b!.id, role: 'admin', came_by: 'provider:1' }),
    )
    const shown = async () =>
      (await logins.listMembershipsWithOrigin(db, user.id)).map(({ team, role, cameBy }) => [
        team,
        role,
        cameBy,
      ])
    const byTeam = (await shown()).toSorted((one, two) => (one[0]! < two[0]! ? -1 : 1))
    assert.deepEqual(byTeam, [
      ['mapped-a', 'admin', 'provider:1'],
      ['mapped-b', 'viewer', ''],
    ])
    await commit(logins.removeMappedMembersOf(db, 'provider:1'))
    assert.deepEqual(await shown(), [['mapped-b', 'viewer', '']])
  })

  test('a role that groups gave is taken back only while it is that role', async () => {
    const { db } = storeOf()
    const [given, changed] = [await made('role-given'), await made('role-changed')]
    for (const user of [given, changed])
      await commit(logins.setMappedRole(db, user, 'auditor', 'provider:9:auditor'))
    await refused(logins.setMappedRole(db, given, 'admin', ''))
    await commit(
      logins.setMappedRole(db, { ...changed, organisation_role: 'auditor' }, 'viewer', 'provider:9:auditor'),
    )
    await commit(logins.removeMappedRolesOf(db, 'provider:9'))
    const rows = await db
      .selectFrom('principals')
      .select(['username', 'organisation_role'])
      .where('username', 'like', 'role-%')
      .orderBy('username')
      .execute()
    assert.deepEqual(
      rows.map(({ username, organisation_role: role }) => [username, role]),
      [
        ['role-changed', 'viewer'],
        ['role-given', 'member'],
      ],
    )
  })

  test('sessions end with what they came by; keys that were made by hand do not', async () => {
    const { db } = storeOf()
    const user = await made('session-owner')
    const key = { principal_id: user.id, name: 'k', secret_hash: '', created_at: 1, last_used_at: null }
    const rows = [
      { ...key, id: 'key', expires_at: null },
      { ...key, id: 'session', expires_at: 100, kind: 'session' as const, came_by: 'provider:1' },
      { ...key, id: 'token', expires_at: 100, kind: 'accessToken' as const, came_by: 'provider:1' },
      { ...key, id: 'trusted', expires_at: 100, kind: 'accessToken' as const, came_by: 'trust:1' },
      { ...key, id: 'ended', expires_at: 10, kind: 'session' as const, came_by: 'provider:2' },
    ]
    await commit(...rows.map((row) => insertApiKey(db, row)))
    const shown = async () =>
      (await logins.listSessionKeys(db, { principalId: user.id, now: 50 }, { limit: 10 })).map(({ id }) => id)
    assert.deepEqual(await shown(), ['session', 'token', 'trusted'])
    await commit(logins.deleteKeysThatCameBy(db, 'provider:1'))
    assert.deepEqual(await shown(), ['trusted'])
    await commit(logins.deleteLoginsOf(db, user.id), logins.deleteSessionKey(db, 'key'))
    assert.deepEqual(await shown(), ['trusted'])
    assert.notEqual(await storeOf().hot.findKey('key'), undefined)
  })

  test('a login at a terminal is decided once, and taken once by whoever confirmed it', async () => {
    const { db } = storeOf()
    const [user, other] = [await made('confirms'), await made('too-late')]
    const row = {
      id: 'd'.repeat(64),
      user_code: 'BCDF-GHJK',
      principal_id: null,
      state: 'waiting' as const,
      asked: '{}',
      asked_at: 1,
      interval_ms: 5000,
      created_at: 1,
      expires_at: 100,
    }
    await commit(insertDeviceLogin(db, row))
    await refused(insertDeviceLogin(db, { ...row, id: 'e'.repeat(64) }))
    const confirmed = { state: 'confirmed' as const, principal_id: user.id, came_by: 'provider:1' }
    await commit(decideDeviceLogin(db, row, confirmed))
    await refused(decideDeviceLogin(db, row, { ...confirmed, principal_id: other.id }))
    const found = (await findDeviceLogin(db, row.id))!
    assert.equal(found.principal_id, user.id)
    await refused(takeDeviceLogin(db, { ...found, principal_id: other.id }))
    const both = await Promise.allSettled([
      commit(takeDeviceLogin(db, found)),
      commit(takeDeviceLogin(db, found)),
    ])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal(await findDeviceLoginByUserCode(db, row.user_code), undefined)
    await commit(insertDeviceLogin(db, row), decideDeviceLogin(db, row, confirmed))
    await commit(deleteDeviceLoginsThatCameBy(db, 'provider:1'))
    await refused(takeDeviceLogin(db, found))
  })

  test('a provider is changed only as it was read, and stopped for good', async () => {
    const { db } = storeOf()
    const row = { id: 'idp', name: 'idp', enabled: 1, settings: '{}', sealed_secret: 'a', created_at: 1 }
    await commit(insertIdentityProvider(db, row))
    await refused(insertIdentityProvider(db, { ...row, id: 'idp2' }))
    await commit(resealSecret(db, row, 'b'))
    await refused(resealSecret(db, row, 'c'))
    await refused(updateIdentityProvider(db, row, { enabled: 0 }))
    const now = (await findIdentityProvider(db, 'idp'))!
    await commit(requireEnabled(db, 'idp'), updateIdentityProvider(db, now, { enabled: 0 }))
    await refused(requireEnabled(db, 'idp'))
    await commit(deleteIdentityProvider(db, 'idp'))
    await refused(requireEnabled(db, 'idp'))
  })
}
