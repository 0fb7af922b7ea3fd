import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './network-of.ts'

test('addresses of one network are counted as one, others are not', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.0/24')
  assert.equal(networkOf('192.0.2.255'), networkOf('192.0.2.0'))
  assert.notEqual(networkOf('192.0.3.7'), networkOf('192.0.2.7'))
  assert.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.0/24')
  assert.equal(networkOf('2001:db8:1::1'), '2001:db8:1::/48')
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:0db8:0001::'))
  assert.notEqual(networkOf('2001:db8:2::1'), networkOf('2001:db8:1::1'))
})

test('what is no address has no network', () => {
  for (const text of ['', '-', 'unix', '1.2.3', '1.2.3.4.5', 'AWS Internal', '192.0.2.7/24', '::g'])
    assert.equal(networkOf(text), undefined, text)
})
