/** Who signed a request, as the store and the URL tell it, compared with what signs for the bucket. */
import type { AccessLogRecord } from './access-log-record.ts'
import type { GrantFacts, KnownBucket } from './verdict.ts'

export type SignerFit =
  /** By what signed the grant. */
  | 'same'
  | 'other'
  /** The log does not say enough. */
  | 'untold'

type Signed = Pick<AccessLogRecord, 'signers' | 'urlSigner'>

/** A grant of before its signer was recorded: whatever signs for the bucket. */
export function signerFit(
  { signers, urlSigner }: Signed,
  { signer }: Pick<GrantFacts, 'signer'>,
  bucket: KnownBucket,
): SignerFit {
  if (signer === null) return fitOfBucket({ signers, urlSigner }, bucket)
  if (urlSigner !== null && urlSigner !== signer) return 'other'
  for (const told of signers) if (contradicts(told, signer, bucket)) return 'other'
  return urlSigner === signer || signers.includes(signer) ? 'same' : 'untold'
}

/** A store's own name of who signed, where it does not tell with which key: known to nobody here. */
export function storeUser(name: string): string {
  return `${storeUserPrefix}${name}`
}

const storeUserPrefix = 'user:'

/** The log names a user of the store's, who may have signed with any key: what this line is was done with no key of ours for certain. */
export function isOfUntoldKey({ signers }: Pick<Signed, 'signers'>): boolean {
  return signers.some((told) => told.startsWith(storeUserPrefix))
}

export function fitOfBucket({ signers: toldAll, urlSigner }: Signed, bucket: KnownBucket): SignerFit {
  const signers = toldAll.filter((told) => !told.startsWith(storeUserPrefix))
  const all = urlSigner === null ? signers : [urlSigner, ...signers]
  if (all.length === 0) return 'untold'
  if (urlSigner !== null && bucket.signers.has(urlSigner)) return 'same'
  if (signers.some((told) => bucket.signers.has(told) || isOwnRole(told, bucket))) return 'same'
  return bucket.hasSessions && !signers.some((told) => told.startsWith('arn:')) ? 'untold' : 'other'
}

const arnOf = /^arn:[^:]*:(iam|sts)::(\d*):(assumed-role|federated-user|user|role|root)\/?([^/]*)/
const noArn: { account: string; kind?: string; name: string } = { account: '', name: '' }

function arnIn(told: string): typeof noArn {
  const found = told.startsWith('arn:') ? arnOf.exec(told) : null
  return found === null ? noArn : { account: found[2]!, kind: found[3]!, name: found[4]! }
}

const accessKeyId = /^(?:AKIA|ASIA)[A-Z0-9]{12,}$/

/**
 * Does this name of the store's own rule out that the signer was this one? AWS tells users and sessions apart by how access
 * key ids begin: AKIA and ASIA ("Understanding unique ID prefixes", IAM User Guide).
 */
function contradicts(told: string, signer: string, bucket: KnownBucket): boolean {
  if (told === signer) return false
  const { account, kind, name } = arnIn(told)
  if (kind === 'assumed-role')
    return signer.startsWith('AKIA') || (bucket.roles.size > 0 && !hasRole(bucket, account, name))
  if (kind === 'federated-user') return signer.startsWith('AKIA')
  if (kind === 'user' || kind === 'root') return signer.startsWith('ASIA')
  if (told.startsWith('svc:') || told === 'AmazonS3') return true
  // Google tells an account by its e-mail, and as a part of longer names.
  if (bucket.kind === 'gcs') return told.includes('@') && signer.includes('@') && !told.includes(signer)
  // An object id, in whatever case.
  if (bucket.kind === 'azure') return told.toLowerCase() !== signer.toLowerCase()
  return accessKeyId.test(told)
}

/** The session of a role that this bucket is signed for by: an ARN, or Ceph's `role/session`. */
function isOwnRole(told: string, bucket: KnownBucket): boolean {
  const { account, kind, name } = arnIn(told)
  if (kind !== undefined) return kind === 'assumed-role' && hasRole(bucket, account, name)
  const slash = told.indexOf('/')
  return slash > 0 && bucket.roles.has(told.slice(0, slash))
}

function hasRole({ roles }: KnownBucket, account: string, name: string): boolean {
  return roles.has(`${account}/${name}`) || roles.has(name)
}
