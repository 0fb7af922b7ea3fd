import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nobody } from '../../domain/network.ts'
import { ipRangeOf } from './ip-range.ts'

test('exactly one IPv4 range stands in a SAS', () => {
  const cases: [string[], string | undefined][] = [
    [['203.0.113.10'], '203.0.113.10'],
    [['203.0.113.10/32'], '203.0.113.10'],
    [['203.0.113.0/24'], '203.0.113.0-203.0.113.255'],
    [['203.0.113.77/24'], '203.0.113.0-203.0.113.255'],
    [['203.0.113.129/25'], '203.0.113.128-203.0.113.255'],
    [['10.0.0.0/31'], '10.0.0.0-10.0.0.1'],
    [['255.255.255.255/1'], '128.0.0.0-255.255.255.255'],
    [['0.0.0.0/0'], '0.0.0.0-255.255.255.255'],
    [[...nobody], '192.0.2.255'],
    [[], undefined],
    [['203.0.113.0/25', '203.0.113.128/25'], undefined],
    [['2001:db8::/32'], undefined],
    [['::ffff:203.0.113.10'], undefined],
    [['vpce-0123456789abcdef0'], undefined],
    [['203.0.113.0/24', 'vpce-0123456789abcdef0'], undefined],
  ]
  for (const [networks, expected] of cases) assert.equal(ipRangeOf(networks), expected, networks.join(' '))
})
