/** Was this object written with this URL? Nobody's object is judged by another's constraints. */
import type { AuditEvent } from '@signpost/contract'
import type { StoredObject } from '../../domain/connector.ts'
import { grantOfObject, isWrittenWithin } from '../../domain/written-object.ts'
import { findGrant } from '../../store/audit-events.ts'
import { listAuditEvents } from '../../store/list-audit-events.ts'
import { listGrantsOfObject, type VerificationRow } from '../../store/verifications.ts'
import type { BrokerDeps, NamedConnector } from '../deps.ts'
import { lastWriteMs, type Look } from './look-later.ts'

/** `doubt` says what makes it possible that it is another's. */
export type Whose = { is: 'ours' } | { is: 'others' } | { is: 'unsure'; doubt: string }

const othersMax = 100
/** The longest life of a URL on any store. */
const longestLifeMs = 7 * 24 * 3600 * 1000

export async function whoseObject(
  deps: BrokerDeps,
  row: VerificationRow,
  look: Look,
  { name, connector }: NamedConnector,
  object: StoredObject,
): Promise<Whose> {
  const life = { from: row.created_at, to: look.endsAt + lastWriteMs }
  const inTime = isWrittenWithin(object, life)
  if (inTime === false) return { is: 'others' }
  const grantId = grantOfObject(object)
  if (grantId === row.grant_id) return { is: 'ours' }
  const others = () => otherGrants(deps, row, name, object.lastModified ?? life.to)
  if (connector.kind !== 'azure') {
    // The grant is signed into URLs of S3 and Google, so without it the object is another's; but on stores that take an
    // unsigned copy header, it may be a copy that was made with this URL.
    return (await others()) ? { is: 'others' } : { is: 'unsure', doubt: 'grant_not_named' }
  }
  if (grantId !== undefined && (await isGrantOf(deps, row, name, object, grantId))) return { is: 'others' }
  // Left out by the client. Whoever could have written it as well is asked for next.
  if (inTime === undefined) return { is: 'unsure', doubt: 'time_unknown' }
  return (await others()) ? { is: 'unsure', doubt: 'another_url_for_this_key' } : { is: 'ours' }
}

/** A name that the client made up does not count, nor one of a grant that could not write this object at that time. */
async function isGrantOf(
  deps: BrokerDeps,
  row: VerificationRow,
  connector: string,
  object: StoredObject,
  grantId: string,
): Promise<boolean> {
  const rows = await listGrantsOfObject(deps.store.db, row, othersMax)
  const known = rows.find((one) => one.grant_id === grantId)
  const couldWrite = (from: number, endsAt: number) =>
    isWrittenWithin(object, { from, to: endsAt + lastWriteMs }) !== false
  if (known) return couldWrite(known.created_at, (JSON.parse(known.expected) as Look).endsAt)
  const found = await findGrant(deps.store.db, grantId)
  if (found?.object_key !== row.object_key) return false
  const event = JSON.parse(found.event) as AuditEvent
  return isToWrite(event, connector) && couldWrite(found.at, Date.parse(event.expiresAt ?? ''))
}

function isToWrite(
  { type, decision, action, method, connector: of }: AuditEvent,
  connector: string,
): boolean {
  const isWrite = type === 'url.issue' && action === 'write' && method !== 'DELETE'
  return isWrite && decision === 'allow' && of === connector
}

/** URLs to write the same key that were there when the object was written. */
async function otherGrants(
  deps: BrokerDeps,
  row: VerificationRow,
  connector: string,
  writtenAt: number,
): Promise<boolean> {
  const filter = { key: row.object_key, from: row.created_at - longestLifeMs, to: writtenAt + 60_000 }
  const rows = await listAuditEvents(deps.store.db, filter, { limit: othersMax })
  return rows.some((found) => {
    if (found.grant_id === row.grant_id) return false
    const event = JSON.parse(found.event) as AuditEvent
    if (event.type === 'upload.complete') return event.decision === 'allow' && event.connector === connector
    const { expiresAt } = event
    const lives = expiresAt !== undefined && Date.parse(expiresAt) + lastWriteMs >= row.created_at
    return lives && isToWrite(event, connector)
  })
}
