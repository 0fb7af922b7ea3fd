import { cidrOf } from '../../domain/network.ts'

/**
 * `sip` of a SAS: one IPv4 address, or `a-b` ("Create a user delegation SAS", signedIp). Undefined where the networks are
 * not exactly one IPv4 range: a SAS has room for no more.
 */
export function ipRangeOf(networks: readonly string[]): string | undefined {
  const [only, ...others] = networks
  const cidr = only === undefined || others.length > 0 ? undefined : cidrOf(only)
  if (cidr?.family !== 'ipv4') return undefined
  const number = cidr.address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - cidr.prefixLength)
  const first = number - (number % size)
  return size === 1 ? addressOf(first) : `${addressOf(first)}-${addressOf(first + size - 1)}`
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}
