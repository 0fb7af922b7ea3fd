import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { csvCells } from './csv-row.ts'

const byLibrary = (text: string): unknown => {
  try {
    const rows: unknown = parse(text, { relax_column_count: true })
    return Array.isArray(rows) && rows.length === 1 ? rows[0] : undefined
  } catch {
    return undefined
  }
}

test('reads every row as the library does', () => {
  const piece = fc.constantFrom('"', '""', ',', '","', 'a', ' ', 'x=1', 'ü', '\\', '\n')
  const row = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(row, fc.boolean(), (text, isQuoted) => {
      const line = isQuoted ? `"${text}"` : text
      assert.deepEqual(csvCells(line), byLibrary(line), line)
    }),
    { numRuns: 3000 },
  )
})

test('reads what was written, and nothing that is no row', () => {
  const cells = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(cells, (texts) => {
      const line = texts.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')
      assert.deepEqual(csvCells(line), texts)
    }),
  )
  for (const text of ['"a', 'a"b', '"a"b', '"a","b"c"', '']) assert.equal(csvCells(text), undefined, text)
})
