import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import fc from 'fast-check'
import { columnsOf } from './audit-columns.ts'
import { nextHash } from './chain-opening.ts'
import { addUnit, clearGroup, emptyGroup, type CommitGroup } from './commit-group.ts'
import { packedHash } from './event-link.ts'
import { grantIdAt, keyAt, textAt } from './event-pack.ts'
import { packGroup, unpackGroup } from './packed-group.ts'
import type { WriteUnit } from './store.ts'
import { addToUnit, clearUnitPack, createUnitPack } from './unit-pack.ts'

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
  'more than there is room for at first': [
    { statements: [], events: Array.from({ length: 700 }, (_, n) => ({ ...base, key: `${n}é`.repeat(20) })) },
  ],
}

/** All that is said of each event, by whoever gets the group. */
function told({ eventCounts, statements, events }: CommitGroup) {
  const heads = events.heads.flatMap(({ count, ...head }) => Array.from({ length: count }, () => head))
  assert.equal(heads.length, events.count)
  return {
    eventCounts,
    statements,
    events: heads.map((head, event) => ({
      ...head,
      text: textAt(events, event).toString(),
      key: keyAt(events, event),
      grantId: grantIdAt(events, event),
    })),
  }
}

function expected(event: AuditEvent) {
  const { principal_id, object_key, grant_id, ...columns } = columnsOf(event)
  return {
    ...columns,
    principalId: principal_id,
    text: JSON.stringify(event),
    key: object_key,
    grantId: grant_id,
  }
}

for (const [what, given] of Object.entries(units)) {
  test(`a group comes out as it went in: ${what}`, () => {
    const group = emptyGroup()
    for (const unit of given) addUnit(group, unit)
    const there = told(unpackGroup(structuredClone(packGroup(group))))
    assert.deepEqual(there, {
      eventCounts: given.map(({ events }) => events.length),
      statements: given.map(({ statements }) => (statements.length === 0 ? null : statements)),
      events: given.flatMap(({ events }) => (events as AuditEvent[]).map(expected)),
    })
  })
}

const text = fc.string({ unit: 'binary' })
const anyEvent: fc.Arbitrary<AuditEvent> = fc
  .record(
    {
      key: text,
      grantId: text,
      username: text,
      team: text,
      agent: text,
      action: fc.constantFrom('read', 'write'),
    },
    { requiredKeys: [] },
  )
  .map((fields) => ({ ...base, ...fields }))

test('a unit that was written out by its use case is told as the events that it was made of; what was cleared is gone', () => {
  const pack = createUnitPack()
  const [one, other] = [emptyGroup(), emptyGroup()]
  const property = fc.property(fc.array(anyEvent), fc.array(anyEvent), (before, events) => {
    clearGroup(one)
    clearGroup(other)
    clearUnitPack(pack)
    for (const event of events) addToUnit(pack, event)
    for (const group of [one, other]) addUnit(group, { statements: [], events: before })
    addUnit(one, { statements: [], events: [], pack })
    addUnit(other, { statements: [], events })
    assert.deepEqual(told(one), told(other))
    assert.equal(
      pack.urls.reduce((sum, { count }) => sum + count, 0),
      events.length,
    )
  })
  fc.assert(property)
})

test('the hash of an event where it lies is that of its text', () => {
  const chain = '00000000-0000-7000-8000-000000000001'
  const property = fc.property(fc.array(anyEvent, { minLength: 1 }), fc.nat(2 ** 31), (events, seq) => {
    const group = emptyGroup()
    addUnit(group, { statements: [], events })
    let hash = 'f'.repeat(64)
    for (const [index, event] of events.entries()) {
      const head = { chain, seq: seq + index, hash }
      hash = packedHash(head, group.events, index)
      assert.equal(hash, nextHash(head, JSON.stringify(event)))
    }
    // What stands before one of them is not in another.
    assert.deepEqual(told(group).events, events.map(expected))
  })
  fc.assert(property)
})

test('an event that cannot be written out leaves nothing of its unit in the group', () => {
  const group = emptyGroup()
  addUnit(group, { statements: [], events: [base] })
  const bad = { ...base, partNumber: 1n as unknown as number }
  assert.throws(() => addUnit(group, { statements: [], events: [base, base, bad] }), TypeError)
  addUnit(group, { statements: [], events: [{ ...base, team: 'vision' }] })
  assert.deepEqual(
    told(group).events.map(({ team }) => team),
    [null, 'vision'],
  )
  assert.deepEqual(group.eventCounts, [1, 1])
})

test('a chain whose id would not fit before the text is refused', () => {
  const group = emptyGroup()
  addUnit(group, { statements: [], events: [base] })
  const head = { chain: 'c'.repeat(100), seq: 0, hash: '0'.repeat(64) }
  assert.throws(() => packedHash(head, group.events, 0), /chain is too long/)
})
