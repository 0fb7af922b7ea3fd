import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserDelegationKey } from '@signpost/signing'
import { createDelegationKeys } from './delegation-keys.ts'

const start = Date.UTC(2026, 10, 23, 9, 30, 0, 500)
const day = 86_400_000

function setUp() {
  const asked: { startsOn: Date; expiresOn: Date }[] = []
  let now = start
  let failing = false
  const keys = createDelegationKeys({
    clock: () => now,
    fetchKey: async (startsOn, expiresOn) => {
      asked.push({ startsOn, expiresOn })
      if (failing) throw new Error('refused')
      return keyBetween(startsOn, expiresOn)
    },
  })
  return { keys, asked, pass: (ms: number) => (now += ms), fail: (is: boolean) => (failing = is) }
}

test('a key starts 15 minutes back and lives at most 7 days', async () => {
  const { keys, asked } = setUp()
  await keys.prepare(start + day)
  const { startsOn, expiresOn } = asked[0]!
  assert.equal(startsOn.toISOString(), '2026-11-23T09:15:00.000Z')
  assert.ok(expiresOn.getTime() - startsOn.getTime() <= 7 * day)
})

test('a key is fetched once for many, and again only when it would end too early', async () => {
  const { keys, asked, pass } = setUp()
  await Promise.all([keys.prepare(start + day), keys.prepare(start + 2 * day)])
  assert.equal(asked.length, 1)
  assert.equal(keys.prepare(start + 6 * day), undefined)
  pass(6 * day)
  assert.equal(keys.prepare(start + 6 * day + 3_600_000), undefined)
  await keys.prepare(start + 7 * day)
  assert.equal(asked.length, 2)
})

test('what the latest expiry promises can be signed, a while after it was prepared', async () => {
  const { keys, pass } = setUp()
  const latest = keys.latestExpiry(start)
  await keys.prepare(latest)
  pass(60_000)
  assert.ok(keys.keyUntil(keys.latestExpiry(start + 60_000)))
  pass(2 * day)
  await keys.prepare(keys.latestExpiry(start + 60_000 + 2 * day))
  assert.ok(keys.keyUntil(keys.latestExpiry(start + 60_000 + 2 * day)))
})

test('without a key that lives so long nothing is signed', async () => {
  const { keys } = setUp()
  assert.throws(() => keys.keyUntil(start + 1000), { code: 'credential_unavailable' })
  await keys.prepare(start + day)
  assert.throws(() => keys.keyUntil(start + 8 * day), { code: 'credential_unavailable' })
})

test('a refusal reaches everybody who waited, and the next one asks again', async () => {
  const { keys, asked, fail } = setUp()
  fail(true)
  const waiting = [keys.prepare(start + day), keys.prepare(start + day)]
  for (const one of waiting) await assert.rejects(one!, /refused/)
  fail(false)
  await keys.prepare(start + day)
  assert.equal(asked.length, 2)
})

function keyBetween(startsOn: Date, expiresOn: Date): UserDelegationKey {
  const time = (at: Date) => `${at.toISOString().slice(0, 19)}Z`
  return {
    signedObjectId: 'oid',
    signedTenantId: 'tid',
    signedStartsOn: time(startsOn),
    signedExpiresOn: time(expiresOn),
    signedService: 'b',
    signedVersion: '2025-11-05',
    value: 'a2V5',
  }
}
