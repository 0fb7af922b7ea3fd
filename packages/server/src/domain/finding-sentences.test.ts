import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '@signpost/contract'
import { findingSentences } from './finding-sentences.ts'

const told = (finding: Finding, status: number, also: string[]) =>
  findingSentences({
    at: '2026-11-23T12:00:00.000Z',
    finding,
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
  const letThrough = told('not_issued_here', 200, [])
  assert.match(letThrough.what, /^Somebody read "plan\.txt"/)
  assert.match(letThrough.why, /open to everybody/)
  assert.match(letThrough.advice, /^Close the bucket/)
  const refused = told('refused', 403, ['refused'])
  assert.match(refused.what, /tried to read/)
  assert.match(refused.why, /^The store refused it\. Nobody had signed it\.$/)
  assert.doesNotMatch(refused.why, /open/)
  assert.match(refused.advice, /^A few are usual/)
})
