import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liesIn } from './quarantine.ts'

test('what was put away is still where it was, for who may reach it', () => {
  const cases: [string, boolean][] = [
    ['secret/a', true],
    ['secret/', true],
    ['secret', false],
    ['a/secret/a', false],
    ['.signpost-quarantine/id/secret/a', true],
    ['.signpost-quarantine/id/.signpost-quarantine/id/secret/a', true],
    ['.signpost-quarantine/id/secret', false],
    ['.signpost-quarantine/id/open/secret/a', false],
    ['x/.signpost-quarantine/id/secret/a', false],
    // Too long a key was not kept: it may have been there.
    ['.signpost-quarantine/id', true],
    // The folder itself, to list it; what is in it is looked at one by one.
    ['.signpost-quarantine/', false],
    ['.signpost-quarantine/id/', false],
  ]
  for (const [key, expected] of cases) assert.equal(liesIn('secret/', key), expected, key)
  assert.equal(liesIn('.signpost-quarantine/', '.signpost-quarantine/id/x'), true)
})

test('what is nested deeper than anything is put away may have been anywhere: each rule looks no further', () => {
  const nested = (times: number) => '.signpost-quarantine/x/'.repeat(times)
  assert.equal(liesIn('secret/', `${nested(4)}open/a`), false)
  assert.equal(liesIn('secret/', `${nested(4)}secret/a`), true)
  assert.equal(liesIn('secret/', `${nested(5)}open/a`), true)
  assert.equal(liesIn('secret/', `${nested(44)}open/a`), true)
})
