/** What every engine's store must do of itself about roles: none is lost from under those who hold it, or would get it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setMember } from './members.ts'
import { deletePrincipal, insertPrincipal, updatePrincipal } from './principals.ts'
import { insertRestrictedPrefix } from './restricted-prefixes.ts'
import { deleteRole, findRole, insertRole, isRoleHeld, listRoles, updateRole, type RoleRow } from './roles.ts'
import { principalRow, teamRow } from './store-fixture.ts'
import type { Statement, Store } from './store.ts'
import { insertTeam } from './teams.ts'

export function roleTests(storeOf: () => Store): void {
  const row = (scope: RoleRow['scope'], name: string): RoleRow => ({
    scope,
    name,
    description: '',
    permissions: '["objects.read"]',
    created_at: 1,
  })
  const commit = async (...statements: Statement[]) => storeOf().commit({ statements, events: [] })
  const conflict = { code: 'conflict' }

  test('roles are found and listed by scope and name, and are what was looked at when they are changed', async () => {
    const { db } = storeOf()
    const rows = [row('team', 'r-b'), row('organisation', 'r-b'), row('team', 'r-a')]
    await commit(...rows.map((one) => insertRole(db, one)))
    await assert.rejects(commit(insertRole(db, row('team', 'r-a'))), conflict)
    const names: string[] = []
    let after: RoleRow | undefined
    do {
      const page: RoleRow[] = (await listRoles(db, { limit: 1, after })).slice(0, 1)
      names.push(...page.map(({ scope, name }) => `${scope} ${name}`))
      after = page[0]
    } while (after)
    assert.deepEqual(names, ['organisation r-b', 'team r-a', 'team r-b'])
    await commit(updateRole(db, rows[0]!))
    await commit(updateRole(db, rows[0]!, { permissions: '[]' }))
    assert.equal((await findRole(db, { scope: 'team', name: 'r-b' }))?.permissions, '[]')
    assert.equal(
      (await findRole(db, { scope: 'organisation', name: 'r-b' }))?.permissions,
      '["objects.read"]',
    )
    for (const late of [[updateRole(db, rows[0]!)], deleteRole(db, rows[0]!)])
      await assert.rejects(commit(...late), conflict)
    await commit(...deleteRole(db, rows[1]!), ...deleteRole(db, rows[2]!))
    assert.equal(await findRole(db, { scope: 'team', name: 'r-a' }), undefined)
    // Who gives it now, gives nothing.
    await assert.rejects(commit(updateRole(db, rows[2]!)), conflict)
  })

  test('a role that is held, or named by a rule or a mapping, is not deleted; one of the other scope is', async () => {
    const { db } = storeOf()
    const [team, who] = [teamRow('r-team'), principalRow('r-who')]
    await commit(insertTeam(db, team), insertPrincipal(db, who))
    const member = setMember(db, { team_id: team.id, principal_id: who.id, role: 'held', since: 1 })
    const rule = '{"prefix":"a/","grants":[{"role":"ruled","access":"read"}]}'
    const prefix = { id: 'r-prefix', team_id: team.id, prefix: 'a/', rule, created_at: 1 }
    const settings = '{"groups":[{"group":"g","team":"t","role":"mapped","organisationRole":"mapped"}]}'
    const provider = { id: 'r-p', name: 'r-p', enabled: 1, settings, sealed_secret: '', created_at: 1 }
    const { sql, parameters } = db.insertInto('identity_providers').values(provider).compile()
    await commit(member, insertRestrictedPrefix(db, prefix), { sql, parameters })
    await commit(updatePrincipal(db, who.id, { organisation_role: 'given' }))
    const held = [
      row('team', 'held'),
      row('team', 'ruled'),
      row('team', 'mapped'),
      row('organisation', 'mapped'),
      row('organisation', 'given'),
    ]
    const free = [row('team', 'given'), row('organisation', 'held'), row('team', 'hel'), row('team', 'rule')]
    await commit(...[...held, ...free].map((one) => insertRole(db, one)))
    for (const one of held) {
      assert.equal(await isRoleHeld(db, one), true, one.name)
      await assert.rejects(commit(...deleteRole(db, one)), conflict, one.name)
    }
    for (const one of free) {
      assert.equal(await isRoleHeld(db, one), false, one.name)
      await commit(...deleteRole(db, one))
    }
  })

  test('of giving a role and deleting it at once, one is refused', async () => {
    const { db } = storeOf()
    const [team, who] = [teamRow('r-race'), principalRow('r-racer')]
    await commit(insertTeam(db, team), insertPrincipal(db, who))
    for (let round = 0; round < 5; round++) {
      const role = row('team', `racing${round}`)
      await commit(insertRole(db, role))
      const member = { team_id: team.id, principal_id: who.id, role: role.name, since: 1 }
      const results = await Promise.allSettled([
        commit(updateRole(db, role), setMember(db, member)),
        commit(...deleteRole(db, role)),
      ])
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    }
  })

  test('a principal is changed or deleted only as it was looked at', async () => {
    const { db } = storeOf()
    const seen = principalRow('r-seen')
    await commit(insertPrincipal(db, seen))
    await commit(updatePrincipal(db, seen.id, { organisation_role: 'admin' }, seen))
    await assert.rejects(commit(updatePrincipal(db, seen.id, { active: 0 }, seen)), conflict)
    await assert.rejects(commit(deletePrincipal(db, seen.id, seen)), conflict)
    await commit(deletePrincipal(db, seen.id, { organisation_role: 'admin' }))
  })
}
