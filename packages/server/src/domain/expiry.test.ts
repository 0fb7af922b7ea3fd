import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

/** The same, slowly: second by second, the last one that breaks no limit. */
function slowly({ now, askedSeconds, mode, policy, latest }: ExpiryInput) {
  const second = Math.floor(now / 1000)
  const limits = {
    requested: askedSeconds === undefined ? Number.POSITIVE_INFINITY : now + askedSeconds * 1000,
    policy:
      now + Math.min(policy.maxSeconds, askedSeconds === undefined ? policy.defaultSeconds : Infinity) * 1000,
    [latest.limitedBy]: latest.at,
  }
  let last: number | null = null
  for (let at = (second + 1) * 1000; Object.values(limits).every((limit) => at <= limit); at += 1000)
    last = at
  if (last === null) return { outcome: 'credential_ended' }
  const names = Object.entries(limits)
    .filter(([, limit]) => limit < last! + 1000)
    .map(([name]) => name)
  const wish = askedSeconds ?? policy.defaultSeconds
  const whole = Math.floor((now + wish * 1000) / 1000) * 1000
  const isCut = last < whole || wish > policy.maxSeconds
  return isCut && mode !== 'shorten'
    ? { outcome: 'not_possible', maxSeconds: last / 1000 - second, names }
    : { outcome: 'possible', expiresAt: last, names }
}

test('in ten thousand random cases it says what the slow statement says, and names a limit that is one', () => {
  const seen = new Set<string>()
  const cases = fc
    .record({
      late: fc.nat(5000),
      askedSeconds: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
      mode: fc.constantFrom('shorten' as const, 'refuse' as const, 'exact' as const),
      maxSeconds: fc.integer({ min: 1, max: 90 }),
      defaultSeconds: fc.integer({ min: 1, max: 90 }),
      latestMs: fc.nat(100_000),
      limitedBy: fc.constantFrom('provider' as const, 'credential' as const),
    })
    .map(({ late, askedSeconds, mode, maxSeconds, defaultSeconds, latestMs, limitedBy }): ExpiryInput => ({
      now: now + late,
      askedSeconds,
      mode,
      policy: { maxSeconds, defaultSeconds: Math.min(defaultSeconds, maxSeconds) },
      latest: { at: now + latestMs, limitedBy },
    }))
  const agrees = (input: ExpiryInput) => {
    const { names, ...expected } = { names: [] as string[], ...slowly(input) }
    const got = expiryOf(input)
    if (got.outcome === 'credential_ended') return assert.deepEqual(got, expected)
    const { limitedBy, ...rest } = got
    assert.deepEqual(rest, expected)
    assert.ok(names.includes(limitedBy), `${limitedBy} is not among ${names.join(', ')}`)
    seen.add(`${got.outcome} ${limitedBy}`)
  }
  fc.assert(fc.property(cases, agrees), { numRuns: 10_000 })
  for (const limit of ['requested', 'policy', 'provider', 'credential'])
    assert.ok(seen.has(`possible ${limit}`))
  for (const limit of ['policy', 'provider', 'credential']) assert.ok(seen.has(`not_possible ${limit}`))
})
