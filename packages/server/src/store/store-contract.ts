import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  countActiveAdmins,
  findPrincipal,
  insertPrincipal,
  keepingAnAdmin,
  listPrincipals,
  updatePrincipal,
} from './principals.ts'
import {
  clearDefaultConnector,
  deleteConnector,
  findConnector,
  insertConnector,
  listConnectors,
  updateConnector,
} from './connectors.ts'
import { findDoctorReport, listExamined, saveDoctorReport } from './doctor-reports.ts'
import { insertApiKey, touchApiKeys } from './api-keys.ts'
import { listMembers, listMemberships, setMember } from './members.ts'
import { insertTeam, listTeams, updateTeam } from './teams.ts'
import { verifyAudit } from '../audit/verify.ts'
import type { Store } from './store.ts'
import type { StoreFixture } from './store-fixture.ts'
import { connectorRow, eventOf, eventsOf, principalRow, teamRow } from './store-fixture.ts'
import { accessTests } from './access-contract.ts'
import { alertTests } from './alert-contract.ts'
import { answerTests } from './answer-contract.ts'
import { loginTests } from './login-contract.ts'
import { roleTests } from './roles-contract.ts'
import { auditContract } from './audit-contract.ts'

/** What every engine's store must do. */
export function storeContract(
  engine: Store['engine'],
  options: { skip: false | string },
  createFixture: () => Promise<StoreFixture>,
): void {
  describe(`store on ${engine}`, options, () => {
    let fixture: StoreFixture
    let store: Store
    before(async () => {
      fixture = await createFixture()
      store = await fixture.open()
    })
    after(async () => {
      await store?.close()
      await fixture?.dispose()
    })

    rowTests(() => store)
    refusalTests(() => store)
    adminTests(() => store)
    hotTests(() => store)
    accessTests(() => store)
    answerTests(() => store)
    alertTests(() => store)
    roleTests(() => store)
    loginTests(() => store)

    test('lists by pages, without gaps or doubles', async () => {
      const { db } = store
      const names = ['p1', 'p2', 'p3', 'p4', 'p5']
      await store.commit({ statements: names.map((name) => insertTeam(db, teamRow(name))), events: [] })
      const rows = await listTeams(db, {}, { limit: 2, after: 'p1' })
      assert.deepEqual(
        rows.map(({ name }) => name),
        ['p2', 'p3', 'p4'],
      )
    })
  })
  auditContract(engine, options, createFixture)
}

function rowTests(storeOf: () => Store): void {
  test('numbers come back as numbers, texts as they were, rows as plain objects', async () => {
    const store = storeOf()
    const { db } = store
    const row = principalRow('types 😀', { display_name: "O'Neill\n\\ \u{1f600}", created_at: 2 ** 52 + 1 })
    await store.commit({ statements: [insertPrincipal(db, row)], events: [] })
    assert.deepEqual(await findPrincipal(db, row.username), { ...row, team: null })
    assert.equal(await countActiveAdmins(db), 0)
  })

  test('identifiers are compared and sorted by bytes', async () => {
    const store = storeOf()
    const { db } = store
    // By UTF-16 units U+FF5E would come after U+1F600; by any language's rules, `a` before `B`.
    const names = ['byte A', 'byte B', 'byte a', 'byte z', 'byte ä', 'byte \u{ff5e}', 'byte \u{1f600}']
    const rows = names.toReversed().map((name) => principalRow(name))
    await store.commit({ statements: rows.map((row) => insertPrincipal(db, row)), events: [] })
    const listed = await listPrincipals(db, { kind: 'user' }, { limit: 7, after: 'byte' })
    assert.deepEqual(
      listed.slice(0, 7).map(({ username }) => username),
      names,
    )
    assert.equal(await findPrincipal(db, 'BYTE A'), undefined)
  })

  test('setting a member twice changes its role and keeps since when', async () => {
    const store = storeOf()
    const { db } = store
    const member = { team_id: 'id-members', principal_id: 'id-mia', role: 'viewer', since: 5 } as const
    await store.commit({
      statements: [
        insertTeam(db, teamRow('members')),
        insertPrincipal(db, principalRow('mia')),
        setMember(db, member),
        setMember(db, { ...member, role: 'admin', since: 9 }),
      ],
      events: [],
    })
    const [row] = await listMembers(db, 'id-members', { limit: 10 })
    assert.deepEqual(row, { ...member, role: 'admin', came_by: '', username: 'mia', kind: 'user' })
    assert.deepEqual(await listMemberships(db, 'id-mia'), [
      { teamId: 'id-members', team: 'members', role: 'admin' },
    ])
    const mine = await listTeams(db, { memberId: 'id-mia' }, { limit: 10 })
    assert.deepEqual(
      mine.map(({ name }) => name),
      ['members'],
    )
  })
}

