import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonReport, reportFormat } from './report-format.ts'

test('a file is what its name says, whatever the command itself answers', () => {
  for (const isJson of [false, true]) {
    assert.equal(reportFormat({ out: 'month.html' }, isJson), 'html')
    assert.equal(reportFormat({ out: 'month.csv' }, isJson), 'csv')
    assert.equal(reportFormat({ out: 'month' }, isJson), 'md')
    assert.equal(reportFormat({ out: 'month.html', format: 'csv' }, isJson), 'csv')
    assert.throws(() => reportFormat({ out: 'month.pdf' }, isJson), /no report is written as \.pdf/)
  }
  assert.equal(reportFormat({}, false), 'md')
  assert.equal(reportFormat({}, true), 'json')
})

test('for programs it is one line', () => {
  const report = { a: [1, 2], b: 'x\ny' }
  assert.equal(jsonReport(report, true), '{"a":[1,2],"b":"x\\ny"}\n')
  assert.deepEqual(JSON.parse(jsonReport(report, false)), report)
})
