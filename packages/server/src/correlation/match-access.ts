/**
 * What one access was: pure, of the line as its parser read it and of what Signpost knows. A name counts only where the store
 * itself vouches for it: it took a signature over the URL that holds the name, made by what signs for the bucket, in the
 * second of the grant. All else is a claim, and is told as one.
 */
import type { Candidate } from '@signpost/contract'
import type { AccessLogRecord } from './access-log-record.ts'
import { proofOf, type AccessProof } from './access-proof.ts'
import { compareWithGrant, skewMs, type Difference } from './compare-grant.ts'
import { matchByObject, matchUnmarked } from './match-by-object.ts'
import { candidateOf, rankOf, strongest, verdictOf } from './match-evidence.ts'
import { isOfRun } from './own-run.ts'
import { fitOfBucket, isOfUntoldKey, signerFit } from './signer-fit.ts'
import { markersOf, type UrlMarkers } from './url-markers.ts'
import type { GrantFacts, MatchInput, Verdict } from './verdict.ts'

export function matchAccess(record: AccessLogRecord, input: MatchInput): Verdict {
  const { bucket, grant } = input
  const markers = markersOf(record, bucket.kind)
  const isRefused = proofOf(record) === 'refused'
  // The doctor tries with every bucket whether it refuses a second marker: where it did, nothing else was done.
  if (isOwn(record, input) && (markers.tampered === null || isRefused))
    return verdictOf(record, { finding: 'own', reason: 'own_call' })
  if (isOfStore(record)) return verdictOf(record, { finding: 'own', reason: 'store_itself' })
  if (markers.tampered !== null)
    return verdictOf(record, {
      finding: 'marker_tampered',
      reason: markers.tampered,
      candidates: claims(input),
      also: isRefused ? ['refused'] : [],
    })
  if (grant?.method === 'POST' && isForm(record)) return formVerdict(record, input, grant, markers)
  if (record.authentication === 'header' || record.authentication === 'none')
    return directVerdict(record, input)
  const vouch = vouchOf(record, input)
  if (markers.user === null && markers.grant === null) return matchUnmarked(record, input, proofOf(record))
  if (vouch === 'unsigned') return unsignedVerdict(record, input)
  // Nobody says who signed, or the line has been tampered with where it would say so.
  const proof = vouch === 'url' ? proofOf(record) : 'untold'
  if (grant !== undefined) return grantVerdict(record, input, grant, { proof, markers })
  // A URL that shows its user shows its grant too; Azure's have room for one of them.
  if (markers.grant === null && bucket.kind !== 'azure' && record.urlSigner !== null)
    return strippedVerdict(record, input, proof)
  if (markers.grant === null) return matchByObject(record, input, { proof, user: markers.user! })
  return verdictOf(record, {
    finding: proof === 'refused' ? 'refused' : 'not_issued_here',
    reason: 'unknown_grant',
    candidates: claims(input),
    also: ownSignerAlso(record, input),
  })
}

/** What makes a line of a log worth believing as to who signed the URL that it shows. */
function vouchOf(record: AccessLogRecord, { bucket, grant }: MatchInput): 'url' | 'untold' | 'unsigned' {
  const { authentication, doubts } = record
  if (doubts.some((doubt) => unsure.has(doubt))) return 'untold'
  if (authentication === 'query') return 'url'
  // Google's audit log tells no URL, but parameters of it that are ours, and who signed.
  if (bucket.kind === 'gcs' && grant !== undefined && record.signers.length > 0) {
    const fit = signerFit(record, grant, bucket)
    return fit === 'same' ? 'url' : fit === 'untold' ? 'untold' : 'unsigned'
  }
  return 'unsigned'
}

const unsure = new Set(['columns', 'quotes', 'authentication'])

function isOwn(record: AccessLogRecord, { isOwnAgent, grant, bucket, run, owner }: MatchInput): boolean {
  const isKnown = isOwnAgent || (run !== undefined && owner === undefined && isOfRun(record, run))
  if (!isKnown || grant !== undefined) return false
  // Of objects, Signpost asks without a name only to see that it is refused.
  const isOfObjects = record.action !== 'other' && record.authentication === 'none'
  if (isOfObjects && proofOf(record) !== 'refused') return false
  // A URL of somebody is theirs, whatever they call themselves.
  const fit = fitOfBucket(record, bucket)
  // Nor is what somebody else's key may have opened, in a log that tells no keys.
  const isUntold = record.doubts.includes('authentication') || (fit !== 'same' && isOfUntoldKey(record))
  if (isUntold && proofOf(record) !== 'refused') return false
  return fit !== 'other'
}

/**
 * What S3 does by the bucket's lifecycle: it names it `S3.…`, and there is no request, so that nobody can make such a line.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
 */
function isOfStore({ method, operation, status, urlSigner }: AccessLogRecord): boolean {
  return method === null && status === null && urlSigner === null && /^S3\.[A-Z_]+\.[A-Z]+$/.test(operation)
}

/** The fields of a form hold the signature, and no log shows them: the markers in its URL are not signed. */
function isForm({ method, action, authentication }: AccessLogRecord): boolean {
  return method === 'POST' && action === 'write' && authentication !== 'query'
}

