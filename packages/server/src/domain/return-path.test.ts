import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { returnPath } from './return-path.ts'

test('paths of this server are kept, with their query', () => {
  for (const path of [
    '/',
    '/docs',
    '/device?user_code=ABCD-EFGH',
    '/o/team/a%20b',
    '/loginfo',
    '/a?b=/login',
  ])
    assert.equal(returnPath(path, '/x'), path)
})

test('nothing leads elsewhere, or into another login', () => {
  const elsewhere = [
    undefined,
    '',
    'docs',
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '\\\\evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/%2e//evil.example',
    '/a\nLocation: x',
    '/a b',
    '/a"b',
    '/é',
    'javascript:alert(1)',
    '/login',
    '/login/idp',
    '/logout',
    '/oidc/callback/idp?code=x',
    '/a/../login',
    `/${'a'.repeat(1024)}`,
  ]
  for (const path of elsewhere) assert.equal(returnPath(path, '/x'), '/x', JSON.stringify(path))
})

test('a browser would stay at whatever is kept', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'/\\.:@?#%2eaE\t\n evil'.split('')), maxLength: 20 }),
      (text) => {
        const kept = returnPath(text, '/x')
        assert.equal(new URL(kept, 'https://signpost.example').origin, 'https://signpost.example')
        assert.equal(new URL(kept, 'https://signpost.example').pathname.startsWith('//'), false)
      },
    ),
    { numRuns: 2000 },
  )
})
