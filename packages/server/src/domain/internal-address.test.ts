import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInternalAddress } from './internal-address.ts'

const inside = `
  0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
  169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1
  224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 192.0.2.1 203.0.113.1
  :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 0:0:0:0:0:ffff:a9fe:a9fe
  fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 2606:4700::1%1 fec0::1 ff02::1
  2002:7f00:1:: 2001::1 2001:db8::1 64:ff9b:1::1 100::1 3fff::1 5f00::1
  64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:: 64:ff9b::1
  localhost unknown 1.2.3
`
  .trim()
  .split(/\s+/)
const outside = `
  1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
  128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 223.255.255.255
  ::ffff:8.8.8.8 2606:4700:4700::1111 2a00::1 64:ff9b::8.8.8.8 64:ff9b::808:808
`
  .trim()
  .split(/\s+/)

test('what the public internet does not have is internal, in whatever way it is written', () => {
  for (const address of ['', ...inside]) assert.equal(isInternalAddress(address), true, address)
  for (const address of outside) assert.equal(isInternalAddress(address), false, address)
})