function formVerdict(
  record: AccessLogRecord,
  input: MatchInput,
  grant: GrantFacts,
  { user }: UrlMarkers,
): Verdict {
  const proof = proofOf(record)
  const unsigned = { ...record, signedAt: null, expiresAt: null, urlSigner: null }
  const compared = compareWithGrant({
    record: unsigned,
    grant,
    bucket: input.bucket,
    fit: signerFit(unsigned, grant, input.bucket),
    proof,
    user,
    stop: input.stopOf(grant),
  })
  const worst = strongest(compared)
  if (worst === undefined && proof === 'taken')
    return verdictOf(record, {
      finding: 'likely',
      reason: 'form',
      candidates: [candidateOf(grant, 'claimed-grant')],
    })
  return verdictOf(record, {
    finding: worst === undefined || worst.finding === 'after_revocation' ? 'refused' : worst.finding,
    reason: worst?.reason ?? 'refused_by_store',
    others: compared,
    candidates: claims(input),
    also: ['form'],
  })
}

/** By a credential, or by nobody: no URL of Signpost's. */
function directVerdict(record: AccessLogRecord, input: MatchInput): Verdict {
  const isAnonymous = record.authentication === 'none'
  const isRefused = proofOf(record) === 'refused'
  return verdictOf(record, {
    // Whoever knows a bucket's name can try, and scanners do: only what was let through went around Signpost.
    finding: isAnonymous && isRefused ? 'refused' : 'not_issued_here',
    reason: isAnonymous ? 'anonymous' : 'direct_credential',
    candidates: claims(input),
    also: [...ownSignerAlso(record, input), ...(isRefused ? ['refused'] : [])],
  })
}

/** Markers in a query that nobody is seen to have signed. */
function unsignedVerdict(record: AccessLogRecord, input: MatchInput): Verdict {
  return verdictOf(record, {
    finding: 'not_issued_here',
    reason: 'unsigned',
    candidates: claims(input),
    also: [...ownSignerAlso(record, input), ...(proofOf(record) === 'refused' ? ['refused'] : [])],
  })
}

/** Signed so by somebody else who has the key: Signpost signs none without. */
function strippedVerdict(record: AccessLogRecord, input: MatchInput, proof: AccessProof): Verdict {
  return verdictOf(record, {
    finding: proof === 'refused' ? 'refused' : 'not_issued_here',
    reason: 'no_grant_marker',
    also: ownSignerAlso(record, input),
  })
}

/** The key of a connector, used around Signpost: what to look at first. */
function ownSignerAlso(record: AccessLogRecord, { bucket }: MatchInput): string[] {
  return fitOfBucket(record, bucket) === 'same' ? ['own_credential'] : []
}

function claims({ grant }: MatchInput): Candidate[] {
  return grant === undefined ? [] : [candidateOf(grant, 'claimed-grant')]
}

/** What a refused request may be called: all else that does not fit it is a claim as well. */
const shownByRefusal = new Set(['after_expiry', 'beyond_grant', 'outside_network'])

function grantVerdict(
  record: AccessLogRecord,
  input: MatchInput,
  grant: GrantFacts,
  { proof, markers }: { proof: AccessProof; markers: UrlMarkers },
): Verdict {
  const { bucket } = input
  const stop = input.stopOf(grant)
  const fit = signerFit(record, grant, bucket)
  const compared = compareWithGrant({ record, grant, bucket, fit, proof, user: markers.user, stop })
  if (proof === 'refused') return refusedVerdict(record, input, compared)
  const worst = strongest(compared)
  // Stores may have buckets of one name, and who writes the log of one tells nothing of the other's URLs.
  const isElsewhere = bucket.isElsewhere(grant.connector)
  const isUntold = proof === 'untold' || fit !== 'same' || isElsewhere
  if (isUntold && (worst === undefined || rankOf(worst) > 2))
    return verdictOf(record, {
      finding: 'likely',
      reason: isElsewhere ? 'other_store' : proof === 'untold' ? 'proof_untold' : 'signer_untold',
      others: compared,
      candidates: claims(input),
    })
  if (worst === undefined)
    return verdictOf(record, {
      finding: 'matched',
      reason: record.at > grant.expiresAt + skewMs ? 'ended_after_expiry' : 'grant',
      proven: grant,
      ...(record.key === null ? { also: ['key_untold'] } : {}),
    })
  return verdictOf(record, {
    finding: worst.finding,
    reason: worst.reason,
    others: compared,
    ...(worst.expected === undefined ? {} : { expected: worst.expected }),
    candidates: claims(input),
    also: worst.finding === 'not_issued_here' ? ownSignerAlso(record, input) : [],
    ...(compared.some(({ isSigned }) => isSigned) ? {} : { proven: grant }),
  })
}

function refusedVerdict(record: AccessLogRecord, input: MatchInput, compared: Difference[]): Verdict {
  const shown = strongest(compared.filter(({ finding }) => shownByRefusal.has(finding)))
  return verdictOf(record, {
    finding: shown?.finding ?? 'refused',
    reason: shown?.reason ?? 'refused_by_store',
    others: compared,
    ...(shown?.expected === undefined ? {} : { expected: shown.expected }),
    candidates: claims(input),
    also: ['refused'],
  })
}
