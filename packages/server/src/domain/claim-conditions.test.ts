import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { inTime } from '../../../../tests/in-time.ts'
import { claimAt, conditionProblem, matchesGlob } from './claim-conditions.ts'

describe('a condition on claims', () => {
  const holds = (condition: object, claims: object) =>
    conditionProblem({ claim: 'c', ...condition }, claims as Record<string, unknown>) === undefined

  test('equals: by value and type, and never by text alone', () => {
    assert.ok(holds({ equals: 'a' }, { c: 'a' }))
    assert.ok(holds({ equals: 7 }, { c: 7 }))
    assert.ok(holds({ equals: false }, { c: false }))
    for (const [equals, c] of [
      ['a', 'A'],
      ['a', ' a'],
      ['a', 'a\n'],
      ['a', 'a\u0000'],
      ['1', 1],
      [1, '1'],
      [true, 'true'],
      [true, 1],
      ['a*', 'ab'],
      ['', null],
      ['a', { a: 'a' }],
      ['é', 'e\u0301'],
    ] as const)
      assert.ok(!holds({ equals }, { c }), JSON.stringify([equals, c]))
  })

  test('matches: only texts, as a whole', () => {
    for (const c of [7, true, null, { a: 'a' }, undefined])
      assert.ok(!holds({ matches: '*' }, { c }), JSON.stringify(c))
    assert.ok(holds({ matches: '*' }, { c: '' }))
    for (const [matches, c, expected] of [
      ['repo:acme/*', 'repo:acme/model', true],
      ['repo:acme/*', 'repo:acme/', true],
      ['repo:acme/*', 'repo:acme/model:ref', false],
      ['repo:acme/*', 'repo:acme/model/x', false],
      ['repo:acme/*', 'xrepo:acme/model', false],
      ['repo:acme/*:*', 'repo:acme/model:environment', true],
      ['repo:acme/*:*', 'repo:acme/model:ref:refs/heads/main', false],
      ['repo:acme/*:ref:refs/heads/*', 'repo:acme/model:ref:refs/heads/main', true],
      ['repo:acme/*:ref:refs/heads/*', 'repo:acme/model:ref:refs/heads/a/b', false],
      ['repo:acme/*', 'repo:acme-evil/model', false],
      ['*a*b*', 'xaxbx', true],
      ['*a*b*', 'ba', false],
      ['a*a', 'a', false],
      ['a*a', 'aa', true],
      ['**', 'anything', true],
      ['*', 'a/b', false],
      ['*/*', 'a/b', true],
      ['*/*', 'a:b', false],
      ['a.c', 'abc', false],
      ['[ab]', 'a', false],
      ['a?c', 'abc', false],
      ['line*', 'line\nnext', true],
      ['a$', 'a', false],
    ] as const)
      assert.equal(holds({ matches }, { c }), expected, `${matches} and ${c}`)
  })

  test('a claim that is a list: any member; a list within it is none', () => {
    assert.ok(holds({ equals: 'b' }, { c: ['a', 'b'] }))
    assert.ok(holds({ matches: 'b*' }, { c: [1, 'bc'] }))
    assert.ok(!holds({ equals: 'b' }, { c: [['b'], { b: 'b' }] }))
    assert.ok(!holds({ matches: '*' }, { c: [] }))
    assert.ok(!holds({ equals: 'a,b' }, { c: ['a', 'b'] }))
  })

  test('one that asks for nothing never holds', () => {
    assert.ok(!holds({}, { c: 'a' }))
    assert.ok(!holds({}, {}))
  })

  test('a path with dots: the exact name first, then the longest names that are there', () => {
    const kubernetes = { 'kubernetes.io': { namespace: 'ml', serviceaccount: { name: 'trainer' } } }
    assert.equal(claimAt(kubernetes, 'kubernetes.io.namespace'), 'ml')
    assert.equal(claimAt(kubernetes, 'kubernetes.io.serviceaccount.name'), 'trainer')
    assert.equal(claimAt({ a: { b: 1 }, 'a.b': 2 }, 'a.b'), 2)
    assert.equal(claimAt({ a: { 'b.c': 1 }, 'a.b': { c: 2 } }, 'a.b.c'), 2)
    assert.equal(claimAt({ a: { 'b.c': 1 }, 'a.b': { d: 2 } }, 'a.b.c'), 1)
    assert.equal(claimAt({ 'https://x.example/y.z': 3 }, 'https://x.example/y.z'), 3)
    for (const path of [
      'kubernetes',
      'kubernetes.io.x',
      'constructor',
      '__proto__',
      'kubernetes.io.length',
      'toString.name',
      '.',
      'a..b',
    ])
      assert.equal(claimAt(kubernetes, path), undefined, path)
    assert.equal(claimAt({ a: ['x'] }, 'a.0'), undefined)
    assert.equal(claimAt({ a: 'text' }, 'a.length'), undefined)
    assert.equal(claimAt(JSON.parse('{"__proto__":{"a":1}}'), 'a'), undefined)
  })

  test('patterns: as a slow statement of them says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', ':', '*', '.', '\n'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        assert.equal(matchesGlob(pattern, value), slowly(pattern, value))
      }),
      { numRuns: 20_000 },
    )
    // And where it does match.
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.string({ unit: fc.constantFrom('a', 'b', '.') })), { maxLength: 4 }),
        (parts) => {
          const plain = (one: string) => one.replaceAll('*', 'a')
          const pattern = parts.map(([literal]) => plain(literal)).join('*')
          const value = parts
            .map(([literal, run], index) => plain(literal) + (index < parts.length - 1 ? run : ''))
            .join('')
          assert.ok(matchesGlob(pattern, value), `${pattern} and ${value}`)
        },
      ),
      { numRuns: 5000 },
    )
  })

  test('paths: as a slow statement of them says', () => {
    const name = fc.constantFrom('a', 'b', 'a.b', 'b.a', 'a.a')
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.dictionary(name, tie('tree'), { maxKeys: 3 })),
    }))
    const path = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(tree, path, (claims, steps) => {
        assert.deepEqual(claimAt(claims, steps.join('.')), slowlyAt(claims, steps))
      }),
      { numRuns: 20_000 },
    )
  })

  test('no pattern takes long', () =>
    inTime(200, () => {
      assert.equal(matchesGlob(`${'a*'.repeat(250)}b`, 'a'.repeat(16_000)), false)
      assert.equal(matchesGlob('*'.repeat(512), 'a'.repeat(16_000)), true)
    }))
})

/** Character by character, every way tried. */
function slowly(pattern: string, value: string): boolean {
  if (pattern === '') return value === ''
  if (pattern[0] !== '*')
    return value !== '' && pattern[0] === value[0] && slowly(pattern.slice(1), value.slice(1))
  if (slowly(pattern.slice(1), value)) return true
  return value !== '' && value[0] !== '/' && value[0] !== ':' && slowly(pattern, value.slice(1))
}

/** All ways to read a path, the one with the longest first names first. */
function slowlyAt(claims: unknown, steps: string[]): unknown {
  if (typeof claims !== 'object' || claims === null) return undefined
  for (let length = steps.length; length > 0; length--) {
    const inner = Object.entries(claims).find(
      ([name]) => name === steps.slice(0, length).join('.'),
    )?.[1] as unknown
    const found = length === steps.length ? inner : slowlyAt(inner, steps.slice(length))
    if (found !== undefined) return found
  }
  return undefined
}
