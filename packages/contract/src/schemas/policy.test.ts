import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Policy } from './policy.ts'

const networks = (...list: string[]) => Policy.safeParse({ networks: list }).success

test('ranges of addresses are taken as CIDR writes them', () => {
  for (const text of [
    '10.0.0.0/8',
    '10.1.2.3/8',
    '0.0.0.0/0',
    '198.51.100.7',
    '2001:db8::/32',
    '::/0',
    '::1',
  ])
    assert.ok(networks(text), text)
})

test('what two readers could take for different ranges is refused', () => {
  const refused = [
    '010.0.0.1',
    '10.0.0.0/08',
    '10.0.0.0/33',
    '::1/129',
    // A fraction is no length: nothing could be tested against it.
    '2001:db8::/6.9',
    // IPv4 in IPv6's clothes: no provider counts it as IPv4.
    '::ffff:10.0.0.0/104',
    '::ffff:0:0/96',
    '0:0:0:0:0:FFFF:10.0.0.0/104',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    'fe80::1%eth0',
  ]
  for (const text of refused) assert.equal(networks(text), false, text)
})

test('what every object gets is bounded, as stores bound it: ten tags, 2 KB of metadata', () => {
  const many = (count: number, text = 'x') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, text]))
  const writes = (value: object) => Policy.safeParse({ writes: value }).success
  assert.ok(writes({ tags: many(10), metadata: many(20) }))
  assert.equal(writes({ tags: many(11) }), false)
  assert.equal(writes({ metadata: many(9, 'x'.repeat(256)) }), false)
  assert.equal(writes({ metadata: many(2000) }), false)
})

test("a policy says only what it was given: a team's one word does not undo the connector's others", () => {
  assert.deepEqual(Policy.parse({ verification: { readBytesMax: 0 } }), { verification: { readBytesMax: 0 } })
})
