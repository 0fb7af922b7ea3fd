import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isNamed } from './names-in-text.ts'

const cases: [name: string, line: string, isThere: boolean][] = [
  ['ann', '"GET /b/k?X-User=ann&X-Amz-Date=1 HTTP/1.1" 200', true],
  ['ann', '"GET /b/k?X-User=joanna HTTP/1.1" 200', false],
  ['ann', '"GET /b/k?X-User=joann HTTP/1.1" 200', false],
  ['ann', '"GET /b/k?X-User=anna HTTP/1.1" 200', false],
  ['ann', 'beast: 0x7f: 10.0.0.1 - ann [23/Nov/2026] "GET / HTTP/1.1"', true],
  ['ann', '10.0.0.1 - ann-marie [23/Nov/2026]', false],
  ['ann', 'ann.smith', false],
  ['ann', 'ann@example.com', false],
  ['ann@example.com', 'user=ann@example.com', true],
  ['ann@example.com', 'X-User=ann%40example.com', true],
  ['ann@example.com', 'joann@example.com', false],
  ['ann', 'X-User=jo%61nn', false],
  ['ann', 'X-User=%61%6E%6e', true],
  ['ann', 'X-User=ann%40example.com', false],
  ['ann', 'X-User=%2561nn', true],
  ['ann', 'referer=https%3A%2F%2Fx%2F%3FX-User%3Dann%26b', true],
  ['ann', 'the request was made by ann.', true],
  ['ann', 'Ann', false],
  ['Ann', 'X-User=ANN', false],
  ['ann', '{"user":"ann"}', true],
  ['ann', 'arn:aws:sts::123456789012:assumed-role/reader/ann', true],
  ['ann', 'ann', true],
  ['ann', '', false],
  // Characters that mean something in an expression.
  ['a.n', 'X-User=abn', false],
  ['a.n', 'X-User=a.n', true],
  ['a+n', 'X-User=a%2Bn', true],
  ['a+n', 'X-User=a+n', true],
  ['a+n', 'X-User=aan', false],
  ['.*', 'X-User=anybody', false],
  ['.*', 'X-User=.* ', true],
  ['(a|b)', 'X-User=%28a%7Cb%29', true],
  ['(a|b)', 'X-User=a', false],
  ['[x]$', 'X-User=[x]$&b', true],
  ['a\\b', '{"user":"a\\\\b"}', true],
  ['100%', 'X-User=100%25&', true],
  ['100%', 'X-User=100%', true],
  ['a%41', 'X-User=a%2541', true],
  ['a%41', 'X-User=aA', false],
  ['_', 'a_b', false],
  ['%', 'nothing here', false],
  // Other alphabets, and the ways to write them.
  ['žofie', 'X-User=%C5%BEofie', true],
  ['žofie', 'X-User=%c5%beofie', true],
  ['žofie', `X-User=${'žofie'.normalize('NFD')}`, true],
  ['ofie', 'X-User=%C5%BEofie', false],
  ['ofi', `X-User=${'ofié'.normalize('NFD')}`, false],
  ['žofie', '{"user":"\\u017eofie"}', true],
  ['žofie', 'user \\xc5\\xbeofie', true],
  ['山田', 'X-User=%E5%B1%B1%E7%94%B0', true],
  ['山田', 'X-User=山田太郎', false],
  ['Анна', 'user="Анна"', true],
  ['Анна', 'user="Жанна Аннанова"', false],
  ['😀', 'user=😀', true],
  // With separators inside.
  ['Ada Lovelace', 'user=Ada%20Lovelace&', true],
  ['Ada Lovelace', 'user=Ada+Lovelace&', true],
  ['Ada Lovelace', 'user=Ada+Lovelaces', false],
  ['a/b', 'role/a/b', true],
  ['a/b', 'role/a/bc', false],
  ['a"b', '{"user":"a\\"b"}', true],
]

describe('a line names somebody', () => {
  for (const [name, line, isThere] of cases)
    test(`${isThere ? 'where' : 'not where'} ${JSON.stringify(name)} is looked for in ${JSON.stringify(line)}`, () => {
      assert.equal(isNamed(line, [name]), isThere)
    })

  test('whatever the name is, and however it is encoded', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(names, (name) => {
        const whole = name.normalize('NFC')
        const encoded = encodeURIComponent(whole)
        for (const written of [encoded, encodeURIComponent(encoded), JSON.stringify(whole)])
          assert.ok(isNamed(`GET /b?X-User=${written}&x=1`, [whole]), written)
      }),
    )
  })

  test('never by a part of a longer name', () => {
    const part = fc.stringMatching(/^[a-z\u00e0-\u00f6._-]{1,8}$/u)
    fc.assert(
      fc.property(part, part, part, (name, before, behind) => {
        const longer = `${before}${name}${behind}`
        for (const written of [longer, encodeURIComponent(longer), `${before}${name}`, `0${name}`])
          assert.equal(isNamed(`1=${written}&2`, [name]), false, written)
      }),
    )
  })

  test('nor does nobody', () => assert.equal(isNamed('a b', ['']), false))
})
