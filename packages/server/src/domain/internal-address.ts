import { membershipOf, plainAddress } from './network.ts'

/** IANA's registry of special-purpose addresses (RFC 6890 and what came after), multicast and what is reserved. */
const internalV4 = membershipOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
/** Of IPv6 only global unicast is public (RFC 4291 §2.4), without protocols, tunnels (Teredo, 6to4) and documentation. */
const globalV6 = membershipOf(['2000::/3'])
const internalV6 = membershipOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])
/** NAT64 (RFC 6052 §2.1): the last 32 bits are the IPv4 address that is reached. */
const nat64 = membershipOf(['64:ff9b::/96'])

/** Is it an address that the public internet does not have? What is no address at all counts as one. */
export function isInternalAddress(address: string): boolean {
  const plain = plainAddress(address)
  if (plain.includes('%')) return true
  if (!plain.includes(':')) return !/^\d+\.\d+\.\d+\.\d+$/.test(plain) || internalV4(plain)
  if (nat64(plain)) return internalV4(embeddedV4(plain))
  return !globalV6(plain) || internalV6(plain)
}

function embeddedV4(address: string): string {
  // The URL parser writes IPv6 in one form: `64:ff9b::` and at most two groups.
  const tail = new URL(`http://[${address}]`).hostname.slice('[64:ff9b::'.length, -1).split(':')
  const [low = '0', high = '0'] = tail.reverse()
  return [high, low]
    .map((group) => Number.parseInt(group || '0', 16))
    .flatMap((number) => [number >> 8, number & 255])
    .join('.')
}
