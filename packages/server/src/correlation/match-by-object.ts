/** Where no grant is named: by the object, the time, the signer and, where the URL says so, the user. */
import type { AccessLogRecord } from './access-log-record.ts'
import type { AccessProof } from './access-proof.ts'
import {
  beginningOf,
  compareWithGrant,
  isOtherSignature,
  skewMs,
  transferMs,
  type Difference,
} from './compare-grant.ts'
import { candidateOf, rankOf, strongest, verdictOf } from './match-evidence.ts'
import { fitOfBucket, signerFit } from './signer-fit.ts'
import type { GrantFacts, MatchInput, Verdict } from './verdict.ts'

/** The URL names its user (`scid`), and no grant. */
export function matchByObject(
  record: AccessLogRecord,
  input: MatchInput,
  { proof, user }: { proof: AccessProof; user: string },
): Verdict {
  const { bucket, candidates, owner } = input
  const signed = candidates.filter(
    (grant) => !bucket.isElsewhere(grant.connector) && isBySameSignature(record, grant, input),
  )
  const mine = signed.filter(({ marker }) => marker === user)
  if (mine.length === 0) {
    const others = signed.filter((grant) => isLive(record, grant))
    if (proof === 'refused')
      return verdictOf(record, { finding: 'refused', reason: 'refused_by_store', candidates: shown(others) })
    if (others.length > 0)
      return verdictOf(record, {
        finding: 'user_mismatch',
        reason: 'grants_of_others',
        candidates: shown(others),
      })
    const isClaimed = candidates.some(({ marker }) => marker === user)
    return verdictOf(record, {
      finding: 'not_issued_here',
      reason: isClaimed ? 'other_signature' : owner === undefined ? 'unknown_user' : 'no_grant',
      also: fitOfBucket(record, bucket) === 'same' ? ['own_credential'] : [],
    })
  }
  const compared = mine.map((grant) => {
    const stop = input.stopOf(grant)
    const differences = compareWithGrant({
      record,
      grant,
      bucket,
      fit: signerFit(record, grant, bucket),
      proof,
      user,
      stop,
    })
    return { grant, differences, worst: strongest(differences) }
  })
  // Several of one user: the one that explains it best.
  const best = compared.reduce((one, other) => (weight(other.worst) > weight(one.worst) ? other : one))
  return mineVerdict(record, { ...best, proof, isOnly: compared.length === 1 })
}

function weight(worst: Difference | undefined): number {
  return worst === undefined ? Number.MAX_SAFE_INTEGER : rankOf(worst)
}

interface Best {
  grant: GrantFacts
  differences: readonly Difference[]
  worst: Difference | undefined
  proof: AccessProof
  isOnly: boolean
}

function mineVerdict(record: AccessLogRecord, best: Best): Verdict {
  const { grant, differences, worst, proof, isOnly } = best
  const candidates = [candidateOf(grant, 'claimed-user')]
  if (proof === 'taken') {
    const grantId = isOnly ? grant.grantId : null
    const proven = { ...grant, grantId }
    const reason = record.at > grant.expiresAt + skewMs ? 'ended_after_expiry' : 'user_and_object'
    if (worst === undefined) return verdictOf(record, { finding: 'matched', reason, proven })
    const { expected } = worst
    return verdictOf(record, {
      finding: worst.finding,
      reason: worst.reason,
      others: differences,
      ...(expected === undefined ? {} : { expected }),
      candidates,
      ...(differences.some(({ isSigned }) => isSigned) ? {} : { proven }),
    })
  }
  if (proof === 'untold')
    return verdictOf(record, { finding: 'likely', reason: 'proof_untold', others: differences, candidates })
  const shownBy = new Set(['after_expiry', 'beyond_grant', 'outside_network'])
  const isShown = worst !== undefined && shownBy.has(worst.finding)
  return verdictOf(record, {
    finding: isShown ? worst.finding : 'refused',
    reason: isShown ? worst.reason : 'refused_by_store',
    others: differences,
    candidates,
    also: ['refused'],
  })
}

/** The URL shows no marker, or the log no URL: nobody is named, and nothing is proven. */
export function matchUnmarked(record: AccessLogRecord, input: MatchInput, proof: AccessProof): Verdict {
  const { bucket } = input
  const ownSigner = fitOfBucket(record, bucket) === 'same' ? ['own_credential'] : []
  const isTold =
    ['query', 'untold'].includes(record.authentication) ||
    record.signers.length > 0 ||
    record.urlSigner !== null
  const isShown = record.urlSigner !== null
  const fitting =
    record.key === null || !isTold
      ? []
      : input.candidates.filter(
          (grant) =>
            // Where the URL can be seen, one with a marker would have shown it.
            (!isShown || grant.marker === null) &&
            isLive(record, grant) &&
            isSameAction(record, grant) &&
            isBySameSignature(record, grant, input, true),
        )
  if (fitting.length === 0)
    return verdictOf(record, {
      finding: 'not_issued_here',
      reason: record.key === null || !isTold ? 'untold' : isShown ? 'no_marker' : 'no_grant',
      also: [...ownSigner, ...(proof === 'refused' ? ['refused'] : [])],
    })
  const isNear = ({ askedFrom }: GrantFacts) => askedFrom !== null && askedFrom === record.address
  const sorted = fitting.toSorted((a, b) => Number(isNear(b)) - Number(isNear(a)))
  return verdictOf(record, {
    finding: proof === 'refused' ? 'refused' : 'likely',
    reason: proof === 'refused' ? 'refused_by_store' : 'object_and_time',
    candidates: sorted.map((grant) => candidateOf(grant, isNear(grant) ? 'address' : 'object_and_time')),
  })
}

/** `isEnough`: a log that tells no signer at all leaves it open (a SAS of the account's key). */
function isBySameSignature(
  record: AccessLogRecord,
  grant: GrantFacts,
  { bucket }: MatchInput,
  isEnough = false,
): boolean {
  const isBefore = (beginningOf(record) ?? record.at) < grant.issuedAt - skewMs
  if (isBefore || isOtherSignature(record, grant, bucket)) return false
  const fit = signerFit(record, grant, bucket)
  return fit === 'same' || (isEnough && fit === 'untold')
}

function isLive(record: AccessLogRecord, { issuedAt, expiresAt }: GrantFacts): boolean {
  const began = beginningOf(record)
  const at = began ?? record.at
  return at >= issuedAt - skewMs && at <= expiresAt + (began === undefined ? transferMs : skewMs)
}

function isSameAction({ action }: AccessLogRecord, grant: GrantFacts): boolean {
  return action === (grant.method === 'DELETE' ? 'delete' : grant.action)
}

function shown(grants: readonly GrantFacts[]) {
  return grants.map((grant) => candidateOf(grant, 'object_and_time'))
}
