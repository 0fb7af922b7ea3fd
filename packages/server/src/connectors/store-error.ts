/**
 * What a store or the network said, as the errors that Signpost knows. Nothing that the store sent goes out but its error
 * code: its messages repeat strings to sign, access key ids and whole URLs.
 */

import { SignpostError } from '@signpost/contract'

/** What a store answered, already taken out of its SDK's error or its XML. */
export interface StoreRefusal {
  status: number
  /** The store's own code, such as `AccessDenied`. */
  code: string
  /** The region that the bucket is in, where the store told it. */
  region?: string
  requestId?: string
}

export interface StoreContext {
  bucket: string
  /** Host name (and port) that was called. */
  host: string
}

const CREDENTIAL = "check the connector's credential"
const RIGHTS =
  "let the connector's credential read, write, delete and list below the prefix, and check network restrictions"

/** What mends a refusal. Codes of all three kinds of store; one code never means two things. */
const fixes: Readonly<Record<string, string>> = {
  AccessDenied: RIGHTS,
  Forbidden: RIGHTS,
  AllAccessDisabled: RIGHTS,
  SignatureDoesNotMatch: 'the secret does not belong to the key id: give the credential anew',
  InvalidAccessKeyId: 'there is no such key id: give the credential anew',
  InvalidToken: 'the session token is not valid: give the credential anew',
  ExpiredToken: 'the session token has expired: give a new credential',
  TokenRefreshRequired: 'the session token has expired: give a new credential',
  RequestTimeTooSkewed: "the clocks differ: set this server's clock by NTP",
  NoSuchBucket: 'there is no such bucket: check its name and its region',
  InvalidBucketName: 'this is not a bucket name that the store takes',
  PermanentRedirect: 'the bucket is in another region: set the region',
  AuthorizationHeaderMalformed: 'the bucket is in another region: set the region',
  IllegalLocationConstraintException: 'the bucket is in another region: set the region',
  NotImplemented: 'the store cannot do this',
  // Google Cloud Storage
  InvalidSecurity: CREDENTIAL,
  UserProjectAccountProblem: 'the project has no billing account: mend it at Google',
  // Azure
  AuthenticationFailed:
    'the account key or token was not accepted: give the credential anew, and check the clock',
  InvalidAuthenticationInfo: CREDENTIAL,
  NoAuthenticationInformation: CREDENTIAL,
  AuthorizationFailure: "check the account's firewall and the credential's roles",
  AuthorizationPermissionMismatch:
    'give the application the roles Storage Blob Delegator (account) and Storage Blob Data Contributor (container)',
  KeyBasedAuthenticationNotPermitted: 'the account takes no account keys: use an application (clientSecret)',
  AccountIsDisabled: 'the storage account is disabled',
  ContainerNotFound: 'there is no such container: check its name',
  ContainerBeingDeleted: 'the container is being deleted',
  InvalidResourceName: 'this is not a container name that the store takes',
  PublicAccessNotPermitted: RIGHTS,
}

const GONE = new Set(['NoSuchKey', 'NoSuchUpload', 'BlobNotFound', 'NoSuchVersion'])
const CONFLICTS = new Set([
  'PreconditionFailed',
  'ConditionalRequestConflict',
  'ConditionNotMet',
  'BlobAlreadyExists',
  'UnauthorizedBlobOverwrite',
])
/** The list of parts was not what the store holds. */
const WRONG_PARTS = new Set([
  'InvalidPart',
  'InvalidPartOrder',
  'EntityTooSmall',
  'InvalidBlockList',
  'InvalidBlockId',
  'InvalidBlobOrBlock',
])

