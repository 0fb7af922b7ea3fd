import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { curlLine } from './curl-line.ts'
import { parseBytes, parseDuration, parseInstant, parseAhead } from './parse.ts'
import { humanBytes, humanDuration, printableLine, shellQuoted, tableLines } from './text.ts'

test('sizes are short and never say 1024 of a unit', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [100 * 1024 * 1024, '100 MiB'],
    [5 * 2 ** 40, '5.0 TiB'],
  ]
  for (const [bytes, text] of sizes) assert.equal(humanBytes(bytes), text)
})

test('durations are said in one unit', () => {
  const durations: [number, string][] = [
    [3599.7, '1 h'],
    [604_800, '7 d'],
    [5400, '90 min'],
    [59.6, '1 min'],
    [45, '45 s'],
  ]
  for (const [seconds, text] of durations) assert.equal(humanDuration(seconds), text)
})

test('durations and sizes are read with their units, and nothing else', () => {
  assert.equal(parseDuration('3600'), 3600)
  assert.equal(parseDuration('15m'), 900)
  assert.equal(parseDuration('7d'), 604_800)
  assert.equal(parseBytes('64M'), 64 * 1024 * 1024)
  assert.equal(parseBytes('1GiB'), 1024 ** 3)
  for (const text of ['', '0', '-1', '1.5h', '1w', 'm']) assert.throws(() => parseDuration(text))
  assert.equal(parseBytes('1T'), 1024 ** 4)
  for (const text of ['', '-1', '1.5M', 'M', '1E']) assert.throws(() => parseBytes(text))
  assert.equal(parseInstant('2026-01-31T12:00:00Z'), '2026-01-31T12:00:00.000Z')
  assert.equal(parseAhead('2026-01-31T12:00:00+01:00'), '2026-01-31T11:00:00.000Z')
  const hour = 3_600_000
  assert.ok(Math.abs(Date.parse(parseInstant('1h')) - Date.now() + hour) < 60_000)
  assert.ok(Math.abs(Date.parse(parseAhead('1h')) - Date.now() - hour) < 60_000)
  for (const text of ['tomorrow', '8', '', '2026-13-01', '999999999d']) {
    assert.throws(() => parseInstant(text), /an instant .* or a time back such as 24h/)
    assert.throws(() => parseAhead(text), /an instant .* or a time from now such as 24h/)
  }
})

test('control characters of names cannot steer the terminal', () => {
  assert.equal(printableLine('a\u001b[2Jb\nc\u202e'), 'a\\u{1b}[2Jb\\nc\\u{202e}')
})

test('columns are as wide as their widest cell', () => {
  assert.deepEqual(
    tableLines([
      ['A', 'B'],
      ['long', 'x'],
    ]),
    ['A     B', 'long  x'],
  )
})

test('quoted text reaches a program through a shell as it was', () => {
  for (const text of ['plain', '', "it's", '$(touch x)', '`x`', 'a\nb', '"\\', '*?[]{}~!#&;|<>'])
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuoted(text)}`], { encoding: 'utf8' }), text)
})

test('the curl line sends the method and every header of the contract', () => {
  const headers = { 'content-type': "text/plain; a='b'" }
  assert.equal(
    curlLine({ method: 'PUT', url: 'https://b.example/k?x=1&y=2', headers }),
    `curl --fail --silent --show-error --globoff --upload-file FILE --header 'content-type: text/plain; a='\\''b'\\''' 'https://b.example/k?x=1&y=2'`,
  )
  assert.match(curlLine({ method: 'HEAD', url: 'https://b/k', headers: {} }), / --head https:/)
})

test('columns stand below each other whatever is written in them', () => {
  const rows = [
    ['NAME', 'ROLE'],
    ['山田太郎', 'member'],
    ['Ju\u0308rgen', 'member'],
    ['한글', 'member'],
    ['🚀x', 'member'],
    ['Ελένη', 'member'],
  ]
  assert.deepEqual(tableLines(rows), [
    'NAME      ROLE',
    '山田太郎  member',
    'Ju\u0308rgen    member',
    '한글      member',
    '🚀x       member',
    'Ελένη     member',
  ])
  assert.deepEqual(
    tableLines([
      ['a', '山'],
      ['山', 'b'],
    ]),
    ['a   山', '山  b'],
  )
})

test('what some readers take for the end of a line is shown', () => {
  assert.equal(printableLine('a\u2028b\u2029c\u0085d'), 'a\\u{2028}b\\u{2029}c\\u{85}d')
  assert.equal(printableLine('山田 Ju\u0308rgen a\u200db'), '山田 Ju\u0308rgen a\u200db')
})
