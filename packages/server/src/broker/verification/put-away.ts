/** What is done with an object that is not what its writer promised. */
import { SignpostError, type Verification } from '@signpost/contract'
import type { OpenConnector, StoredObject } from '../../domain/connector.ts'
import { quarantineFolder } from '../../domain/quarantine.ts'
import type { NamedConnector } from '../deps.ts'
import type { Look } from './look-later.ts'

/** Keys of every kind of store. */
const keyBytesMax = 1024

export interface PutAway {
  outcome: NonNullable<Verification['outcome']>
  /** Where it is now. */
  quarantineKey?: string
  /** Why less was done than the policy says. */
  doubt?: string
}

export interface Failed {
  key: string
  object: StoredObject
  /** Of the URL or the upload. */
  grantId: string
  prefix: string
  onFailure: Look['onFailure']
}

/**
 * What shall be done, to be recorded before it is. `doubt`: it may be somebody else's, or nobody knows: then nothing is
 * done that touches the object.
 */
export function planOf(failed: Failed, doubt?: string): PutAway {
  const { object, onFailure } = failed
  if (onFailure === 'keep') return { outcome: 'kept' }
  if (doubt !== undefined) return { outcome: 'kept', doubt }
  // Without one, a newer object could not be told from this one.
  if (object.etag === null) return { outcome: 'kept', doubt: 'no_etag' }
  if (onFailure === 'delete') return { outcome: 'deleted' }
  return { outcome: 'quarantined', quarantineKey: quarantineKeyOf(failed) }
}

/** Does as planned, and may be repeated; answers what came of it. */
export async function putAway(
  named: NamedConnector,
  { key, object }: Failed,
  plan: PutAway,
): Promise<PutAway> {
  if (plan.outcome === 'kept' || object.etag === null) return plan
  const { quarantineKey } = plan
  try {
    if (quarantineKey !== undefined) await copyTo(named, key, object, quarantineKey)
    await named.connector.remove(key, { etag: object.etag })
    return plan
  } catch (error) {
    if (!(error instanceof SignpostError) || !['conflict', 'not_found'].includes(error.code)) throw error
    // Somebody has written it anew, or (Azure) snapshots would go with it: it is not touched, and no copy of it stays.
    if (quarantineKey !== undefined) await named.connector.remove(quarantineKey)
    return { outcome: 'kept', doubt: 'overwritten' }
  }
}

/** Below the team's own prefix, so that no credential has to reach further than before. */
function quarantineKeyOf({ key, grantId, prefix }: Failed): string {
  const place = `${prefix}${quarantineFolder}${grantId}`
  const whole = `${place}/${key.slice(prefix.length)}`
  return Buffer.byteLength(whole) > keyBytesMax ? place : whole
}

async function copyTo(
  { bucket, connector }: NamedConnector,
  key: string,
  object: StoredObject,
  toKey: string,
): Promise<void> {
  const { sizeBytes } = object
  if (connector.copy) {
    try {
      await connector.copy({ bucket, key, sizeBytes }, toKey)
      return
    } catch (error) {
      // A store that may not copy may still read and write.
      if (!(error instanceof SignpostError) || error.code !== 'bucket_refused') throw error
    }
  }
  await carryTo(connector, key, object, toKey)
}

async function carryTo(
  connector: OpenConnector,
  key: string,
  object: StoredObject,
  toKey: string,
): Promise<void> {
  if (!connector.read || !connector.write)
    throw new SignpostError('unsupported_by_store', 'This store can neither copy nor be read and written.')
  const { etag } = object
  await connector.write(toKey, await connector.read(key, etag === null ? {} : { etag }), object)
}
