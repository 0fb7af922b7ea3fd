import assert from 'node:assert/strict'
import { test } from 'node:test'
import { siteOf } from './site-of.ts'

test('what counts as one site', () => {
  const cases: [string, string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:7:1::1', '2001:db8:7'],
    ['2001:db8:7:ffff:1:2:3:4', '2001:db8:7'],
    ['2001:db8::1', '2001:db8:0'],
    ['2001::7:1', '2001:0:0'],
    ['::1', '0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0'],
    ['', ''],
  ]
  for (const [address, site] of cases) assert.equal(siteOf(address), site, address)
})
