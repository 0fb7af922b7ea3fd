/** The decision, as it is made, against a slow statement of the documented rules, on organisations at random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { teamAccessOf } from '../broker/decide-object.ts'
import type { StoredRules } from './access-rules.ts'
import { createRulesReader } from './access-rules.ts'
import { decideAccess, type Decision } from './decide-access.ts'
import { isSameForAllKeys } from './decide-object-access.ts'
import { explainObject } from './explain-access.ts'
import { createPolicyReader, policyText } from './policy.ts'
import { compare, principalOf, server } from './testing/compare-access.ts'
import { randomOrganisation, randomQuestion } from './testing/random-organisation.ts'
import { slowAccess, type SlowOrganisation, type SlowQuestion } from './testing/slow-access.ts'

const joined = (texts: readonly object[]) =>
  texts.length === 0 ? null : texts.map((one) => JSON.stringify(one)).join(',')

/** As the query of the hot path reads it. */
function targetOf(organisation: SlowOrganisation, { person, team: name }: SlowQuestion) {
  const team = organisation.teams.find((one) => one.name === name)
  if (!team) return undefined
  const role = organisation.members.find((one) => one.person === person && one.team === name)?.role ?? null
  const custom = role === null ? undefined : organisation.teamRoles[role]
  const rules: StoredRules = {
    prefixRules: joined(
      organisation.prefixes
        .filter((one) => one.team === name)
        .map(({ prefix, grants }) => ({
          prefix,
          grants: grants.map(({ person: principalId, role: named, access }) => ({
            principalId,
            role: named,
            access,
          })),
        })),
    ),
    restrictionRules: joined(
      organisation.restrictions
        .filter((one) => (one.person ?? person) === person && (one.team ?? name) === name)
        .map(({ id, verbs, caps, prefix, networks, from, until }) => ({
          id,
          actions: verbs,
          caps,
          prefix,
          networks,
          from,
          until,
          reason: 'why',
        })),
    ),
    budgetRules: null,
  }
  return {
    teamId: name,
    team: name,
    prefix: `${name}/`,
    role,
    rolePermissions: custom ? JSON.stringify(custom) : null,
    connectorId: 'c',
    connectorVersion: 1,
    teamPolicy: policyText(team.networks.length === 0 ? undefined : { networks: [...team.networks] }),
    connectorPolicy: '',
    settlingMove: null,
    ...rules,
  }
}

function createDecider() {
  const reader = createRulesReader()
  const policies = createPolicyReader(server)
  return (organisation: SlowOrganisation, question: SlowQuestion, isExplained = false): Decision => {
    const principal = principalOf(organisation, question)
    const target = targetOf(organisation, question)
    const { verb: ask, key, address, at } = question
    const rules = target && reader(target)
    const team = target && rules && teamAccessOf({ policies }, principal, address, target, rules)
    const decision = decideAccess(principal, { of: 'object', ask, key, address, at, team })
    if (team && isExplained) {
      const told = explainObject({ principal, active: true, team, budgets: [] }, { ask, key, address, at })
      assert.deepEqual([told.outcome, told.reason], [decision.outcome, decision.reason])
      assert.equal(told.steps.at(-1)?.verdict, decision.outcome === 'allow' ? 'allows' : 'denies')
    }
    if (team && isSameForAllKeys(principal, team))
      assert.equal(
        decideAccess(principal, { of: 'object', ask, key: 'other/key', address, at, team }).outcome,
        decision.outcome,
      )
    return decision
  }
}

test('100,000 decisions about organisations at random are those that the documentation says', () => {
  const decide = createDecider()
  const counts = { allow: 0, deny: 0, narrowed: 0 }
  const reasons = new Set<string>()
  const questions = fc.array(randomQuestion, { minLength: 50, maxLength: 50 })
  const property = fc.property(randomOrganisation, questions, (organisation, asked) => {
    for (const [index, question] of asked.entries()) {
      const decision = decide(organisation, question, index % 10 === 0)
      compare(slowAccess(organisation, question), decision)
      counts[decision.outcome] += 1
      reasons.add(decision.reason)
      if (decision.limits) counts.narrowed += 1
    }
  })
  fc.assert(property, { numRuns: 2000 })
  assert.equal(counts.allow + counts.deny, 100_000)
  // What is compared must not be all of one kind.
  assert.ok(counts.allow > 5000 && counts.deny > 20_000 && counts.narrowed > 500, JSON.stringify(counts))
  for (const reason of [
    'no_such_team',
    'not_a_member',
    'organisation_admin_not_a_member',
    'outside_key_scope',
    'role_too_low',
    'outside_network',
    'restricted_prefix',
    'restricted',
    'team_viewer',
    'team_admin',
    'team_role:curator',
  ])
    assert.ok(reasons.has(reason), reason)
})

test('a decision that is wrong is found, and the organisation that shows it is small', () => {
  const decide = createDecider()
  const wrong = fc.property(
    randomOrganisation,
    fc.array(randomQuestion, { maxLength: 50 }),
    (organisation, asked) => {
      for (const question of asked) {
        // As if grants were not looked at.
        const unrestricted = decide({ ...organisation, prefixes: [] }, question)
        assert.equal(unrestricted.outcome === 'allow', slowAccess(organisation, question).allowed)
      }
    },
  )
  const found = fc.check(wrong, { numRuns: 2000, seed: 7 })
  assert.ok(found.failed)
  const [organisation, asked] = found.counterexample!
  assert.deepEqual([organisation.prefixes.length, organisation.restrictions.length, asked.length], [1, 0, 1])
})
