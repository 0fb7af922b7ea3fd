import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHotCache } from './hot-cache.ts'
import type { KeyRow, TargetRow } from './store.ts'

const key: KeyRow = {
  apiKeyId: 'k',
  secretHash: '',
  expiresAt: null,
  principalId: 'p',
  kind: 'user',
  username: 'alice',
  organisationRole: 'member',
  active: true,
  pseudonym: '',
  scid: '',
  organisationPermissions: null,
  keyKind: 'apiKey',
  scope: '',
  createdAt: 0,
  lastUsedAt: null,
  idleMs: null,
}

function cacheWith(rows: { key?: KeyRow; role?: TargetRow['role']; prefixRules?: string }) {
  const reads: string[] = []
  const cache = createHotCache({
    findKey(apiKeyId) {
      reads.push(apiKeyId)
      return rows.key && { ...rows.key }
    },
    findTarget(team, principalId) {
      reads.push(`${team} of ${principalId}`)
      const role = rows.role ?? null
      const policies = { teamPolicy: '', connectorPolicy: '' }
      const none = { connectorId: null, connectorVersion: null, settlingMove: null, ...policies }
      const { prefixRules = null } = rows
      const rules = { rolePermissions: null, prefixRules, restrictionRules: null, budgetRules: null }
      return { teamId: 't', team, prefix: '', role, ...rules, ...none }
    },
  })
  return { ...cache, reads }
}

test('a row is read once, until what was read is forgotten', () => {
  const rows: { key?: KeyRow; role?: TargetRow['role'] } = { key, role: 'member' }
  const { hot, forget, reads } = cacheWith(rows)
  for (let time = 0; time < 3; time++) {
    assert.equal(hot.findKey('k')?.active, true)
    assert.equal(hot.findTarget('vision', 'p')?.role, 'member')
  }
  assert.deepEqual(reads, ['k', 'vision of p'])
  rows.key = { ...key, active: false }
  rows.role = null
  forget()
  assert.equal(hot.findKey('k')?.active, false)
  assert.equal(hot.findTarget('vision', 'p')?.role, null)
})

test('what was not found is looked up again', () => {
  const rows: { key?: KeyRow } = {}
  const { hot } = cacheWith(rows)
  assert.equal(hot.findKey('k'), undefined)
  rows.key = key
  assert.equal(hot.findKey('k')?.username, 'alice')
})

test('another principal or another team is another row', () => {
  const { hot, reads } = cacheWith({})
  hot.findTarget('vision', 'p')
  hot.findTarget('vision', 'q')
  hot.findTarget('speech', 'p')
  assert.deepEqual(reads, ['vision of p', 'vision of q', 'speech of p'])
})

test('nobody can change a row that others are given', () => {
  const { hot } = cacheWith({ key })
  const row = hot.findKey('k')!
  assert.throws(() => (row.active = false), TypeError)
})

test('what is kept has an end in length, too: rows of many rules push out what was kept before', () => {
  const { hot, reads } = cacheWith({ prefixRules: 'x'.repeat(1_000_000) })
  for (let index = 0; index < 120; index++) hot.findTarget('vision', `p${index % 60}`)
  assert.equal(reads.length, 60)
  for (let index = 60; index < 70; index++) hot.findTarget('vision', `p${index}`)
  hot.findTarget('vision', 'p0')
  assert.equal(reads.at(-1), 'vision of p0')
})
