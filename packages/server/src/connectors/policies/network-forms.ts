/** A policy's list of networks in the forms that providers write it in. */
import { isIPv4 } from 'node:net'
import { cidrOf, nobody, type Cidr } from '../../domain/network.ts'

export interface NetworkForms {
  /** As CIDR, without host bits, lone addresses with their length: some stores refuse the rest. */
  v4: string[]
  v6: string[]
  /** AWS's VPC endpoints. */
  endpoints: string[]
}

export function networkForms(networks: readonly string[]): NetworkForms {
  const forms: NetworkForms = { v4: [], v6: [], endpoints: [] }
  for (const text of networks) {
    const cidr = cidrOf(text)
    if (cidr === undefined) forms.endpoints.push(text)
    else if (cidr.family === 'ipv4') forms.v4.push(withoutHostBits(cidr))
    else forms.v6.push(withoutHostBits(cidr))
  }
  return forms
}

/** What is left of IPv6 without the addresses that begin with four zero bits, of which nobody has one. */
const restOfV6 = ['8000::/1', '4000::/2', '2000::/3', '1000::/4']

/**
 * Ceph compares bits, whatever the family ("rgw_iam_policy.cc", MaskedIP): a range of IPv6 that begins with zeros alone,
 * such as `::/0`, would hold every address of IPv4. The ranges in its place are the same ones without those zeros.
 */
export function rangesForCeph(ranges: readonly string[]): readonly string[] {
  const written = ranges.flatMap((range) => {
    const cidr = cidrOf(range)
    if (cidr?.family !== 'ipv6' || numberOfV6(cidr.address) >> BigInt(128 - cidr.prefixLength) !== 0n)
      return [range]
    return restOfV6.slice(cidr.prefixLength)
  })
  return written.length > 0 ? written : nobody
}

/** 203.0.113.9/24 -> 203.0.113.0/24: the same addresses, in the form that every provider takes. */
export function withoutHostBits({ family, address, prefixLength }: Cidr): string {
  const bits = family === 'ipv4' ? 32 : 128
  const number = family === 'ipv4' ? numberOfV4(address) : numberOfV6(address)
  const hostBits = BigInt(bits - prefixLength)
  const network = (number >> hostBits) << hostBits
  return `${family === 'ipv4' ? textOfV4(network) : textOfV6(network)}/${prefixLength}`
}

/** All addresses of a small range (for Azure, which takes no /31 and /32). */
export function addressesOf(cidr: string): string[] {
  const [address = '', length] = cidr.split('/')
  const first = numberOfV4(address)
  return Array.from({ length: 2 ** (32 - Number(length)) }, (_, index) => textOfV4(first + BigInt(index)))
}

/** RFC 1918, RFC 6598, loopback, link-local; RFC 4193 and ::1 for IPv6. No request over the internet shows one. */
export function isPrivate(address: string): boolean {
  if (isIPv4(address))
    return /^(?:0|10|127)\.|^192\.168\.|^169\.254\.|^172\.(?:1[6-9]|2\d|3[01])\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(
      address,
    )
  return /^(?:::1$|f[cd]|fe[89ab])/i.test(address)
}

function numberOfV4(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

function textOfV4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.')
}

function numberOfV6(address: string): bigint {
  // The URL parser writes IPv6 in one form, the IPv4 tail included.
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::')
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0')
  return [...first, ...zeros, ...last].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

function textOfV6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((number >> BigInt(112 - 16 * index)) & 65_535n).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
