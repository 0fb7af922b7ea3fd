/** An issued URL whose constraints no store holds: what is to be looked at, written down in the same commit. */
import type { Enforcement } from '@signpost/contract'
import type { SignRequest } from '../../domain/connector.ts'
import type { EffectivePolicy } from '../../domain/policy.ts'
import { expectedOf, type Expected } from '../../domain/written-object.ts'
import type { Statement } from '../../store/store.ts'
import { insertVerification } from '../../store/verifications.ts'
import type { Issuing } from '../open-issuing.ts'

/** What a row of `verifications` says: it stands for itself, whatever becomes of team and policy. */
export interface Look {
  expected: Expected
  prefix: string
  /** When the URL ends, ms since the epoch. */
  endsAt: number
  onFailure: EffectivePolicy['verification']['onFailure']
  readBytesMax: number
}

/** A request that began before the URL's end may go on for so long. */
export const lastWriteMs = 15 * 60_000

/**
 * The statement that remembers to look; undefined: there is nothing to look at. Where the policy does not want it, nobody
 * holds the client to these constraints, and `enforcement` says so. Parts are looked at when they are put together.
 */
export function lookLater(
  { deps, policy, principal, target, named }: Issuing,
  request: SignRequest,
  enforcement: Enforcement,
): Statement | undefined {
  if (request.part !== undefined) return undefined
  let isAny = false
  for (const name in enforcement) {
    if (enforcement[name] !== 'verified-after') continue
    isAny = true
    if (!policy.verification.after) enforcement[name] = 'none'
  }
  if (!isAny || !policy.verification.after) return undefined
  const { onFailure, readBytesMax } = policy.verification
  const look: Look = {
    expected: expectedOf(request, enforcement),
    prefix: target.prefix,
    endsAt: request.expiresAt,
    onFailure,
    readBytesMax,
  }
  return insertVerification(deps.store.db, {
    grant_id: request.marker.grantId,
    team_id: target.teamId,
    principal_id: principal.id,
    connector_id: named.id,
    object_key: request.key,
    expected: JSON.stringify(look),
    state: 'waiting',
    result: '',
    created_at: request.signedAt,
    due_at: request.expiresAt + lastWriteMs,
  })
}
