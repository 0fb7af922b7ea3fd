/** The same comparison as in the domain, with all that a decision reads written to the database and read by the hot query. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRulesReader } from '../domain/access-rules.ts'
import { createPolicyReader, policyText } from '../domain/policy.ts'
import { compare, principalOf, server } from '../domain/testing/compare-access.ts'
import { randomOrganisation, randomQuestion } from '../domain/testing/random-organisation.ts'
import { slowAccess, type SlowOrganisation } from '../domain/testing/slow-access.ts'
import { setMember } from '../store/members.ts'
import { insertPrincipal } from '../store/principals.ts'
import { insertRestrictedPrefix } from '../store/restricted-prefixes.ts'
import { insertRestriction } from '../store/restrictions.ts'
import { insertRole } from '../store/roles.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { principalRow, teamRow } from '../store/store-fixture.ts'
import type { Statement, Store } from '../store/store.ts'
import { insertTeam } from '../store/teams.ts'
import { createUuidV7 } from '../uuid-v7.ts'
import { objectDecider } from './decide-object.ts'

/** Names of one organisation, told apart from those of all others in the same database. */
function named(organisation: SlowOrganisation, run: number): SlowOrganisation {
  const own = (text: string) => `${text}-${run}`
  const person = ({ person: who }: { person?: string }) => (who === undefined ? {} : { person: own(who) })
  const role = (text: string) => (text in organisation.teamRoles ? own(text) : text)
  const organisationRole = (text: string) => (text in organisation.organisationRoles ? own(text) : text)
  const renamed = (roles: SlowOrganisation['teamRoles']) =>
    Object.fromEntries(Object.entries(roles).map(([name, may]) => [own(name), may]))
  return {
    people: organisation.people.map((one) => ({
      ...one,
      id: own(one.id),
      organisationRole: organisationRole(one.organisationRole),
    })),
    teams: organisation.teams.map((one) => ({ ...one, name: own(one.name) })),
    teamRoles: renamed(organisation.teamRoles),
    organisationRoles: renamed(organisation.organisationRoles),
    members: organisation.members.map((one) => ({
      person: own(one.person),
      team: own(one.team),
      role: role(one.role),
    })),
    prefixes: organisation.prefixes.map((one) => ({
      ...one,
      team: own(one.team),
      grants: one.grants.map((grant) => ({
        ...person(grant),
        ...(grant.role === undefined ? {} : { role: role(grant.role) }),
        access: grant.access,
      })),
    })),
    // One that names nobody would hold for all organisations of this database.
    restrictions: organisation.restrictions.map((one) => ({
      ...one,
      ...person(one),
      id: own(one.id),
      ...(one.team !== undefined || one.person === undefined ? { team: own(one.team ?? 'vision') } : {}),
    })),
  }
}

function statementsFor({ db }: Store, organisation: SlowOrganisation): Statement[] {
  const custom = (scope: 'team' | 'organisation', roles: SlowOrganisation['teamRoles']) =>
    Object.entries(roles).map(([name, may]) =>
      insertRole(db, { scope, name, description: '', permissions: JSON.stringify(may), created_at: 1 }),
    )
  return [
    ...custom('team', organisation.teamRoles),
    ...custom('organisation', organisation.organisationRoles),
    ...organisation.people.map(({ id, kind, organisationRole }) =>
      insertPrincipal(db, principalRow(id, { id, kind, organisation_role: organisationRole })),
    ),
    ...organisation.teams.map(({ name, networks }) =>
      insertTeam(
        db,
        teamRow(name, {
          id: name,
          policy: policyText(networks.length === 0 ? {} : { networks: [...networks] }),
        }),
      ),
    ),
    ...organisation.members.map(({ person, team, role }) =>
      setMember(db, { team_id: team, principal_id: person, role, since: 1 }),
    ),
    ...organisation.prefixes.map(({ team, prefix, grants }) =>
      insertRestrictedPrefix(db, {
        id: `${team} ${prefix}`,
        team_id: team,
        prefix,
        rule: JSON.stringify({
          prefix,
          grants: grants.map(({ person, role, access }) => ({ principalId: person, role, access })),
        }),
        created_at: 1,
      }),
    ),
    ...organisation.restrictions.map(({ id, person, team, verbs, ...rule }) =>
      insertRestriction(db, {
        id,
        principal_id: person ?? null,
        team_id: team ?? null,
        rule: JSON.stringify({ id, actions: verbs, reason: 'why', ...rule }),
        until_at: rule.until ?? null,
        of_organisation: 1,
        created_by: 'root',
        created_at: 1,
      }),
    ),
  ]
}

test('what the hot query reads leads to the decisions that the documentation says', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-model-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const newId = createUuidV7(Date.now, randomBytes)
  const store = await openSqliteStore({ file: join(folder, 'db'), newId, clock: Date.now })
  t.after(() => store.close())
  let clock = 0
  const deps = { policies: createPolicyReader(server), rules: createRulesReader(), clock: () => clock }
  let run = 0
  const questions = fc.array(randomQuestion, { minLength: 60, maxLength: 60 })
  const property = fc.asyncProperty(randomOrganisation, questions, async (made, asked) => {
    run += 1
    const organisation = named(made, run)
    await store.commit({ statements: statementsFor(store, organisation), events: [] })
    for (const one of asked) {
      const scope = one.scope?.teams
        ? { ...one.scope, teams: one.scope.teams.map((team) => `${team}-${run}`) }
        : one.scope
      const question = {
        ...one,
        person: `${one.person}-${run}`,
        team: `${one.team}-${run}`,
        ...(scope === undefined ? {} : { scope }),
      }
      clock = question.at
      const principal = principalOf(organisation, question)
      const target = await store.hot.findTarget(question.team, question.person)
      const call = { requestId: '', address: question.address }
      const decision = objectDecider(deps, { principal, call }, target)(question.verb, question.key)
      compare(slowAccess(organisation, question), decision)
    }
  })
  await fc.assert(property, { numRuns: 150 })
  assert.equal(run, 150)
})
