import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bothNetworks, membershipOf, nobody, plainAddress } from './network.ts'

test('an address is in a list by its ranges, v4 and v6, and never by a VPC endpoint', () => {
  const isIn = membershipOf(['203.0.113.0/24', '2001:db8::/32', '198.51.100.7', 'vpce-0123456789abcdef0'])
  for (const address of ['203.0.113.9', '2001:db8::1', '198.51.100.7', '::ffff:203.0.113.9'])
    assert.ok(isIn(address), address)
  for (const address of [
    '203.0.114.1',
    '2001:db9::1',
    '198.51.100.8',
    'vpce-0123456789abcdef0',
    '',
    'unknown',
  ])
    assert.equal(isIn(address), false, address)
})

test('both lists hold: the narrower of two ranges, and nobody where they have nothing in common', () => {
  assert.deepEqual(bothNetworks([], ['10.0.0.0/8']), ['10.0.0.0/8'])
  assert.deepEqual(bothNetworks(['10.0.0.0/8'], []), ['10.0.0.0/8'])
  assert.deepEqual(
    bothNetworks(['10.0.0.0/8', '2001:db8::/32'], ['10.1.0.0/16', '192.0.2.0/24', '2001:db8:1::/48']),
    ['10.1.0.0/16', '2001:db8:1::/48'],
  )
  assert.deepEqual(bothNetworks(['10.1.0.0/16'], ['10.0.0.0/8']), ['10.1.0.0/16'])
  assert.deepEqual(bothNetworks(['vpce-0123456789abcdef0', '10.0.0.0/8'], ['vpce-0123456789abcdef0']), [
    'vpce-0123456789abcdef0',
  ])
  assert.equal(bothNetworks(['10.0.0.0/8'], ['192.168.0.0/16']), nobody)
  assert.equal(membershipOf(nobody)('10.0.0.1'), false)
})

test('all of IPv6 is none of IPv4, and all of IPv4 none of IPv6', () => {
  const six = membershipOf(['10.0.0.0/8', '::/0'])
  for (const address of ['203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109'])
    assert.equal(six(address), false, address)
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '2001:db8::1'])
    assert.ok(six(address), address)
  const four = membershipOf(['0.0.0.0/0'])
  assert.ok(four('::ffff:203.0.113.9'))
  assert.equal(four('2001:db8::1'), false)
})

test('IPv4 is itself in every way of writing it as IPv6, and nothing else changes', () => {
  for (const address of [
    '203.0.113.9',
    '::ffff:203.0.113.9',
    '::FFFF:203.0.113.9',
    '::ffff:cb00:7109',
    '0:0:0:0:0:ffff:203.0.113.9',
    '0000:0000:0000:0000:0000:ffff:cb00:7109',
  ])
    assert.equal(plainAddress(address), '203.0.113.9', address)
  assert.equal(plainAddress('::ffff:0.0.0.0'), '0.0.0.0')
  for (const address of [
    '',
    'unknown',
    '2001:db8::1',
    '::1',
    '::203.0.113.9',
    '64:ff9b::203.0.113.9',
    'fe80::1%eth0',
    '::ffff:203.0.113.9%eth0',
    '::ffff:203.0.113',
    '::ffff:203.0.113.256',
    '::ffff:a.b',
  ])
    assert.equal(plainAddress(address), address)
})