function refusalTests(storeOf: () => Store): void {
  test('a taken name is a conflict that names the field, and nothing of its unit is there', async () => {
    const store = storeOf()
    const { db } = store
    await store.commit({ statements: [insertPrincipal(db, principalRow('taken'))], events: [] })
    const again = principalRow('taken', { id: 'other', scid: 'other', pseudonym: 'other' })
    const refused = store.commit({
      statements: [insertTeam(db, teamRow('half')), insertPrincipal(db, again)],
      events: [eventOf('half-event', { grantId: 'half-grant' })],
    })
    await assert.rejects(refused, { code: 'conflict', field: 'username' })
    assert.deepEqual(
      await listTeams(db, {}, { limit: 1, after: 'hal' }).then((rows) => rows[0]?.name === 'half'),
      false,
    )
    const events = await db
      .selectFrom('audit_events')
      .where('grant_id', '=', 'half-grant')
      .selectAll()
      .execute()
    assert.deepEqual(events, [])
  })

  test('what is still used cannot be deleted, and what is not there cannot be used', async () => {
    const store = storeOf()
    const { db } = store
    const team = teamRow('uses', { connector_id: 'id-used' })
    await store.commit({
      statements: [insertConnector(db, connectorRow('used')), insertTeam(db, team)],
      events: [],
    })
    await assert.rejects(store.commit({ statements: [deleteConnector(db, 'id-used')], events: [] }), {
      code: 'conflict',
    })
    const absent = updateTeam(db, team.id, { connector_id: 'absent' })
    await assert.rejects(store.commit({ statements: [absent], events: [] }), { code: 'conflict' })
  })

  test('a change of what has changed since it was read is a conflict', async () => {
    const store = storeOf()
    const { db } = store
    await store.commit({ statements: [insertConnector(db, connectorRow('versions'))], events: [] })
    const update = (settings: string) => updateConnector(db, 'id-versions', 1, { settings })
    await store.commit({ statements: [update('{"n":1}')], events: [] })
    await assert.rejects(store.commit({ statements: [update('{"n":2}')], events: [] }), { code: 'conflict' })
    const row = await findConnector(db, 'versions')
    assert.deepEqual([row?.version, row?.settings], [2, '{"n":1}'])
  })

  test('a statement that breaks a rule of the tables is an internal error of its unit alone', async () => {
    const store = storeOf()
    const { db } = store
    const bad = principalRow('bad', { kind: 'robot' as 'user' })
    const [broken, fine] = await Promise.allSettled([
      store.commit({ statements: [insertPrincipal(db, bad)], events: [] }),
      store.commit({ statements: [insertPrincipal(db, principalRow('fine'))], events: [] }),
    ])
    assert.equal(broken.status === 'rejected' && broken.reason.code, 'internal')
    assert.equal(fine.status, 'fulfilled')
  })

  test('only one connector is the default', async () => {
    const store = storeOf()
    const { db } = store
    const one = insertConnector(db, connectorRow('default-1', { is_default: 1 }))
    const two = insertConnector(db, connectorRow('default-2', { is_default: 1 }))
    await store.commit({ statements: [one], events: [] })
    await assert.rejects(store.commit({ statements: [two], events: [] }), {
      code: 'conflict',
      field: 'isDefault',
    })
    await store.commit({ statements: [clearDefaultConnector(db), two], events: [] })
    assert.equal((await findConnector(db, 'default-1'))?.is_default, 0)
    await store.commit({ statements: [clearDefaultConnector(db)], events: [] })
  })

  test('in one commit, bad units are undone alone', async () => {
    const store = storeOf()
    const { db } = store
    const units = Array.from({ length: 30 }, (_, index) => {
      const events = eventsOf(`isolated-${index}`, 3)
      // Twice the same team; twice the same grant.
      const team = teamRow(`isolated-${index === 7 ? 6 : index}`, { id: `isolated-${index}` })
      if (index === 9 || index === 21) events[2]!.grantId = 'isolated-grant'
      return store.commit({ statements: index % 2 ? [insertTeam(db, team)] : [], events })
    })
    units.push(
      store.commit({ statements: [insertTeam(db, teamRow('isolated-1', { id: 'again' }))], events: [] }),
    )
    const results = await Promise.allSettled(units)
    const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))
    assert.deepEqual(failed, [21, 30])
    assert.equal((await verifyAudit(store)).firstBad, null)
    const { count } = await db
      .selectFrom('audit_events')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('event', 'like', '%isolated-%')
      .executeTakeFirstOrThrow()
    assert.equal(count, 29 * 3)
  })

  test('of the doctor’s reports the last one stays, goes with its connector, and comes for no other', async () => {
    const store = storeOf()
    const { db } = store
    await store.commit({
      statements: ['examined', 'unexamined'].map((name) => insertConnector(db, connectorRow(name))),
      events: [],
    })
    const save = (id: string, at: number, report: string) =>
      store.commit({ statements: [saveDoctorReport(db, id, at, report)], events: [] })
    await save('id-examined', 1_790_000_000_123, '{"ok":true}')
    await save('id-examined', 1_790_000_000_456, '{"ok":false}')
    await save('id-absent', 1, '{}')
    assert.equal(await findDoctorReport(db, 'id-examined'), '{"ok":false}')
    assert.equal(await findDoctorReport(db, 'id-absent'), undefined)
    const examined = (await listExamined(db, 100)).filter(({ name }) => name.endsWith('examined'))
    assert.deepEqual(examined, [
      { id: 'id-unexamined', name: 'unexamined', at: null, report: null },
      { id: 'id-examined', name: 'examined', at: 1_790_000_000_456, report: '{"ok":false}' },
    ])
    await store.commit({ statements: [deleteConnector(db, 'id-examined')], events: [] })
    assert.equal(await findDoctorReport(db, 'id-examined'), undefined)
  })

  test('reads cannot write', async () => {
    const { db } = storeOf()
    await assert.rejects(db.insertInto('teams').values(teamRow('past-commit')).execute())
  })
}

