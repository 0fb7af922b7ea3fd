import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryOf, type ExpiryInput } from './expiry.ts'

const now = Date.parse('2026-03-01T12:00:00.250Z')
const hour = 3600
const base: ExpiryInput = {
  now,
  mode: 'shorten',
  policy: { defaultSeconds: hour, maxSeconds: hour },
  latest: { at: now + 7 * 24 * hour * 1000, limitedBy: 'provider' },
}
const at = (seconds: number) => Math.floor((now + seconds * 1000) / 1000) * 1000

test('what is asked for is given, down to a whole second', () => {
  assert.deepEqual(expiryOf({ ...base, askedSeconds: 60 }), {
    outcome: 'possible',
    expiresAt: at(60),
    limitedBy: 'requested',
  })
})

test('left out, the policy says it', () => {
  assert.deepEqual(expiryOf(base), { outcome: 'possible', expiresAt: at(hour), limitedBy: 'policy' })
  assert.deepEqual(expiryOf({ ...base, mode: 'exact' }), {
    outcome: 'possible',
    expiresAt: at(hour),
    limitedBy: 'policy',
  })
})

test('longer than the policy is shortened and says so, or refused where exact was asked', () => {
  assert.deepEqual(expiryOf({ ...base, askedSeconds: hour + 1 }), {
    outcome: 'possible',
    expiresAt: at(hour),
    limitedBy: 'policy',
  })
  assert.deepEqual(expiryOf({ ...base, askedSeconds: hour + 1, mode: 'exact' }), {
    outcome: 'not_possible',
    limitedBy: 'policy',
    maxSeconds: hour,
  })
})

test('the credential cuts it, and is named', () => {
  const latest = { at: now + 90_000, limitedBy: 'credential' as const }
  assert.deepEqual(expiryOf({ ...base, latest }), {
    outcome: 'possible',
    expiresAt: at(90),
    limitedBy: 'credential',
  })
  assert.equal(expiryOf({ ...base, latest, mode: 'exact' }).outcome, 'not_possible')
  assert.equal(
    expiryOf({ ...base, latest: { at: now + 200, limitedBy: 'credential' } }).outcome,
    'credential_ended',
  )
})

test('no answer is ever later than any of its limits', () => {
  for (let i = 1; i < 400; i += 7) {
    const latest = { at: now + i * 997, limitedBy: 'provider' as const }
    const expiry = expiryOf({
      ...base,
      askedSeconds: 200,
      policy: { defaultSeconds: 50, maxSeconds: 150 },
      latest,
    })
    if (expiry.outcome !== 'possible') continue
    assert.ok(expiry.expiresAt <= Math.min(latest.at, now + 150_000))
    assert.equal(expiry.expiresAt % 1000, 0)
    assert.ok(expiry.expiresAt > now)
  }
})
