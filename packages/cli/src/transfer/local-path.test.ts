import assert from 'node:assert/strict'
import { resolve, sep } from 'node:path'
import { test } from 'node:test'
import { keyOf, localPathOf } from './local-path.ts'

test('a key becomes a file below the folder, segment by segment', () => {
  assert.equal(localPathOf('/out', 'a/b c/ä.txt', 'linux'), '/out/a/b c/ä.txt')
  assert.equal(localPathOf('/out', '...', 'linux'), '/out/...')
  assert.equal(localPathOf('/out', String.raw`a\..\b`, 'linux'), String.raw`/out/a\..\b`)
})

test('a key that would leave the folder, or fall together with another, is refused', () => {
  const keys = [
    '../x',
    'a/../../x',
    'a/..',
    '..',
    '.',
    './x',
    'a/./b',
    '/etc/passwd',
    '//x',
    'a//b',
    'a/',
    '',
    'a\0b',
  ]
  for (const platform of ['linux', 'win32'] as const)
    for (const key of keys) assert.throws(() => localPathOf('/out', key, platform), /it is not written/, key)
})

test('on Windows, names that it bends are refused too', () => {
  const keys = [
    String.raw`..\x`,
    String.raw`a\b`,
    'C:x',
    'C:/x',
    'a:stream',
    'con',
    'NUL.txt',
    'com1',
    'a.',
    'a ',
    'a?',
    'a\u0001',
  ]
  for (const key of keys) assert.throws(() => localPathOf('C:/out', key, 'win32'), /it is not written/, key)
  assert.throws(() => localPathOf('/out', '\ud800', 'linux'), /well-formed/)
})

test('no key of random segments leaves the folder', () => {
  const pieces = ['..', '.', '', 'a', '/', '\\', '%2e%2e', '…', ' ', '~', 'C:']
  let state = 7
  const next = () => (state = (state * 48_271) % 2_147_483_647)
  for (let round = 0; round < 5000; round += 1) {
    const key = Array.from({ length: (next() % 5) + 1 }, () => pieces[next() % pieces.length]).join(
      next() % 2 ? '/' : '',
    )
    try {
      assert.ok(resolve(localPathOf('/out', key, 'linux')).startsWith(`/out${sep}`), key)
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'unsafe_key', key)
    }
  }
})

test('a file becomes a key below the prefix; only Windows parts segments by a backslash', () => {
  assert.equal(keyOf('p/', 'a/b', 'linux'), 'p/a/b')
  assert.equal(keyOf('p/', String.raw`a\b`, 'win32'), 'p/a/b')
  assert.equal(keyOf('', String.raw`a\b`, 'linux'), String.raw`a\b`)
})
