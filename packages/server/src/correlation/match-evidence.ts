/** How a verdict is written down. */
import type { AccessEvidence, Candidate, Finding } from '@signpost/contract'
import type { AccessLogRecord } from './access-log-record.ts'
import type { Difference } from './compare-grant.ts'
import type { GrantFacts, Verdict } from './verdict.ts'

const candidatesMax = 10

/** The strongest first. */
const ranks: readonly Finding[] = [
  'marker_tampered',
  'user_mismatch',
  'not_issued_here',
  'beyond_grant',
  'after_expiry',
  'after_revocation',
  'outside_network',
]

export function rankOf({ finding }: Difference): number {
  const rank = ranks.indexOf(finding)
  return rank === -1 ? ranks.length : rank
}

export function strongest(differences: readonly Difference[]): Difference | undefined {
  let found: Difference | undefined
  for (const one of differences) if (found === undefined || rankOf(one) < rankOf(found)) found = one
  return found
}

/** What a request that the store took is put down to its user for, whatever else is wrong with it. */
const provenFindings = new Set<Finding>([
  'matched',
  'after_expiry',
  'beyond_grant',
  'outside_network',
  'after_revocation',
])

export interface Judged {
  finding: Finding
  reason: string
  /** Differences that hold as well. */
  others?: readonly Difference[]
  expected?: Difference['expected']
  candidates?: readonly Candidate[]
  /** Whom it is put down to, where the finding is one that allows it and the store vouches. */
  proven?: Pick<GrantFacts, 'principalId' | 'username' | 'team' | 'connector'> & { grantId: string | null }
  /** Further words for `also`. */
  also?: readonly string[]
}

export function verdictOf(record: AccessLogRecord, judged: Judged): Verdict {
  const { finding, proven } = judged
  const who = proven !== undefined && provenFindings.has(finding) ? proven : undefined
  return {
    finding,
    principalId: who?.principalId ?? null,
    username: who?.username ?? null,
    team: who?.team ?? null,
    grantId: who?.grantId ?? null,
    connector: who?.connector ?? null,
    evidence: evidenceOf(record, judged, who !== undefined),
  }
}

function evidenceOf(record: AccessLogRecord, judged: Judged, isProven: boolean): AccessEvidence {
  const { markers, signers, oddNames } = record
  const evidence: AccessEvidence = {
    reason: judged.reason,
    operation: record.operation,
    action: record.action,
    authentication: record.authentication,
  }
  const also = alsoOf(record, judged)
  if (also.length > 0) evidence.also = also
  if (record.method !== null) evidence.method = record.method
  if (record.status !== null) evidence.status = record.status
  else if (record.succeeded !== null) evidence.succeeded = record.succeeded
  if (record.errorCode !== null) evidence.errorCode = record.errorCode
  if (record.bucket !== null) evidence.bucket = record.bucket
  if (record.agent !== null) evidence.agent = record.agent
  if (record.requestId !== null) evidence.storeRequestId = record.requestId
  if (signers.length > 0) evidence.signers = [...signers]
  if (record.urlSigner !== null) evidence.urlSigner = record.urlSigner
  // Of what is proven, the grant says the same.
  if (!isProven && (markers.user.length > 0 || markers.grant.length > 0))
    evidence.claimed = { user: [...markers.user], grant: [...markers.grant] }
  if (oddNames.length > 0) evidence.oddNames = [...oddNames]
  if (!isProven && record.signedAt !== null) evidence.signedAt = new Date(record.signedAt).toISOString()
  if (!isProven && record.expiresAt !== null) evidence.expiresAt = new Date(record.expiresAt).toISOString()
  if (judged.candidates !== undefined && judged.candidates.length > 0)
    evidence.candidates = judged.candidates.slice(0, candidatesMax)
  if (judged.expected !== undefined) evidence.expected = judged.expected
  return evidence
}

const none: readonly string[] = []

function alsoOf({ doubts }: AccessLogRecord, { others, also, finding }: Judged): string[] {
  if (doubts.length === 0 && others === undefined && also === undefined) return none as string[]
  const words = new Set<string>(also)
  for (const { finding: other } of others ?? []) if (other !== finding) words.add(other)
  for (const doubt of doubts) words.add(doubt)
  return [...words]
}

export function candidateOf({ grantId, username }: GrantFacts, why: string): Candidate {
  return { grantId, username, why }
}
