/** Lists of networks (CIDR v4 and v6, and AWS's VPC endpoints), as policies name them. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

export interface Cidr {
  family: 'ipv4' | 'ipv6'
  address: string
  prefixLength: number
}

/** Undefined: it is no address range (a VPC endpoint). A lone address is a range of one. */
export function cidrOf(text: string): Cidr | undefined {
  const [address = '', length] = text.split('/')
  const version = isIP(address)
  if (version === 0) return undefined
  const bits = version === 4 ? 32 : 128
  return {
    family: version === 4 ? 'ipv4' : 'ipv6',
    address,
    prefixLength: length === undefined ? bits : Number(length),
  }
}

/**
 * A test whether an address is in one of the ranges. IPv4 in IPv6's clothes (::ffff:1.2.3.4) counts as IPv4, and no range
 * of IPv6 holds it: Node's own lists take `::/0` for all of IPv4 too, which no provider does.
 */
export function membershipOf(networks: readonly string[]): (address: string) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of networks) {
    const cidr = cidrOf(text)
    if (cidr) lists[cidr.family].addSubnet(cidr.address, cidr.prefixLength, cidr.family)
  }
  return (address) => {
    const plain = plainAddress(address)
    const version = isIP(plain)
    if (version === 0) return false
    return version === 4 ? lists.ipv4.check(plain, 'ipv4') : lists.ipv6.check(plain, 'ipv6')
  }
}

/**
 * IPv4 without IPv6's clothes (RFC 4291 §2.5.5.2), in which a dual-stack socket shows it. All else stays as it is, also
 * what is no address.
 */
export function plainAddress(address: string): string {
  // As sockets write it: that is the address of nearly every request.
  if (address.startsWith('::ffff:') && isIPv4(address.slice(7))) return address.slice(7)
  if (!address.includes(':') || !isIPv6(address) || address.includes('%')) return address
  // The URL parser writes IPv6 in one form, the IPv4 tail included.
  const { hostname } = new URL(`http://[${address}]`)
  const groups = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname)?.slice(1)
  if (!groups) return address
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((number) => [number >> 8, number & 255])
    .join('.')
}

/** What is in both lists. An empty list is no limit; nothing in common is a list that holds nobody (`nobody`). */
export function bothNetworks(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.length === 0) return other
  if (other.length === 0) return one
  const common = new Set<string>()
  for (const a of one)
    for (const b of other) {
      const narrower = narrowerOf(a, b)
      if (narrower !== undefined) common.add(narrower)
    }
  return common.size === 0 ? nobody : [...common]
}

/** A range that no client has: TEST-NET-1's broadcast address (RFC 5737). */
export const nobody: readonly string[] = Object.freeze(['192.0.2.255/32'])

function narrowerOf(a: string, b: string): string | undefined {
  const [one, other] = [cidrOf(a), cidrOf(b)]
  if (!one || !other) return a === b ? a : undefined
  if (one.family !== other.family) return undefined
  const [wide, narrow, text] = one.prefixLength <= other.prefixLength ? [one, other, b] : [other, one, a]
  const list = new BlockList()
  list.addSubnet(wide.address, wide.prefixLength, wide.family)
  return list.check(narrow.address, narrow.family) ? text : undefined
}
