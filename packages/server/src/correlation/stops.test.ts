import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStops } from './stops.ts'
import { grantFacts, issuedAt } from './testing/facts.ts'

const event = (seconds: number, type: string, details: Record<string, unknown>) =>
  JSON.stringify({ at: new Date(issuedAt + seconds * 1000).toISOString(), type, details })
const deactivated = event(90, 'user.update', { user: 'alice', active: false })
const keyDeleted = event(10, 'apiKey.delete', { key: 'k-alice' })
const restricted = event(50, 'restriction.create', { restriction: 'r', user: 'alice', actions: 'read' })
const at = (seconds: number) => issuedAt + seconds * 1000

test('tells the first of several stops, whatever their kind', () => {
  const stops = readStops([keyDeleted, restricted, deactivated], new Map())
  const told = [9, 11, 60, 100].map((seconds) => stops.of(grantFacts(), at(seconds))?.reason)
  assert.deepEqual(told, [undefined, 'key_deleted', 'key_deleted', 'key_deleted'])
  const later = readStops([restricted, deactivated], new Map())
  assert.deepEqual(later.of(grantFacts(), at(100)), { at: at(50), reason: 'restricted' })
})

test('tells none that was over, before the grant, or of somebody else', () => {
  const ended = event(60, 'restriction.end', { restriction: 'r' })
  const stops = readStops([restricted, ended], new Map())
  assert.equal(stops.of(grantFacts(), at(55))?.reason, 'restricted')
  assert.equal(stops.of(grantFacts(), at(61)), undefined)
  const all = readStops([keyDeleted, restricted, deactivated], new Map())
  assert.equal(all.of(grantFacts({ issuedAt: at(95) }), at(100)), undefined)
  assert.equal(all.of(grantFacts({ username: 'bob', apiKeyId: 'k-bob' }), at(100)), undefined)
})
