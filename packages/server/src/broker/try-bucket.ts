/** Whether a bucket takes a credential, by the cheapest question there is: a listing of one entry. */
import { SignpostError } from '@signpost/contract'
import type { OpenConnector } from '../domain/connector.ts'
import type { Store } from '../store/store.ts'
import { listTeamsAtLocation } from '../store/teams.ts'

/** A credential that may list none of so many prefixes is no better at the next one. */
const prefixesMax = 3

/**
 * Asks at the bucket's root; where that is refused, under the prefixes, since a credential may be good for a team's alone.
 * Throws what the bucket answered first.
 */
export async function tryBucketAt(
  connector: OpenConnector,
  timeoutMs: number,
  prefixes: () => Promise<readonly string[]>,
): Promise<void> {
  try {
    return await connector.ping(timeoutMs)
  } catch (error) {
    if (!(error instanceof SignpostError) || error.code !== 'bucket_refused') throw error
    for (const prefix of (await prefixes()).slice(0, prefixesMax)) {
      try {
        return await connector.ping(timeoutMs, prefix)
      } catch {
        // What the root answered says more.
      }
    }
    throw error
  }
}

/** Of the teams that use a connector by its name. */
export async function prefixesOf(
  { db }: Pick<Store, 'db'>,
  connectorId: string,
  location: string,
): Promise<string[]> {
  const teams = await listTeamsAtLocation(db, location)
  return teams
    .filter(({ connector_id, prefix }) => connector_id === connectorId && prefix !== '')
    .map(({ prefix }) => prefix)
}
