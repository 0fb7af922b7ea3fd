/** An access beside the grant that its URL was signed for: everything in which the two differ, and what else is wrong with it. */
import type { AccessEvidence, Finding } from '@signpost/contract'
import { cidrOf } from '../domain/network.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import type { AccessProof } from './access-proof.ts'
import type { SignerFit } from './signer-fit.ts'
import type { GrantFacts, KnownBucket, Stop } from './verdict.ts'

export interface Difference {
  finding: Finding
  /** Stable word. */
  reason: string
  expected?: NonNullable<AccessEvidence['expected']>
  /** The signature of the grant's URL rules it out: what the store took, somebody signed anew who has the key. */
  isSigned?: true
}

/** Of clocks; logs tell whole seconds. */
export const skewMs = 60_000
/** A transfer may take so long: a log that tells its end proves no later beginning. */
export const transferMs = 86_400_000

/** When the request began, which is when the store looked at its URL; undefined: the log tells no more than its end. */
export function beginningOf({ at, atIs, startedAt }: AccessLogRecord): number | undefined {
  return startedAt ?? (atIs === 'start' ? at : undefined)
}

export interface Comparison {
  record: AccessLogRecord
  grant: GrantFacts
  bucket: KnownBucket
  fit: SignerFit
  proof: AccessProof
  /** Whom the URL names. */
  user: string | null
  stop: Stop | undefined
}

/** In no order: `strongest` tells which counts. */
export function compareWithGrant(comparison: Comparison): Difference[] {
  const { record, grant, user } = comparison
  const found: Difference[] = []
  if (user !== null && user !== grant.marker) found.push({ finding: 'user_mismatch', reason: 'other_user' })
  addSignature(comparison, found)
  if ((beginningOf(record) ?? record.at) < grant.issuedAt - skewMs)
    found.push({ finding: 'not_issued_here', reason: 'before_issue' })
  addDoor(comparison, found)
  addResigned(comparison, found)
  if (isLate(comparison))
    found.push({
      finding: 'after_expiry',
      reason: 'expired',
      expected: { expiresAt: new Date(grant.expiresAt).toISOString() },
    })
  if (isStopped(comparison)) found.push({ finding: 'after_revocation', reason: comparison.stop!.reason })
  if (isOutside(comparison))
    found.push({
      finding: 'outside_network',
      reason: 'outside_networks_of_grant',
      expected: { networks: grant.networks!.texts.join(' ') },
    })
  return found
}

/** The same signer, and a signature of the same second: another one was made by somebody else who has the key. */
function addSignature({ record, grant, bucket, fit }: Comparison, found: Difference[]): void {
  if (fit === 'other')
    found.push({
      finding: 'not_issued_here',
      reason: 'other_signer',
      ...(grant.signer === null ? {} : { expected: { signer: grant.signer } }),
    })
  // The signature of a form is in its fields: none of ours has one in its URL.
  const isFormInUrl = grant.method === 'POST' && record.authentication === 'query'
  if (isFormInUrl || isOtherSignature(record, grant, bucket))
    found.push({ finding: 'not_issued_here', reason: 'other_signature' })
}

export function isOtherSignature(
  { signedAt, expiresAt, urlSigner }: Pick<AccessLogRecord, 'signedAt' | 'expiresAt' | 'urlSigner'>,
  grant: Pick<GrantFacts, 'issuedAt' | 'expiresAt'>,
  { kind }: Pick<KnownBucket, 'kind'>,
): boolean {
  if (signedAt !== null && signedAt !== Math.floor(grant.issuedAt / 1000) * 1000) return true
  if (expiresAt !== null && expiresAt !== grant.expiresAt) return true
  // Where the log shows the URL, both are in it (a SAS says only when it ends): ours have them.
  return urlSigner !== null && (expiresAt === null || (signedAt === null && kind !== 'azure'))
}

type Beyond = (reason: string, expected: Difference['expected'], isSigned: boolean) => void

