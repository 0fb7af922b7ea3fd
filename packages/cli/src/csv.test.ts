import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvLine } from './csv.ts'

test('cells are quoted, and quotes in them doubled', () => {
  assert.equal(csvLine(['a', 'b,c', 'say "x"', null, 3, true]), '"a","b,c","say ""x""","","3","true"\r\n')
  assert.equal(csvLine(['two\nlines']), '"two\nlines"\r\n')
})

test('what a spreadsheet would calculate is text', () => {
  for (const text of [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '  =1+1',
    '\uff1d1',
    '=HYPERLINK("http://x","y")',
  ])
    assert.equal(csvLine([text]), `"'${text.replaceAll('"', '""')}"\r\n`)
  for (const text of ['a=1', 'x-y', "'=1", '1+1']) assert.equal(csvLine([text]), `"${text}"\r\n`)
})
