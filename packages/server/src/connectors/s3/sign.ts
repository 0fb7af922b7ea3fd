/** Signs for S3 and its dialect. What each header holds a client to was tried against the stores, not read off a page. */

import type { Enforcement, ResolvedSettings, UrlMethod } from '@signpost/contract'
import {
  presignS3,
  s3Markers,
  type ObjectOperation,
  type PresignS3Request,
  type S3Credential,
} from '@signpost/signing'
import type { SignedRequest, SignRequest } from '../../domain/connector.ts'
import { attachmentDisposition } from '../attachment-disposition.ts'
import { lifetimeSeconds, signingError } from '../signing-input.ts'
import { grantMetadata, isLookedAt, noteWrites, s3WriteHeaders } from '../write-settings.ts'
import type { S3Address } from './address.ts'
import { signS3Form } from './sign-form.ts'

export type S3Settings = Extract<ResolvedSettings, { kind: 's3' }>

export interface S3Signer {
  address: S3Address
  bucket: string
  region: string
  credential: S3Credential
  /** The credential is of no use outside the networks of the policy. */
  boundToNetworks: boolean
  marker: 'username' | 'pseudonym'
  /** The store compares `x-amz-checksum-*` with what arrives. Ceph does not, so it is true only where it is known. */
  verifiesChecksums: boolean
  /** See `signsAcl`. */
  signsAcl: boolean
}

export const successStatuses: Readonly<Record<UrlMethod, number[]>> = {
  GET: [200, 206],
  HEAD: [200, 206],
  PUT: [200],
  // What the form's field success_action_status asks for.
  POST: [201],
  DELETE: [200, 204],
}

export function signS3(signer: S3Signer, request: SignRequest): SignedRequest {
  if (request.method === 'POST') return signS3Form(signer, request)
  const headers: Record<string, string> = {}
  const enforcement: Enforcement = {}
  if (request.method === 'PUT') bind(signer, request, headers, enforcement)
  if (request.networks) enforcement['network'] = signer.boundToNetworks ? 'storage' : 'none'
  const markers = s3Markers({
    username: signer.marker === 'username' ? request.marker.username : request.marker.pseudonym,
    grantId: request.marker.grantId,
  })
  try {
    const input: PresignS3Request = {
      operation: s3Operation(request),
      address: signer.address,
      region: signer.region,
      credential: signer.credential,
      signedAt: request.signedAt,
      expiresInSeconds: lifetimeSeconds(request.signedAt, request.expiresAt),
      query: markers,
    }
    // A set that is there, though empty, takes the signer the longer way.
    if (request.method === 'PUT') input.headers = headers
    const presigned = presignS3(input)
    return {
      url: presigned.url,
      headers: presigned.headers,
      successStatuses: successStatuses[request.method],
      enforcement,
      marker: markers['X-User'],
      signer: signer.credential.accessKeyId,
      signature: presigned.signature,
    }
  } catch (error) {
    throw signingError(error)
  }
}

/** Shared with Google Cloud Storage, whose XML API has the same operations. */
export function s3Operation(request: SignRequest): ObjectOperation {
  const { key, part } = request
  switch (request.method) {
    case 'GET':
    case 'HEAD': {
      const type = request.method === 'GET' ? 'get' : 'head'
      if (request.downloadAs === undefined) return { type, key }
      return { type, key, response: { contentDisposition: attachmentDisposition(request.downloadAs) } }
    }
    case 'DELETE':
      return { type: 'delete', key }
    case 'PUT':
      if (part === undefined) return { type: 'put', key }
      return { type: 'uploadPart', key, uploadId: part.storeUploadId, partNumber: part.partNumber }
    case 'POST':
      throw new Error('A form is no operation on an object.')
  }
}

/** Puts each constraint into a signed header: a store that verifies signatures refuses another value, or none. */
function bind(
  signer: S3Signer,
  request: SignRequest,
  headers: Record<string, string>,
  enforcement: Enforcement,
): void {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly, part, writes } = request
  if (contentType !== undefined) {
    headers['content-type'] = contentType
    enforcement['contentType'] = 'storage'
  }
  if (contentLength !== undefined) {
    headers['content-length'] = String(contentLength)
    enforcement['contentLength'] = 'storage'
  }
  // A signed header has one value. An exact length was checked against the range before.
  if (contentLengthRange !== undefined)
    enforcement['contentLengthRange'] = contentLength === undefined ? 'verified-after' : 'storage'
  if (checksum?.algorithm === 'md5') {
    headers['content-md5'] = checksum.value
    enforcement['checksum'] = 'storage'
  } else if (checksum !== undefined) {
    headers[`x-amz-checksum-${checksum.algorithm}`] = checksum.value
    enforcement['checksum'] = signer.verifiesChecksums ? 'storage' : 'verified-after'
  }
  if (part !== undefined) return
  if (createOnly === true) {
    headers['if-none-match'] = '*'
    enforcement['createOnly'] = 'storage'
  }
  if (signer.signsAcl) headers['x-amz-acl'] = 'private'
  if (writes !== undefined) {
    Object.assign(headers, s3WriteHeaders(writes))
    noteWrites(enforcement, writes, 'storage')
  }
  if (isLookedAt(enforcement)) headers[`x-amz-meta-${grantMetadata}`] = request.marker.grantId
}

/**
 * Stores that take unsigned `x-amz-*` headers (Ceph does) let the holder of a write URL add `x-amz-acl: public-read`; a
 * signed `private` stops that. Left out where it would be refused or is not needed: AWS (refuses unsigned `x-amz-*`
 * itself, and refuses this one on buckets without ACLs), CoreWeave, Cloudflare R2 and Google's S3 dialect (have no
 * object ACLs). Nothing signed stops `x-amz-copy-source`: that takes a credential that can read its own team's objects only.
 */
export function signsAcl({ provider, host }: S3Address): boolean {
  return provider === 'other' && !/(?:\.r2\.cloudflarestorage\.com|storage\.googleapis\.com)$/.test(host)
}
