import { SignpostError, type AuditEvent, type ParsedInput, type Reply } from '@signpost/contract'
import { decideAccess } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { keyInTeam } from '../domain/object-key.ts'
import {
  deleteOldVerifications,
  findVerification,
  listDueVerifications,
  postponeVerification,
  updateVerification,
  type VerificationRow,
} from '../store/verifications.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { isId } from './gate.ts'
import { lookAtWrite } from './verification/look-at-write.ts'
import type { Look } from './verification/look-later.ts'
import { requireAllowed } from './refuse.ts'
import { requireSomeWriter, requireWriter } from './upload-access.ts'

const absent = 'There is no write to look at with this grant, or it is not yours.'

/** The writer says that it is done: the object is looked at now. */
export async function verifyWrite(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team, grantId } }: ParsedInput<'verifyWrite'>,
): Promise<Reply<'verifyWrite'>> {
  const type = 'object.verify'
  const fields = isId(grantId) ? { details: { grantId } } : {}
  const { target } = await requireSomeWriter(deps, caller, team, type, fields)
  const row = isId(grantId) ? await findVerification(deps.store.db, target.teamId, grantId) : undefined
  const own = decideAccess(caller.principal, { of: 'own', ask: 'upload.use', ownerId: row?.principal_id })
  await requireAllowed(deps, caller, own, { type, fields: { team, ...fields }, absent })
  const key = keyInTeam(target.prefix, (row as VerificationRow).object_key)
  // Written before a move switched: what holds for the whole team holds for it.
  if (key !== null) await requireWriter(deps, caller, team, type, key)
  const look = async () => lookAtWrite(deps, row as VerificationRow, caller)
  // Each look may read a large object: who asks again and again gets one answer.
  return deps.looks?.(grantId, look) ?? look()
}

/** So many in one run; the next run goes on. */
const roundsMax = 20
const rowsMax = 500
const rowsAtOnce = 8
/** How long a replica has a row for itself; also the wait until a bucket that did not answer is asked again. */
const leaseMs = 10 * 60_000
/** After so long it is given up. */
const patienceMs = 7 * 24 * 3600 * 1000
const keptMs = 30 * 24 * 3600 * 1000

/** Looks at writes whose URLs have ended. Safe on several replicas: each row is taken by one of them. */
export async function verifyDueWrites(deps: BrokerDeps, signal?: AbortSignal): Promise<number> {
  let looked = 0
  const silent = new Set<string>()
  for (let round = 0; round < roundsMax; round++) {
    const due = await listDueVerifications(deps.store.db, deps.clock(), rowsMax)
    const waiting = due.values()
    const work = async () => {
      for (const row of waiting) {
        if (signal?.aborted) return
        if (await lookAtDue(deps, row, silent)) looked += 1
      }
    }
    await Promise.all(Array.from({ length: rowsAtOnce }, work))
    if (due.length < rowsMax || signal?.aborted) break
  }
  return looked
}

/** `silent`: connectors whose bucket did not answer in this run. Who waits for one bucket must not keep the others waiting. */
async function lookAtDue(deps: BrokerDeps, row: VerificationRow, silent: Set<string>): Promise<boolean> {
  const now = deps.clock()
  try {
    const leased = { statements: [postponeVerification(deps.store.db, row, now + leaseMs)], events: [] }
    await deps.store.commit(leased)
    if (!silent.has(row.connector_id)) {
      // `due_at` as it was: its time is over.
      await lookAtWrite(deps, row, null)
      return true
    }
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'conflict') return false // Another replica was first.
    if (error instanceof SignpostError && error.code === 'bucket_unreachable') silent.add(row.connector_id)
    deps.log.warn({ err: error, grantId: row.grant_id }, 'could not look at a written object')
  }
  if (now - (JSON.parse(row.expected) as Look).endsAt > patienceMs) await giveUp(deps, row)
  return false
}

/** The bucket is gone, or has said no for a week: nobody will know, and that is recorded. */
async function giveUp(deps: BrokerDeps, row: VerificationRow): Promise<void> {
  const event: AuditEvent = {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'object.verify',
    decision: 'deny',
    reason: 'bucket_not_reached',
    key: row.object_key,
    details: { grantId: row.grant_id, principalId: row.principal_id, outcome: 'kept' },
  }
  const result =
    row.result === '' ? JSON.stringify({ state: 'failed', failed: [], outcome: 'kept' }) : row.result
  const closing = updateVerification(deps.store.db, row, { state: 'failed', result })
  await deps.store.commit({ statements: [closing], events: [event] })
}

/** What is over and old says nothing that the audit events do not say. */
export async function forgetOldVerifications(deps: BrokerDeps): Promise<void> {
  const before = deps.clock() - keptMs
  await deps.store.commit({ statements: [deleteOldVerifications(deps.store.db, before)], events: [] })
}
