/**
 * Signs for Azure Blob Storage. A SAS binds blob, permissions and time, but neither method nor headers, so most constraints
 * are the client's to keep here and looked at afterwards, and `enforcement` says so.
 */

import { SignpostError, type Enforcement, type UrlMethod } from '@signpost/contract'
import { azureBlobUrl, azureSas, type AzureCredential } from '@signpost/signing'
import type { MarkerSource, SignedRequest, SignRequest } from '../../domain/connector.ts'
import { attachmentDisposition } from '../attachment-disposition.ts'
import { signingError } from '../signing-input.ts'
import { azureGrantMetadata, azureWriteHeaders, isLookedAt, noteWrites } from '../write-settings.ts'
import type { AzureAddress } from './address.ts'
import { blobName } from './blob-name.ts'
import { blockIdOf } from './blocks.ts'
import type { AzureSettings } from './credential.ts'
import { ipRangeOf } from './ip-range.ts'

/** The newest version whose string to sign is settled; the next one signs headers and parameters too. */
const SERVICE_VERSION = '2025-11-05'

export interface AzureSigner {
  settings: AzureSettings
  address: AzureAddress
}

const successStatuses: Readonly<Record<UrlMethod, number[]>> = {
  GET: [200, 206],
  HEAD: [200, 206],
  PUT: [201],
  DELETE: [202],
  POST: [],
}

export function signAzure(
  { settings, address }: AzureSigner,
  credential: AzureCredential,
  request: SignRequest,
): SignedRequest {
  const { account, bucket: container } = settings
  const { part } = request
  const blob = blobName(request.key)
  const headers: Record<string, string> = {}
  const enforcement: Enforcement = {}
  if (request.method === 'POST')
    throw new SignpostError('unsupported_by_store', 'method: Azure takes no forms.', { field: 'method' })
  if (request.method === 'PUT') describe(request, headers, enforcement)
  const ipRange = request.networks && ipRangeOf(request.networks)
  if (request.networks) enforcement['network'] = ipRange === undefined ? 'none' : 'storage'
  const marker = credential.type === 'accountKey' ? null : markerOf(settings.marker, request.marker)
  try {
    const sas = azureSas({
      account,
      container,
      blob,
      credential,
      permissions: permissionsOf(request),
      version: SERVICE_VERSION,
      // No start: a clock of Azure's that is behind would refuse the URL at first.
      expiresAt: request.expiresAt,
      // The one setting that a SAS signs: with another scope the request is refused.
      ...(request.method === 'PUT' && request.writes?.kmsKeyId !== undefined
        ? { encryptionScope: request.writes.kmsKeyId }
        : {}),
      protocol: address.isHttps ? 'https' : 'https,http',
      ...(marker === null ? {} : { correlationId: marker }),
      ...(ipRange === undefined ? {} : { ipRange }),
      ...(request.downloadAs === undefined
        ? {}
        : { response: { contentDisposition: attachmentDisposition(request.downloadAs) } }),
    })
    const url = azureBlobUrl({
      origin: address.origin,
      container,
      blob,
      sas: sas.token,
      ...(address.accountInPath === undefined ? {} : { account: address.accountInPath }),
      ...(part === undefined
        ? {}
        : { query: { comp: 'block', blockid: blockIdOf(part.storeUploadId, part.partNumber) } }),
    })
    return {
      url,
      headers,
      successStatuses: successStatuses[request.method],
      enforcement,
      ...(part === undefined ? {} : { etagExpected: false }),
      marker,
      signer: credential.type === 'accountKey' ? account : credential.key.signedObjectId,
      signature: sas.signature,
    }
  } catch (error) {
    throw signingError(error)
  }
}

/** A URL to read a blob of the account, for Azure itself: the source of a copy. */
export function signAzureRead(
  { settings: { account }, address }: AzureSigner,
  credential: AzureCredential,
  { bucket: container, key: blob }: { bucket: string; key: string },
  expiresAt: number,
): string {
  const protocol = address.isHttps ? 'https' : 'https,http'
  const version = SERVICE_VERSION
  try {
    const sas = azureSas({
      account,
      container,
      blob,
      credential,
      permissions: 'r',
      version,
      expiresAt,
      protocol,
    })
    const { origin, accountInPath } = address
    const place = { origin, container, blob, sas: sas.token }
    return azureBlobUrl({ ...place, ...(accountInPath === undefined ? {} : { account: accountInPath }) })
  } catch (error) {
    throw signingError(error)
  }
}

/** "Permissions for a directory, container, or blob", in service order. */
function permissionsOf({ method, createOnly, part, writes }: SignRequest): string {
  if (method === 'DELETE') return 'd'
  if (method !== 'PUT') return 'r'
  // Put Block takes w alone. It allows Put Blob as well: a SAS is not bound to one operation.
  if (part !== undefined) return 'w'
  // c without w makes blobs and never overwrites one.
  return `${createOnly === true ? 'c' : 'cw'}${writes?.tags === undefined ? '' : 't'}`
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** `scid` is a GUID. On a service SAS it would not be signed, so there it is left out. */
function markerOf(choice: AzureSettings['marker'], source: MarkerSource): string | null {
  const marker = markerFrom(choice, source)
  if (marker === null || GUID.test(marker)) return marker
  throw new SignpostError(
    'unsupported_by_store',
    `settings.marker: Azure takes only GUIDs in scid, and this requester's ${choice} is none: set the connector's marker to uuid.`,
    { field: 'settings.marker' },
  )
}

function markerFrom(choice: AzureSettings['marker'], source: MarkerSource): string | null {
  switch (choice) {
    case 'uuid':
      return source.scid
    case 'username':
      return source.username
    case 'pseudonym':
      return source.pseudonym
    case 'random':
      return source.grantId
    case 'none':
      return null
  }
}

/** Headers for the client to send. Azure checks a digest when it comes, but a client can leave it out. */
function describe(request: SignRequest, headers: Record<string, string>, enforcement: Enforcement): void {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly, part, writes } = request
  if (contentLength !== undefined) enforcement['contentLength'] = 'verified-after'
  if (contentLengthRange !== undefined) enforcement['contentLengthRange'] = 'verified-after'
  if (contentType !== undefined) enforcement['contentType'] = 'verified-after'
  if (checksum !== undefined) enforcement['checksum'] = 'verified-after'
  if (checksum?.algorithm === 'md5') headers['content-md5'] = checksum.value
  if (part !== undefined) {
    // "Put Block": blocks and blob are in the same scope.
    if (writes?.kmsKeyId === undefined) return
    headers['x-ms-encryption-scope'] = writes.kmsKeyId
    enforcement['kmsKeyId'] = 'storage'
    return
  }
  headers['x-ms-blob-type'] = 'BlockBlob'
  if (contentType !== undefined) headers['x-ms-blob-content-type'] = contentType
  if (createOnly === true) {
    // The permission holds; the header makes the refusal a 409 instead of a 403.
    headers['if-none-match'] = '*'
    enforcement['createOnly'] = 'storage'
  }
  if (writes !== undefined) {
    Object.assign(headers, azureWriteHeaders(writes))
    noteWrites(enforcement, writes, 'verified-after', { kmsKeyId: 'storage' })
  }
  if (isLookedAt(enforcement)) headers[`x-ms-meta-${azureGrantMetadata}`] = request.marker.grantId
}
