import { isIP } from 'node:net'
import { plainAddress } from './network.ts'
import { siteOf } from './site-of.ts'

/** The network that an address is counted with: a /24 of IPv4, a /48 of IPv6. Undefined: it is no address. */
export function networkOf(address: string): string | undefined {
  const plain = plainAddress(address)
  const version = isIP(plain)
  if (version === 4) return `${plain.split('.').slice(0, 3).join('.')}.0/24`
  return version === 6 ? `${siteOf(plain)}::/48` : undefined
}