/** The error for an answer of the store that was not a success. */
export function refusalError(refusal: StoreRefusal, { bucket, host }: StoreContext): SignpostError {
  const { status } = refusal
  const code = wordOf(refusal.code) ?? `HTTP ${status}`
  const requestId = wordOf(refusal.requestId)
  const cause = sanitized(
    `${code} (HTTP ${status}${requestId === undefined ? '' : `, request ${requestId}`})`,
  )
  if (GONE.has(code))
    return new SignpostError('not_found', 'There is no such object or upload in the bucket.', { cause })
  if (CONFLICTS.has(code) || status === 412)
    return new SignpostError('conflict', 'The object exists already, and it was to be created only.', {
      cause,
    })
  if (WRONG_PARTS.has(code))
    return new SignpostError(
      'conflict',
      `The parts do not make up an object (${code}): list them again, and send what is missing.`,
      { cause },
    )
  // 501: it never will (RFC 9110 §15.6.2).
  if ((status >= 500 && status !== 501) || status === 429 || status === 408)
    return new SignpostError('bucket_unreachable', `${host} answered ${code} (HTTP ${status}): try again.`, {
      cause,
      retryAfterSeconds: 1,
    })
  const place = wordOf(refusal.region)
  const region = place === undefined ? '' : ` to ${place}`
  const fix = fixes[code] ?? `see what ${code} means in the store's documentation`
  return new SignpostError(
    'bucket_refused',
    `Bucket ${bucket} at ${host} refused: ${code}. Fix: ${fix}${region}.`,
    {
      cause,
    },
  )
}

/** Codes, regions and request ids. Whoever names an endpoint must not read other text of what answers there. */
function wordOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w.:-]{1,64}$/.test(text) ? text : undefined
}

/** The error for an answer that cannot be read as one of this kind of store. */
export function unreadableError(error: unknown, { host }: Pick<StoreContext, 'host'>): SignpostError {
  return new SignpostError(
    'bucket_refused',
    `${host} gave an answer that cannot be read. Fix: is the endpoint right, and of this kind of store?`,
    { cause: sanitized(error instanceof Error ? error.name : 'no document') },
  )
}

const networkFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: is the endpoint right, and the store running?',
  ENOTFOUND: 'is not known to DNS: check the endpoint, region and account',
  EAI_AGAIN: 'could not be looked up in DNS: check the name server',
  EHOSTUNREACH: 'cannot be reached: check the network',
  ENETUNREACH: 'cannot be reached: check the network',
  ECONNRESET: 'broke the connection off: try again',
  EPIPE: 'broke the connection off: try again',
  UND_ERR_SOCKET: 'broke the connection off: try again',
  ETIMEDOUT: 'did not answer in time: check the endpoint and firewalls',
  ESOCKETTIMEDOUT: 'did not answer in time: check the endpoint and firewalls',
  UND_ERR_CONNECT_TIMEOUT: 'did not answer in time: check the endpoint and firewalls',
  UND_ERR_HEADERS_TIMEOUT: 'did not answer in time: check the endpoint and firewalls',
  TimeoutError: 'did not answer in time: check the endpoint and firewalls',
  AbortError: 'did not answer in time: check the endpoint and firewalls',
  EPROTO: 'does not speak TLS: is the endpoint http?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS: is the endpoint http?',
}

const certificateFault =
  'has a certificate that this server does not trust: name its authority in NODE_EXTRA_CA_CERTS'
const CERTIFICATE_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_/

/** The error for a call that brought no answer; undefined when `error` is no fault of the network. `faults`: better sentences. */
export function networkError(
  error: unknown,
  { host }: Pick<StoreContext, 'host'>,
  faults: Readonly<Record<string, string>> = {},
): SignpostError | undefined {
  for (const code of codesOf(error)) {
    const fault =
      faults[code] ?? networkFaults[code] ?? (CERTIFICATE_CODE.test(code) ? certificateFault : undefined)
    if (fault !== undefined)
      return new SignpostError('bucket_unreachable', `${host} ${fault} (${code})`, { cause: sanitized(code) })
  }
  return undefined
}

/** Codes and names along an error's causes: SDKs and fetch wrap the system's error, some of them twice. */
function codesOf(error: unknown): string[] {
  const codes: string[] = []
  const queue: unknown[] = [error]
  for (let seen = 0; queue.length > 0 && seen < 16; seen++) {
    const one = queue.shift()
    if (typeof one !== 'object' || one === null) continue
    const { code, name, cause, errors } = one as Record<'code' | 'name' | 'cause' | 'errors', unknown>
    if (typeof code === 'string') codes.push(code)
    if (typeof name === 'string') codes.push(name)
    queue.push(cause)
    if (Array.isArray(errors)) queue.push(...(errors as unknown[]))
  }
  return codes
}

/** A cause for the log: SDK errors carry request headers and strings to sign. */
function sanitized(what: string): Error {
  return new Error(what)
}
