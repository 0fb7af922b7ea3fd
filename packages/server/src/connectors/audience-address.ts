import { SignpostError, type Audience } from '@signpost/contract'

/** The address to sign for, by the name of an audience; without a name the connector's own. Each is worked out once. */
export function audienceAddress<Address>(
  own: Address,
  audiences: readonly Audience[] | undefined,
  addressOf: (audience: Audience) => Address,
): (name: string | undefined) => Address {
  const addresses = new Map((audiences ?? []).map((audience) => [audience.name, addressOf(audience)]))
  return (name) => {
    if (name === undefined) return own
    const found = addresses.get(name)
    if (found === undefined)
      throw new SignpostError('invalid', 'audience: this connector has none of that name.', {
        field: 'audience',
      })
    return found
  }
}
