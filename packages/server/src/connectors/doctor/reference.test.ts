import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { allChecks, checksFor } from './checks.ts'
import { doctorReference } from './reference.ts'

test('the reference page is the one that the checks make', () => {
  const file = new URL('../../../../../docs/reference/doctor-findings.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), doctorReference(), 'run npm run fix')
})

test('every check has a name of its own, and says what it means and what mends it', () => {
  assert.equal(new Set(allChecks.map(({ name }) => name)).size, allChecks.length)
  for (const { name, means, mends } of allChecks) {
    assert.match(name, /^[a-z]+\.[a-z0-9_]+$/)
    for (const sentence of [means, mends]) assert.match(sentence, /^[A-Z].*\.$/s, `${name}: ${sentence}`)
    assert.ok(!/\|/.test(means + mends), name)
  }
})

test('what a check needs stands before it, in every kind', () => {
  for (const kind of ['s3', 'gcs', 'azure'] as const) {
    const names = checksFor(kind).map(({ name }) => name)
    for (const { name, needs = [] } of checksFor(kind))
      for (const one of needs) {
        assert.ok(names.includes(one), `${kind}: ${name} needs ${one}`)
        assert.ok(names.indexOf(one) < names.indexOf(name), `${kind}: ${name} stands before ${one}`)
      }
  }
})
