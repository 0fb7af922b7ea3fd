/** Whose address a request comes from. X-Forwarded-For counts only as far as proxies that the operator has named wrote it. */
import { BlockList, isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { plainAddress } from '../domain/network.ts'

/** Takes addresses and CIDR ranges; answers whether one is among them. */
export function addressSet(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    const plain = plainAddress(address)
    return isIP(plain) !== 0 && list.check(plain, familyOf(plain))
  }
}

/** The caller: what a trusted proxy says if it is an address at all, else the socket's. */
export function callerAddress(request: FastifyRequest): string {
  const said = plainAddress(request.ip)
  return isIP(said) === 0 ? socketAddress(request.socket) : said
}

/** Of the socket alone: who calls where no proxy has said anything. */
export function socketAddress(socket: { remoteAddress?: string | undefined }): string {
  return plainAddress(socket.remoteAddress ?? '')
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
