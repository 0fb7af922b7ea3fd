import { UsageError } from './errors.ts'

/** `key` is relative to the team; empty: the whole team. */
export interface RemoteAddress {
  team: string
  key: string
}

export function isRemote(text: string): boolean {
  return /^sp:/i.test(text)
}

/**
 * Reads `sp://team/key` as the SDK does: the key stands as it is, nothing is percent-decoded.
 *
 * @throws UsageError
 */
export function remoteAddress(text: string): RemoteAddress {
  const match = /^sp:\/\/([^/]+)(?:\/([\s\S]*))?$/.exec(text)
  if (!match) throw new UsageError(`${JSON.stringify(text)} is no address: write sp://team/key`)
  return { team: match[1] ?? '', key: match[2] ?? '' }
}

/** As `remoteAddress`, of one object. */
export function remoteObject(text: string): RemoteAddress {
  const address = remoteAddress(text)
  if (address.key === '') throw new UsageError(`${text} names a team, not an object: add a key`)
  return address
}

export function formatRemote({ team, key }: RemoteAddress): string {
  return `sp://${team}/${key}`
}

/** As a folder: empty, or with a `/` at its end. */
export function asFolder(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

/** What stands behind the last `/`, but for one at the very end. */
export function lastName(key: string): string {
  return key.replace(/\/+$/, '').split('/').at(-1) ?? ''
}
