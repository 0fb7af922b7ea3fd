/** Looks at one written object, does what the policy says, and records what was found. */
import { SignpostError, type AuditEvent, type Verification } from '@signpost/contract'
import type { StoredObject } from '../../domain/connector.ts'
import { absent, versionOf } from '../../domain/moved-object.ts'
import { unmetConstraints } from '../../domain/written-object.ts'
import { findConnectorById } from '../../store/connectors.ts'
import { updateVerification, type VerificationRow } from '../../store/verifications.ts'
import type { BrokerDeps, Caller, NamedConnector } from '../deps.ts'
import { whoOf } from '../event-of.ts'
import { isoOf } from '../../domain/instant.ts'
import type { Look } from './look-later.ts'
import { compareDigest } from './object-digest.ts'
import { planOf, putAway, type PutAway } from './put-away.ts'
import { whoseObject } from './whose-object.ts'

type Found = Pick<Verification, 'state' | 'failed' | 'outcome'>
/** As it stands in `result`: what was found of which object. `pending`: recorded, and perhaps not yet done. */
type Kept = Found & { version: string; pending?: true }

const nothing: Found = { state: 'absent', failed: [], outcome: null }

/**
 * Looks now. While the URL lives the row goes on waiting, whatever was found: the same URL can write another object.
 *
 * @throws SignpostError when the bucket does not answer, or (`conflict`) another replica was at it
 */
export async function lookAtWrite(
  deps: BrokerDeps,
  row: VerificationRow,
  caller: Caller | null,
): Promise<Verification> {
  const { grant_id: grantId } = row
  if (row.state !== 'waiting') return { grantId, ...foundIn(row) }
  const look = JSON.parse(row.expected) as Look
  const named = await openConnectorOf(deps, row)
  const object = await named.connector.head(row.object_key)
  const before = row.result === '' ? undefined : (JSON.parse(row.result) as Kept)
  const isOver = deps.clock() >= row.due_at
  const whose =
    object && !isJudged(before, object) ? await whoseObject(deps, row, look, named, object) : undefined
  if (!object || !whose || whose.is === 'others') {
    const found = before ?? nothing
    if (isOver) await close(deps, row, found, object ? versionOf(object) : (before?.version ?? absent))
    return { grantId, ...shown(found), ...(before || isOver ? {} : { state: 'waiting' }) }
  }
  const doubt = whose.is === 'unsure' ? whose.doubt : undefined
  const found = await judge({ deps, row, look, named, object, caller, isOver }, doubt)
  return { grantId, ...shown(found) }
}

/**
 * Is it the object that was judged before? Not if that one was put away: what stands there now is new, even if it has the
 * same bytes, and so on S3 the same ETag.
 */
function isJudged(before: Kept | undefined, object: StoredObject): boolean {
  if (before === undefined || before.pending === true) return false
  return (before.outcome === null || before.outcome === 'kept') && before.version === versionOf(object)
}

async function openConnectorOf(deps: BrokerDeps, row: VerificationRow): Promise<NamedConnector> {
  const connector = await findConnectorById(deps.store.db, row.connector_id)
  if (!connector) throw new SignpostError('conflict', 'The connector is gone.')
  return deps.connectors.open(connector.id, connector.version)
}

interface Sight {
  deps: BrokerDeps
  row: VerificationRow
  look: Look
  named: NamedConnector
  object: StoredObject
  caller: Caller | null
  isOver: boolean
}

/** What is going to be done is recorded before it is. */
async function judge(sight: Sight, doubt: string | undefined): Promise<Found> {
  const { deps, row, look, named, object, isOver } = sight
  // Not the ETag alone: on S3 that of other bytes can be made the same (MD5).
  const version = versionOf(object)
  const { failed, unknown } = await failedConstraints(sight)
  if (failed.length === 0) {
    const passed: Found = { state: 'passed', failed, outcome: null }
    await record(sight, row.result, isOver ? 'passed' : 'waiting', { ...passed, version }, {})
    return passed
  }
  const { object_key: key, grant_id: grantId } = row
  const bad = { key, object, grantId, prefix: look.prefix, onFailure: look.onFailure }
  const plan = planOf(bad, unknown ?? doubt)
  const planned: Kept = { state: 'failed', failed, outcome: plan.outcome, version, pending: true }
  await record(sight, row.result, 'waiting', planned, plan)
  const done = await putAway(named, bad, plan)
  const found: Found = { state: 'failed', failed, outcome: done.outcome }
  const state = isOver ? 'failed' : 'waiting'
  const result = JSON.stringify(planned)
  if (done.outcome !== plan.outcome) await record(sight, result, state, { ...found, version }, done)
  else {
    const to = { state, result: JSON.stringify({ ...found, version }) } as const
    const statement = updateVerification(deps.store.db, { grant_id: grantId, result }, to)
    await deps.store.commit({ statements: [statement], events: [] })
  }
  return found
}

/** `unknown` says why nobody can tell. */
async function failedConstraints({
  row,
  look,
  named,
  object,
}: Sight): Promise<{ failed: string[]; unknown?: string }> {
  const { expected, readBytesMax } = look
  const failed = unmetConstraints(expected, object)
  if (failed.join() === 'tags' && object.tags === undefined) return { failed, unknown: 'tags_not_readable' }
  if (failed.length > 0 || !expected.checksum) return { failed }
  const { object_key: key } = row
  const answer = await compareDigest(named.connector, key, object, expected.checksum, readBytesMax)
  if (answer === 'same') return { failed: [] }
  return { failed: ['checksum'], ...(answer === 'unknown' ? { unknown: 'too_large_to_read' } : {}) }
}

async function record(
  { deps, row, named, caller, object }: Sight,
  before: string,
  state: VerificationRow['state'],
  kept: Kept,
  { quarantineKey, doubt }: Partial<PutAway>,
): Promise<void> {
  const isPassed = kept.state === 'passed'
  const event: AuditEvent = {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'object.verify',
    decision: isPassed ? 'allow' : 'deny',
    reason: isPassed ? 'verified' : 'verification_failed',
    ...(caller === null ? {} : whoOf(caller)),
    connector: named.name,
    bucket: named.bucket,
    key: row.object_key,
    details: {
      // The event's own field names the grant that is given, once.
      grantId: row.grant_id,
      failed: kept.failed.join(', '),
      outcome: kept.outcome,
      sizeBytes: object.sizeBytes,
      etag: object.etag,
      ...(caller === null ? { principalId: row.principal_id } : {}),
      ...(quarantineKey === undefined ? {} : { quarantineKey }),
      ...(doubt === undefined ? {} : { doubt }),
    },
  }
  const to = { state, result: JSON.stringify(kept) }
  const statement = updateVerification(deps.store.db, { grant_id: row.grant_id, result: before }, to)
  await deps.store.commit({ statements: [statement], events: [event] })
}

/** Nothing new to tell: no event. */
async function close(deps: BrokerDeps, row: VerificationRow, found: Found, version: string): Promise<void> {
  const to = { state: found.state, result: JSON.stringify({ ...shown(found), version }) }
  await deps.store.commit({ statements: [updateVerification(deps.store.db, row, to)], events: [] })
}

function foundIn({ state, result }: VerificationRow): Found {
  return result === '' ? { ...nothing, state } : shown(JSON.parse(result) as Kept)
}

function shown({ state, failed, outcome }: Found): Found {
  return { state, failed, outcome }
}