function adminTests(storeOf: () => Store): void {
  test('the last active organisation admin stays, whoever goes at the same time', async () => {
    const store = storeOf()
    const { db } = store
    const admins = ['ada', 'bob', 'cy'].map((name) => principalRow(name, { organisation_role: 'admin' }))
    await store.commit({ statements: admins.map((row) => insertPrincipal(db, row)), events: [] })
    const results = await Promise.allSettled(
      admins.map(({ id }) =>
        store.commit({ statements: keepingAnAdmin(db, updatePrincipal(db, id, { active: 0 })), events: [] }),
      ),
    )
    assert.deepEqual(
      results.map((result) => (result.status === 'rejected' ? result.reason.code : 'done')),
      ['done', 'done', 'conflict'],
    )
    assert.equal(await countActiveAdmins(db), 1)
  })
}

function hotTests(storeOf: () => Store): void {
  test('the hot path finds whose key it is, and the team with role and connector', async () => {
    const store = storeOf()
    const { db, hot } = store
    const key = {
      id: 'key1',
      principal_id: 'id-hot',
      name: 'ci',
      secret_hash: 'hash',
      created_at: 1,
      expires_at: null,
      last_used_at: null,
    }
    await store.commit({
      statements: [
        insertPrincipal(db, principalRow('hot')),
        insertApiKey(db, key),
        insertConnector(db, connectorRow('hot', { is_default: 1 })),
        insertTeam(db, teamRow('hot')),
        setMember(db, { team_id: 'id-hot', principal_id: 'id-hot', role: 'member', since: 1 }),
        touchApiKeys(db, ['key1', 'gone'], 60_000),
      ],
      events: [],
    })
    assert.deepEqual(await hot.findKey('key1'), {
      apiKeyId: 'key1',
      secretHash: 'hash',
      expiresAt: null,
      principalId: 'id-hot',
      kind: 'user',
      username: 'hot',
      organisationRole: 'member',
      active: true,
      pseudonym: 'pseudonym-hot',
      scid: 'scid-hot',
      organisationPermissions: null,
      keyKind: 'apiKey',
      scope: '',
      createdAt: 1,
      lastUsedAt: 60_000,
      idleMs: null,
    })
    assert.equal(await hot.findKey('KEY1'), undefined)
    const target = {
      teamId: 'id-hot',
      team: 'hot',
      prefix: 'hot/',
      connectorId: 'id-hot',
      connectorVersion: 1,
      teamPolicy: '',
      connectorPolicy: '',
      settlingMove: null,
      rolePermissions: null,
      prefixRules: null,
      restrictionRules: null,
      budgetRules: null,
    }
    assert.deepEqual(await hot.findTarget('hot', 'id-hot'), { ...target, role: 'member' })
    assert.deepEqual(await hot.findTarget('hot', 'stranger'), { ...target, role: null })
    assert.equal(await hot.findTarget('absent', 'id-hot'), undefined)
    const seen = async (memberId: string) =>
      (await listConnectors(db, { memberId }, { limit: 10 })).map(({ name }) => name)
    assert.deepEqual([await seen('id-hot'), await seen('stranger')], [['hot'], []])
  })
}
