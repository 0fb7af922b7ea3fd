/** Forms for S3 and its dialect: the policy is signed, so no field can be changed, left out or added. */

import type { Enforcement } from '@signpost/contract'
import { presignS3Post, s3Markers } from '@signpost/signing'
import type { SignedRequest, SignRequest } from '../../domain/connector.ts'
import { formRange, refuseInForm } from '../form-range.ts'
import { lifetimeSeconds, signingError } from '../signing-input.ts'
import { grantMetadata, noteWrites, s3WriteFields } from '../write-settings.ts'
import type { S3Signer } from './sign.ts'

/**
 * The markers in the URL are for the bucket's log: a form does not sign its URL. What is signed, and stays with the
 * object, is the grant's id in its metadata.
 */
export function signS3Form(signer: S3Signer, request: SignRequest): SignedRequest {
  const enforcement: Enforcement = {}
  const markers = s3Markers({
    username: signer.marker === 'username' ? request.marker.username : request.marker.pseudonym,
    grantId: request.marker.grantId,
  })
  if (request.networks) enforcement['network'] = signer.boundToNetworks ? 'storage' : 'none'
  try {
    const form = presignS3Post({
      address: signer.address,
      bucket: signer.bucket,
      region: signer.region,
      credential: signer.credential,
      key: request.key,
      signedAt: request.signedAt,
      expiresInSeconds: lifetimeSeconds(request.signedAt, request.expiresAt),
      fields: fieldsOf(signer, request, enforcement),
      contentLengthRange: formRange(request),
      query: markers,
    })
    return {
      url: form.url,
      headers: {},
      fields: form.fields,
      successStatuses: [201],
      enforcement,
      // Some stores tell it in the answer's document alone.
      etagExpected: false,
      marker: markers['X-User'],
      signer: signer.credential.accessKeyId,
      signature: form.signature,
    }
  } catch (error) {
    throw signingError(error)
  }
}

function fieldsOf(signer: S3Signer, request: SignRequest, enforcement: Enforcement): Record<string, string> {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly, writes, marker } = request
  if (createOnly === true) refuseInForm('createOnly')
  const fields: Record<string, string> = { success_action_status: '201' }
  if (contentType !== undefined) {
    fields['Content-Type'] = contentType
    enforcement['contentType'] = 'storage'
  }
  if (contentLength !== undefined) enforcement['contentLength'] = 'storage'
  if (contentLengthRange !== undefined) enforcement['contentLengthRange'] = 'storage'
  if (checksum !== undefined) {
    // "POST Object" documents this one digest; Ceph takes the field and does not compare.
    const isCompared = checksum.algorithm === 'md5' && signer.verifiesChecksums
    if (isCompared) fields['Content-MD5'] = checksum.value
    enforcement['checksum'] = isCompared ? 'storage' : 'verified-after'
  }
  if (writes !== undefined) {
    Object.assign(fields, s3WriteFields(writes))
    noteWrites(enforcement, writes, 'storage')
  }
  fields[`x-amz-meta-${grantMetadata}`] = marker.grantId
  return fields
}
