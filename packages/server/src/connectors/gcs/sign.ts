/** Signs for Google Cloud Storage's XML API. */

import type { Enforcement, ResolvedSettings } from '@signpost/contract'
import {
  gcsMarkers,
  presignGcs,
  presignGcsRsa,
  type PresignGcsRequest,
  type Presigned,
} from '@signpost/signing'
import type { SignedRequest, SignRequest } from '../../domain/connector.ts'
import { formRange } from '../form-range.ts'
import { s3Operation, successStatuses } from '../s3/sign.ts'
import { lifetimeSeconds, signingError } from '../signing-input.ts'
import { gcsWriteHeaders, grantMetadata, isLookedAt, noteWrites } from '../write-settings.ts'
import type { GcsAddress } from './address.ts'
import { signerName, type GcsSigningCredential } from './credentials.ts'
import { signGcsForm } from './sign-form.ts'

export type GcsSettings = Extract<ResolvedSettings, { kind: 'gcs' }>

export interface GcsSigner {
  address: GcsAddress
  bucket: string
  credential: GcsSigningCredential
  marker: 'username' | 'pseudonym'
}

export function signGcs(signer: GcsSigner, request: SignRequest): SignedRequest | Promise<SignedRequest> {
  if (request.method === 'POST') return signGcsForm(signer, request)
  const headers: Record<string, string> = {}
  const enforcement: Enforcement = {}
  if (request.method === 'PUT') bind(request, headers, enforcement)
  // Nothing in the URL or the credential can hold it: the bucket's IP filter does.
  if (request.networks) enforcement['network'] = 'none'
  const query = gcsMarkers({
    username: signer.marker === 'username' ? request.marker.username : request.marker.pseudonym,
    grantId: request.marker.grantId,
  })
  const finish = (presigned: Presigned): SignedRequest => ({
    url: presigned.url,
    headers: presigned.headers,
    successStatuses: successStatuses[request.method],
    enforcement,
    marker: query['X-User'],
    signer: signerName(signer.credential),
    signature: presigned.signature,
  })
  const presigned = presign(signer, {
    operation: s3Operation(request),
    signedAt: request.signedAt,
    expiresInSeconds: lifetimeSeconds(request.signedAt, request.expiresAt),
    query,
    headers,
  })
  return presigned instanceof Promise ? presigned.then(finish) : finish(presigned)
}

/** At once with an HMAC key, in the thread pool with an RSA key, by IAM without one. */
export function presign(
  { address, credential }: Pick<GcsSigner, 'address' | 'credential'>,
  request: Omit<PresignGcsRequest, 'address' | 'credential'>,
): Presigned | Promise<Presigned> {
  if (credential.type !== 'hmac')
    return presignGcsRsa({ ...request, address, credential }).catch((error: unknown) => {
      throw signingError(error)
    })
  try {
    return presignGcs({ ...request, address, credential })
  } catch (error) {
    throw signingError(error)
  }
}

/** Puts each constraint into a signed header. Names: "XML API headers and query string parameters" in Google's reference. */
function bind(request: SignRequest, headers: Record<string, string>, enforcement: Enforcement): void {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly, part, writes } = request
  if (contentType !== undefined) {
    headers['content-type'] = contentType
    enforcement['contentType'] = 'storage'
  }
  if (checksum !== undefined) {
    enforcement['checksum'] = checksum.algorithm === 'sha256' ? 'verified-after' : 'storage'
    if (checksum.algorithm === 'md5') headers['content-md5'] = checksum.value
    if (checksum.algorithm === 'crc32c') headers['x-goog-hash'] = `crc32c=${checksum.value}`
  }
  if (contentLength !== undefined) {
    // The header is documented for Put Object only; the sizes of parts are looked at when they are put together.
    enforcement['contentLength'] = part === undefined ? 'storage' : 'verified-after'
  }
  if (part !== undefined) return
  if (contentLengthRange !== undefined) enforcement['contentLengthRange'] = 'storage'
  if (contentLength !== undefined || contentLengthRange !== undefined) {
    const { min, max } = formRange(request)
    headers['x-goog-content-length-range'] = `${min},${max}`
  }
  if (createOnly === true) {
    headers['x-goog-if-generation-match'] = '0'
    enforcement['createOnly'] = 'storage'
  }
  if (writes !== undefined) {
    Object.assign(headers, gcsWriteHeaders(writes))
    noteWrites(enforcement, writes, 'storage', { tags: 'none' })
  }
  if (isLookedAt(enforcement)) headers[`x-goog-meta-${grantMetadata}`] = request.marker.grantId
}
