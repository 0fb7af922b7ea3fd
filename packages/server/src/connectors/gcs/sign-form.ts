/** Forms for Google Cloud Storage: the policy document is signed, so no field can be changed, left out or added. */

import type { Enforcement } from '@signpost/contract'
import {
  gcsMarkers,
  presignGcsPost,
  presignGcsPostRsa,
  type PostPolicyRequest,
  type PresignedForm,
} from '@signpost/signing'
import type { SignedRequest, SignRequest } from '../../domain/connector.ts'
import { formRange, refuseInForm } from '../form-range.ts'
import { lifetimeSeconds, signingError } from '../signing-input.ts'
import { gcsWriteHeaders, grantMetadata, noteWrites } from '../write-settings.ts'
import { signerName } from './credentials.ts'
import type { GcsSigner } from './sign.ts'

/** As on S3, the markers in the URL are not signed; the grant's id in the metadata is. */
export function signGcsForm(signer: GcsSigner, request: SignRequest): SignedRequest | Promise<SignedRequest> {
  const enforcement: Enforcement = {}
  if (request.networks) enforcement['network'] = 'none'
  const query = gcsMarkers({
    username: signer.marker === 'username' ? request.marker.username : request.marker.pseudonym,
    grantId: request.marker.grantId,
  })
  const finish = (form: PresignedForm): SignedRequest => ({
    url: form.url,
    headers: {},
    fields: form.fields,
    successStatuses: [201],
    enforcement,
    etagExpected: false,
    marker: query['X-User'],
    signer: signerName(signer.credential),
    signature: form.signature,
  })
  const form = presign(signer, {
    address: signer.address,
    bucket: signer.bucket,
    key: request.key,
    signedAt: request.signedAt,
    expiresInSeconds: lifetimeSeconds(request.signedAt, request.expiresAt),
    fields: fieldsOf(request, enforcement),
    contentLengthRange: formRange(request),
    query,
  })
  return form instanceof Promise ? form.then(finish) : finish(form)
}

function presign(
  { credential }: GcsSigner,
  request: PostPolicyRequest,
): PresignedForm | Promise<PresignedForm> {
  if (credential.type !== 'hmac')
    return presignGcsPostRsa({ ...request, credential }).catch((error: unknown) => {
      throw signingError(error)
    })
  try {
    return presignGcsPost({ ...request, credential })
  } catch (error) {
    throw signingError(error)
  }
}

/** Fields: "Upload an object with HTML forms". It names none for digests, storage classes and keys. */
function fieldsOf(request: SignRequest, enforcement: Enforcement): Record<string, string> {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly, writes, marker } = request
  if (createOnly === true) refuseInForm('createOnly')
  if (writes?.storageClass !== undefined) refuseInForm('storageClass')
  if (writes?.kmsKeyId !== undefined) refuseInForm('kmsKeyId')
  const fields: Record<string, string> = { success_action_status: '201' }
  if (contentType !== undefined) {
    fields['content-type'] = contentType
    enforcement['contentType'] = 'storage'
  }
  if (contentLength !== undefined) enforcement['contentLength'] = 'storage'
  if (contentLengthRange !== undefined) enforcement['contentLengthRange'] = 'storage'
  if (checksum !== undefined) enforcement['checksum'] = 'verified-after'
  if (writes !== undefined) {
    Object.assign(fields, gcsWriteHeaders(writes))
    noteWrites(enforcement, writes, 'storage', { tags: 'none' })
  }
  fields[`x-goog-meta-${grantMetadata}`] = marker.grantId
  return fields
}
