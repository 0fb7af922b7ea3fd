import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { addUnit, emptyGroup } from './commit-group.ts'
import { packGroup, unpackGroup } from './packed-group.ts'
import type { WriteUnit } from './store.ts'

const at = '2026-01-01T00:00:00.000Z'
const base: AuditEvent = { id: 'a', at, type: 'url.issue', decision: 'allow', reason: 'team_member' }
const units: Record<string, WriteUnit[]> = {
  'no unit': [],
  'a unit without events': [{ statements: [], events: [] }],
  'an event without columns': [{ statements: [], events: [base] }],
  'statements beside units without': [
    { statements: [{ sql: 'select ?', parameters: ['a\nb', null, 1], expectRows: 1 }], events: [base] },
    { statements: [], events: [base, base] },
  ],
  'line breaks, empty texts and lone surrogates': [
    {
      statements: [],
      events: [
        { ...base, key: 'a\nb\u2028c\u0000', username: '', team: 'x\ny', grantId: '1' },
        { ...base, key: '', username: 'zoë 😀', principalId: '\ud800', agent: 'a\r\nb' },
        { ...base, key: 'last' },
      ],
    },
    { statements: [], events: [{ ...base, decision: 'deny', team: 'vision' }] },
  ],
}

for (const [what, given] of Object.entries(units)) {
  test(`a group comes out as it went in: ${what}`, () => {
    const group = emptyGroup()
    for (const unit of given) addUnit(group, unit)
    assert.deepEqual(unpackGroup(structuredClone(packGroup(group))), group)
  })
}
