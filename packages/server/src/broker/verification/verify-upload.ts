/** An object that was put together of parts, against what was said when its upload was opened. */
import type { Checksum } from '@signpost/contract'
import type { StoredObject } from '../../domain/connector.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import type { UsableUpload } from '../upload-access.ts'
import { compareDigest } from './object-digest.ts'
import { planOf, putAway, type PutAway } from './put-away.ts'

const told: Record<PutAway['outcome'], string> = {
  kept: 'It stays where it is.',
  quarantined: 'It was moved below .signpost-quarantine/.',
  deleted: 'It was deleted.',
}

/**
 * What is wrong, as a sentence; null: nothing. What failed is put away as the policy says, and that is recorded.
 *
 * @param etag of what was completed, where the store told it: another one is another's
 */
export async function verifyUpload(
  deps: BrokerDeps,
  caller: Caller,
  { upload, named, target, fields }: UsableUpload,
  object: StoredObject | null,
  etag: string | null,
): Promise<string | null> {
  if (!object) return 'The bucket took the parts, but the object is not there.'
  const { verification } = deps.policies(target.connectorPolicy, target.teamPolicy)
  const { readBytesMax, onFailure } = verification
  const { object_key: key, size_bytes: sizeBytes, id: grantId } = upload
  const isOfSize = sizeBytes === null || object.sizeBytes === sizeBytes
  const checksum = upload.checksum === '' ? undefined : (JSON.parse(upload.checksum) as Checksum)
  const digest =
    isOfSize && checksum ? await compareDigest(named.connector, key, object, checksum, readBytesMax) : 'same'
  if (isOfSize && digest === 'same') return null
  const isOthers = etag !== null && object.etag !== null && plain(etag) !== plain(object.etag)
  const doubt = isOthers ? 'overwritten' : digest === 'unknown' ? 'too_large_to_read' : undefined
  const failed = { key, object, grantId, prefix: target.prefix, onFailure }
  const plan = planOf(failed, doubt)
  const record = async ({ outcome, quarantineKey, doubt: why }: PutAway): Promise<void> => {
    const details = {
      failed: isOfSize ? 'checksum' : 'sizeBytes',
      outcome,
      sizeBytes: object.sizeBytes,
      etag: object.etag,
      ...(quarantineKey === undefined ? {} : { quarantineKey }),
      ...(why === undefined ? {} : { doubt: why }),
    }
    const decision = { outcome: 'deny', reason: 'verification_failed' } as const
    const event = eventOf(deps, caller, 'object.verify', decision, { ...fields, details })
    await deps.store.commit({ statements: [], events: [event] })
  }
  await record(plan)
  const done = await putAway(named, failed, plan)
  if (done.outcome !== plan.outcome) await record(done)
  const problem = isOfSize
    ? `The object does not have the ${checksum?.algorithm} that was declared.`
    : `The object has ${object.sizeBytes} bytes; declared were ${sizeBytes}.`
  return `${problem} ${told[done.outcome]}`
}

function plain(etag: string): string {
  return etag.replaceAll('"', '').toLowerCase()
}
