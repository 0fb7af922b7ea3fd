import { SignpostError, type Audience } from '@signpost/contract'
import { membershipOf } from './network.ts'

/** The addresses of a bucket for its clients, with a test for each that has networks. In the order of the settings. */
export type Audiences = readonly { name: string; serves: ((address: string) => boolean) | undefined }[]

export function audiencesOf(settings: readonly Audience[] | undefined): Audiences | undefined {
  if (!settings || settings.length === 0) return undefined
  return settings.map(({ name, networks }) => ({ name, serves: networks && membershipOf(networks) }))
}

/**
 * The one that was asked for, else the first whose networks hold the caller; undefined: the connector's own address.
 *
 * @throws SignpostError `invalid` when there is none of the name
 */
export function audienceOf(
  audiences: Audiences,
  { audience }: { audience?: string | undefined },
  address: string,
): string | undefined {
  if (audience === undefined) return audiences.find(({ serves }) => serves?.(address))?.name
  if (audiences.some(({ name }) => name === audience)) return audience
  const names = audiences.map(({ name }) => name).join(', ')
  throw new SignpostError('invalid', `audience: this connector has ${names}.`, { field: 'audience' })
}
