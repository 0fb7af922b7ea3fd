/** Name-based UUIDs, RFC 9562 §5.5: the first 128 bits of SHA-1 over namespace and name, with version and variant set. */

import { hash } from 'node:crypto'
import { checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'

/** RFC 9562 §6.6. */
export const URL_NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Lower case. The same namespace and name always give the same id, to anybody who knows them. */
export function uuidV5(namespace: string, name: string): string {
  if (!UUID.test(namespace)) throw new SigningInputError('namespace', 'must be a UUID')
  if (!name.isWellFormed())
    throw new SigningInputError('name', 'holds a lone surrogate, which has no UTF-8 form')
  const input = Buffer.concat([Buffer.from(namespace.replaceAll('-', ''), 'hex'), Buffer.from(name)])
  const bytes = hash('sha1', input, 'buffer').subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * The requester's name for Azure's `scid`, which has to be a GUID: UUIDv5 in the URL namespace, as W&B does it. A log
 * reader with the list of usernames can map it back.
 */
export function scidOf(username: string): string {
  checkText('username', username)
  return uuidV5(URL_NAMESPACE, username)
}
