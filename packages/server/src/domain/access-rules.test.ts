import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRulesReader, storedScope } from './access-rules.ts'

const none = { prefixRules: null, restrictionRules: null, budgetRules: null }
const rule = (prefix: string) => ({ prefix, grants: [] })

test('rules are read as the query joins them, and each text once', () => {
  const read = createRulesReader()
  const prefixRules = `${JSON.stringify(rule('a/'))},${JSON.stringify(rule('b/'))}`
  const { prefixes, restrictions, budgets } = read({ ...none, prefixRules })
  assert.deepEqual([prefixes, restrictions, budgets], [[rule('a/'), rule('b/')], [], []])
  assert.equal(read({ ...none, prefixRules }).prefixes, prefixes)
  assert.deepEqual(read(none), { prefixes: [], restrictions: [], budgets: [] })
})

test('networks of restrictions are worked out once, where they are read', () => {
  const read = createRulesReader()
  const about = { id: 'x', actions: ['read'], from: 0, reason: 'r' } as const
  const rules = [{ ...about, networks: ['192.0.2.0/24'] }, about]
  const restrictionRules = rules.map((one) => JSON.stringify(one)).join(',')
  const [first, second] = read({ ...none, restrictionRules }).restrictions
  assert.deepEqual([first?.isFrom?.('192.0.2.1'), first?.isFrom?.('198.51.100.1')], [true, false])
  assert.equal(second?.isFrom, undefined)
  assert.equal(read({ ...none, restrictionRules }).restrictions[0]?.isFrom, first?.isFrom)
})

test('rules that cannot be read are an error, and not no rules', () => {
  const read = createRulesReader()
  for (const text of ['{', '{}}', 'x']) assert.throws(() => read({ ...none, prefixRules: text }))
})

test('what is kept has an end, and what was forgotten is read again', () => {
  const read = createRulesReader()
  const large = (index: number) => JSON.stringify(rule(`${index}/${'x'.repeat(1_000_000)}/`))
  const first = read({ ...none, prefixRules: large(0) }).prefixes
  assert.equal(read({ ...none, prefixRules: large(0) }).prefixes, first)
  for (let index = 1; index < 9; index++) read({ ...none, prefixRules: large(index) })
  const again = read({ ...none, prefixRules: large(0) }).prefixes
  assert.notEqual(again, first)
  assert.deepEqual(again, first)
})

test('a scope is JSON, and none is empty', () => {
  assert.equal(storedScope(''), undefined)
  assert.deepEqual(storedScope('{"teams":["a"]}'), { teams: ['a'] })
})
