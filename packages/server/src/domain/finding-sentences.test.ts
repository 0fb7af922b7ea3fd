import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingSentences } from './finding-sentences.ts'

const told = (status: number, also: string[]) =>
  findingSentences({
    at: '2026-11-23T12:00:00.000Z',
    finding: 'not_issued_here',
    connector: 'main',
    key: 'plan.txt',
    evidence: {
      operation: 'REST.GET.OBJECT',
      action: 'read',
      status,
      reason: 'anonymous',
      authentication: 'none',
      also,
    },
  })

test('what nobody signed: only where the store let it through, it is called open', () => {
  const letThrough = told(200, [])
  assert.match(letThrough.what, /^Somebody read "plan\.txt"/)
  assert.match(letThrough.why, /open to everybody/)
  assert.match(letThrough.advice, /^Close the bucket/)
  const refused = told(403, ['refused'])
  assert.match(refused.what, /tried to read/)
  assert.match(refused.why, /Nobody had signed it\. The store did not let it through\.$/)
  assert.doesNotMatch(refused.why, /open/)
  assert.match(refused.advice, /^A few are usual/)
})
