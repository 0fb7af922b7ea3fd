import { SignpostError } from '@signpost/contract'

/** An object of a team; `key` is relative to the team. */
export interface Address {
  team: string
  key: string
}

/** `sp://team/key`, or its two parts. */
export type AddressInput = Address | string

/**
 * Reads `sp://team/key`. The key is taken as it stands: an address is no URL, so nothing is percent-decoded, and
 * a `?`, `#` or `%` belongs to the key. `sp://team` and `sp://team/` give an empty key (the whole team).
 *
 * @throws SignpostError `invalid`
 */
export function parseAddress(text: string): Address {
  const match = /^sp:\/\/([^/]+)(?:\/([\s\S]*))?$/.exec(text)
  if (!match) {
    throw new SignpostError('invalid', `${JSON.stringify(text)} is no address: write sp://team/key`, {
      field: 'address',
    })
  }
  return { team: match[1] ?? '', key: match[2] ?? '' }
}

export function formatAddress(address: Address): string {
  return `sp://${address.team}/${address.key}`
}

/** The address of one object: as `parseAddress`, and the key must not be empty. */
export function objectAddress(input: AddressInput): Address {
  const address = typeof input === 'string' ? parseAddress(input) : input
  if (address.key === '') {
    throw new SignpostError(
      'invalid_key',
      `${formatAddress(address)} names a team, not an object: add a key`,
      {
        field: 'key',
      },
    )
  }
  return address
}
