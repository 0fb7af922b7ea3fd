import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  keyInBucket,
  keyInTeam,
  keyRuleSentence,
  listPrefixProblem,
  objectKeyProblem,
  teamPrefixProblem,
  type KeyRule,
} from './object-key.ts'

const refused: [key: string, rule: KeyRule][] = [
  ['', 'empty'],
  ['/a', 'leading_slash'],
  ['a/', 'trailing_slash'],
  ['/', 'leading_slash'],
  ['.', 'dot_segment'],
  ['..', 'dot_segment'],
  ['../b', 'dot_segment'],
  ['a/./b', 'dot_segment'],
  ['a/..', 'dot_segment'],
  ['é/../b', 'dot_segment'],
  ['a\\b', 'backslash'],
  ['..\\b', 'backslash'],
  ['é\\b', 'backslash'],
  ['a\0b', 'control_character'],
  ['a\nb', 'control_character'],
  ['a\x7fb', 'control_character'],
  ['a\u0085b', 'control_character'],
  ['a\ud800b', 'lone_surrogate'],
  ['a'.repeat(1020), 'too_long'],
  ['é'.repeat(510), 'too_long'],
]

test('a key that breaks a rule is refused by the name of the rule', () => {
  for (const [key, rule] of refused) {
    assert.equal(objectKeyProblem('demo/', key), rule, JSON.stringify(key.slice(0, 20)))
    assert.match(keyRuleSentence(rule), /^must /)
  }
})

test('awkward keys that every store takes are accepted', () => {
  for (const key of [
    'a',
    'a b+c%d=e&f',
    'a//b',
    '...',
    '.hidden',
    'a/..b/c..',
    "!'()*~",
    '日本語/ü.txt',
    '😀',
    '%2e%2e/b',
    'a/%2E/b',
    'a'.repeat(1019),
    'é'.repeat(509),
  ]) {
    assert.equal(objectKeyProblem('demo/', key), null, key.slice(0, 20))
  }
})

test('an accepted key comes through a URL client as it is', () => {
  for (const key of ['a/%2e%2e/b', 'a/%2E/b', '...', 'a//b', 'a/..b']) {
    const path = key.split('/').map(encodeURIComponent).join('/')
    assert.equal(new URL(`http://bucket.test/demo/${path}`).pathname, `/demo/${path}`)
  }
})

test('a prefix to list may end anywhere, but not climb', () => {
  for (const prefix of ['', 'a', 'a/', 'a/.', 'a/..', 'ü/']) {
    assert.equal(listPrefixProblem('demo/', prefix), null, prefix)
  }
  assert.equal(listPrefixProblem('demo/', '/a'), 'leading_slash')
  assert.equal(listPrefixProblem('demo/', '../x'), 'dot_segment')
  assert.equal(listPrefixProblem('demo/', 'a\0'), 'control_character')
  assert.equal(listPrefixProblem('demo/', 'a'.repeat(1024)), 'too_long')
})

test("a team's prefix is empty or a key with a slash behind it", () => {
  assert.equal(teamPrefixProblem(''), null)
  assert.equal(teamPrefixProblem('demo/'), null)
  assert.equal(teamPrefixProblem('a/b/'), null)
  assert.equal(teamPrefixProblem('demo'), 'no_slash_at_end')
  assert.equal(teamPrefixProblem('/'), 'leading_slash')
  assert.equal(teamPrefixProblem('demo//'), 'trailing_slash')
  assert.equal(teamPrefixProblem('../'), 'dot_segment')
})

test('prefix and key are joined and taken apart again', () => {
  assert.equal(keyInBucket('demo/', 'a/b'), 'demo/a/b')
  assert.equal(keyInTeam('demo/', 'demo/a/b'), 'a/b')
  assert.equal(keyInTeam('demo/', 'demon/a'), null)
})
