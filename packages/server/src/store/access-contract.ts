/** What every engine's store must do of itself about access: grants that end with a membership, uses that are noted. */
import type { AuditEvent } from '@signpost/contract'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  lastUses,
  listReviewedKeys,
  listReviewedMemberships,
  listReviewedPrincipals,
} from './access-review.ts'
import { insertApiKey } from './api-keys.ts'
import { insertPrincipal, deletePrincipal } from './principals.ts'
import { removeMember, setMember } from './members.ts'
import {
  findRestrictedPrefix,
  holdMembers,
  insertRestrictedPrefix,
  prefixRuleText,
  readPrefixRule,
} from './restricted-prefixes.ts'
import { eventOf, principalRow, teamRow } from './store-fixture.ts'
import type { Store } from './store.ts'
import { noteTeamUse } from './team-uses.ts'
import { insertTeam } from './teams.ts'

export function accessTests(storeOf: () => Store): void {
  test('finds the events of grants by their ids, and nothing for other texts', async () => {
    const store = storeOf()
    const odd = 'odd "\\\u2028\u001e key'
    const events = [
      eventOf('named-1', { grantId: 'grant-named-1' }),
      eventOf('named-2', { grantId: 'grant-named-2', key: odd }),
      eventOf('named-3'),
    ]
    await store.commit({ statements: [], events })
    const asked = ['grant-named-2', 'grant-named-0', 'grant-named-1', '', "' or 1 = 1 --", 'named-3']
    const found = (await store.findGrants(asked)).map((text) => JSON.parse(text) as AuditEvent)
    const keys = new Map(found.map(({ id, key }) => [id, key]))
    assert.deepEqual([found.length, keys.get('named-1'), keys.get('named-2')], [2, events[0]!.key, odd])
    assert.deepEqual(await store.findGrants(['grant-named-0']), [])
    assert.deepEqual(await store.findGrants([]), [])
  })
  const setUp = async (name: string) => {
    const store = storeOf()
    const { db } = store
    const team = teamRow(`${name}-team`)
    const other = teamRow(`${name}-other`)
    const one = principalRow(`${name} one`)
    const two = principalRow(`${name} two`)
    const member = (teamId: string, id: string) =>
      setMember(db, { team_id: teamId, principal_id: id, role: 'member', since: 1 })
    const prefixRow = (teamId: string) => ({
      id: `${name}-${teamId}`,
      team_id: teamId,
      prefix: 'a/',
      rule: prefixRuleText({
        prefix: 'a/',
        grants: [
          { principalId: one.id, access: 'write' },
          { principalId: two.id, access: 'read' },
        ],
      }),
      created_at: 1,
    })
    await store.commit({
      statements: [
        ...[team, other].map((row) => insertTeam(db, row)),
        ...[one, two].map((row) => insertPrincipal(db, row)),
        ...[team, other].flatMap(({ id }) => [member(id, one.id), member(id, two.id)]),
        ...[team, other].map(({ id }) => insertRestrictedPrefix(db, prefixRow(id))),
      ],
      events: [],
    })
    const granted = async (teamId: string) => {
      const row = await findRestrictedPrefix(db, teamId, { prefix: 'a/' })
      return readPrefixRule(row!).grants.map(({ principalId }) => principalId)
    }
    return { store, db, team, other, one, two, granted }
  }

  test('a membership that ends takes its grants of this team, and no other', async () => {
    const { store, db, team, other, one, two, granted } = await setUp('leaving')
    await store.commit({ statements: [removeMember(db, team.id, one.id)], events: [] })
    assert.deepEqual(await granted(team.id), [two.id])
    assert.deepEqual(await granted(other.id), [one.id, two.id])
    await store.commit({ statements: [deletePrincipal(db, two.id)], events: [] })
    assert.deepEqual([await granted(team.id), await granted(other.id)], [[], [one.id]])
  })

  test('nobody is granted a prefix who is no member by then', async () => {
    const { store, db, team, one, two } = await setUp('held')
    await store.commit({ statements: holdMembers(db, team.id, [one.id, two.id]), events: [] })
    await store.commit({ statements: [removeMember(db, team.id, two.id)], events: [] })
    const late = store.commit({ statements: holdMembers(db, team.id, [one.id, two.id]), events: [] })
    await assert.rejects(late, { code: 'conflict' })
  })

  test('a use of a team is noted, never set back, and no error for who is gone', async () => {
    const { store, db, team, one } = await setUp('using')
    const hour = 1_800_000_000_000
    for (const at of [hour, hour + 3_600_000, hour - 3_600_000])
      await store.commit({
        statements: [
          noteTeamUse(db, { principalId: one.id, teamId: team.id, at }),
          noteTeamUse(db, { principalId: 'gone', teamId: team.id, at }),
        ],
        events: [],
      })
    const rows = await db.selectFrom('team_uses').selectAll().where('team_id', '=', team.id).execute()
    assert.deepEqual(rows, [{ principal_id: one.id, team_id: team.id, last_used_at: hour + 3_600_000 }])
  })

  test('a review reads people by pages, with what belongs to them, in the types that it says', async () => {
    const { store, db, team, one, two } = await setUp('reviewed')
    const key = { principal_id: one.id, name: 'n', secret_hash: 'h', created_at: 1, expires_at: null }
    await store.commit({
      statements: [
        insertApiKey(db, { ...key, id: 'reviewed-1', last_used_at: 5 }),
        insertApiKey(db, { ...key, id: 'reviewed-2', last_used_at: 9, expires_at: 2 }),
        insertApiKey(db, { ...key, id: 'reviewed-3', last_used_at: null, kind: 'session', expires_at: 2 }),
        noteTeamUse(db, { principalId: one.id, teamId: team.id, at: 3_600_000 }),
      ],
      events: [],
    })
    const filter = { teamId: team.id }
    const first = await listReviewedPrincipals(db, filter, { limit: 1 })
    const rest = await listReviewedPrincipals(db, filter, { limit: 9, after: first[0]!.username })
    assert.deepEqual(
      [...first, ...rest].map(({ id, rolePermissions }) => [id, rolePermissions]),
      [
        [one.id, null],
        [two.id, null],
      ],
    )
    const ids = [one.id, two.id]
    assert.deepEqual(
      (await listReviewedMemberships(db, ids, {}))
        .map(({ principalId, team: name, lastUsedAt }) => [principalId === one.id, name, lastUsedAt])
        .toSorted((a, b) => String(a).localeCompare(String(b))),
      [
        [false, 'reviewed-other', null],
        [false, 'reviewed-team', null],
        [true, 'reviewed-other', null],
        [true, 'reviewed-team', 3_600_000],
      ],
    )
    // A session that has ended is no way in; a key that has ended is still to be tidied away.
    const keys = await listReviewedKeys(db, ids, 10)
    assert.deepEqual(
      keys.map(({ id }) => id),
      ['reviewed-1', 'reviewed-2'],
    )
    assert.deepEqual([...(await lastUses(db, ids))], [[one.id, 9]])
  })
}
