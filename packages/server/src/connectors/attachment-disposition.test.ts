import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachmentDisposition } from './attachment-disposition.ts'

test('a plain name stands in both forms', () => {
  assert.equal(
    attachmentDisposition('report.csv'),
    `attachment; filename="report.csv"; filename*=UTF-8''report.csv`,
  )
})

test('quotes, backslashes, paths and line breaks cannot end the name or add a header', () => {
  const value = attachmentDisposition('a"; b\\..\r\nset-cookie: x')
  assert.match(value, /^attachment; filename="a_; b_\.\.__set-cookie: x"; filename\*=UTF-8''[\w.%-]+$/)
})

test('the extended form leaves only what RFC 8187 lets stand', () => {
  assert.match(attachmentDisposition("it's (1)*ü.txt"), /UTF-8''it%27s%20%281%29%2A%C3%BC\.txt$/)
})