/** A SAS binds blob and permissions; all others bind the method, and every parameter, besides. */
function addDoor(comparison: Comparison, found: Difference[]): void {
  const { record, grant, bucket } = comparison
  const isAzure = bucket.kind === 'azure'
  const beyond: Beyond = (reason, expected, isSigned) =>
    found.push({
      finding: 'beyond_grant',
      reason,
      expected: expected!,
      ...(isSigned ? { isSigned: true } : {}),
    })
  if (record.bucket !== null && record.bucket !== grant.bucket)
    beyond('other_bucket', { bucket: grant.bucket }, true)
  if (record.key !== null && record.key !== grant.key) beyond('other_key', { key: grant.key }, true)
  const action = grant.method === 'DELETE' ? 'delete' : grant.action
  if (record.action !== action)
    beyond('other_action', { action }, !isAzure || ofPermissions.has(record.action))
  else if (isCopy(record.operation)) beyond('copy', { action }, false)
  // Who may GET may look, and Google and Azure let them.
  const isLook = record.method === 'HEAD' && grant.method === 'GET'
  if (record.method !== null && record.method !== grant.method && !isLook)
    beyond('other_method', { method: grant.method }, !isAzure)
  addPart(comparison, beyond)
  const most = grant.contentLength ?? grant.contentLengthMax
  if (most !== null && record.action === 'write' && isBeyond(record, most))
    beyond('size', { bytesMax: most }, false)
}

/** Each takes a permission of its own on Azure; the others come with one of these. */
const ofPermissions: ReadonlySet<string> = new Set(['read', 'write', 'delete'])

/** Where the log shows the URL; others may tell one request in several entries. */
function addResigned({ record, proof }: Comparison, found: Difference[]): void {
  const signed = found.find(({ isSigned }) => isSigned)
  if (signed?.expected === undefined || proof !== 'taken' || record.urlSigner === null) return
  found.push({ finding: 'not_issued_here', reason: 'other_signature', expected: signed.expected })
}

/** `PUT` with a source: its bytes did not come from whoever has the URL. */
export function isCopy(operation: string): boolean {
  return /copy|fromurl|rewrite/i.test(operation)
}

/** Some logs count headers, or the frames that SDKs send bodies in, of which every 64 KiB have some 100 bytes. */
function isBeyond({ bytesReceived, method }: AccessLogRecord, most: number): boolean {
  return bytesReceived !== null && method !== 'POST' && bytesReceived > most * 1.01 + 16_384
}

function addPart({ record, grant, bucket }: Comparison, beyond: Beyond): void {
  const { partNumber, uploadId, urlSigner } = record
  const isAzure = bucket.kind === 'azure'
  if (grant.partNumber === null) {
    // A SAS to write a blob is for its blocks too.
    if (partNumber !== null || (uploadId !== null && !isAzure)) beyond('part', { partNumber: null }, !isAzure)
    return
  }
  const expected = { partNumber: grant.partNumber }
  const isTold = partNumber !== null || uploadId !== null
  if (!isTold) {
    if (urlSigner !== null) beyond('part', expected, !isAzure)
    return
  }
  if (partNumber !== null && partNumber !== grant.partNumber) beyond('part', expected, !isAzure)
  else if (uploadId !== null && grant.storeUploadId !== null) {
    const name = isAzure ? blockName(grant.storeUploadId, grant.partNumber) : grant.storeUploadId
    if (uploadId !== name) beyond('upload', expected, !isAzure)
  }
}

/** As the connector names blocks (`connectors/azure/blocks.ts`). */
function blockName(storeUploadId: string, partNumber: number): string {
  return Buffer.from(`${storeUploadId}-${String(partNumber).padStart(5, '0')}`).toString('base64')
}

function isLate({ record, grant, proof }: Comparison): boolean {
  const began = beginningOf(record)
  const late = (began ?? record.at) - grant.expiresAt
  // Refused just then, that is what it was refused for; served, the clocks may differ.
  if (proof !== 'taken') return late > 0 || (late > -skewMs && /expired/i.test(record.errorCode ?? ''))
  return late > (began === undefined ? transferMs : skewMs)
}

function isStopped({ record, stop, proof }: Comparison): boolean {
  if (stop === undefined || proof !== 'taken') return false
  const began = beginningOf(record)
  return began === undefined ? record.at > stop.at + skewMs : began > stop.at
}

function isOutside({ record: { address }, grant: { networks } }: Comparison): boolean {
  if (networks === null || address === null || networks.holds(address)) return false
  // Through an endpoint in a VPC, whose addresses are its own.
  return networks.texts.every((text) => cidrOf(text) !== undefined)
}
