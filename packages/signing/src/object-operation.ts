/** An object operation as an HTTP request of S3's XML API, before anything is signed. */

import type { HttpMethod, ObjectOperation, PresignGcsRequest, ResponseOverrides } from './types.ts'

export type SignableOperation = PresignGcsRequest['operation']

/** Adds one query parameter, given unencoded. */
export type AddParameter = (name: string, value: string) => void

export function methodOf(operation: SignableOperation): HttpMethod {
  switch (operation.type) {
    case 'get':
    case 'list':
    case 'listParts':
    case 'listUploads':
      return 'GET'
    case 'bucketSetting':
      return operation.write === true ? 'PUT' : 'GET'
    case 'head':
      return 'HEAD'
    case 'put':
    case 'uploadPart':
      return 'PUT'
    case 'createUpload':
    case 'completeUpload':
    case 'startResumable':
      return 'POST'
    case 'delete':
    case 'abortUpload':
      return 'DELETE'
  }
}

/** `versionName` is what the dialect calls a version: `versionId` on S3, `generation` on Google Cloud Storage. */
export function addOperationParameters(
  operation: SignableOperation,
  versionName: string,
  add: AddParameter,
): void {
  switch (operation.type) {
    case 'put':
    case 'startResumable':
      return
    case 'get':
    case 'head':
      if (operation.versionId !== undefined) add(versionName, operation.versionId)
      if (operation.response !== undefined) addResponseOverrides(operation.response, add)
      return
    case 'delete':
      if (operation.versionId !== undefined) add(versionName, operation.versionId)
      return
    case 'bucketSetting':
      return add(operation.setting, '')
    case 'createUpload':
      return add('uploads', '')
    case 'uploadPart':
      add('partNumber', String(operation.partNumber))
      return add('uploadId', operation.uploadId)
    case 'completeUpload':
    case 'abortUpload':
      return add('uploadId', operation.uploadId)
    case 'list':
    case 'listParts':
    case 'listUploads':
      return addListingParameters(operation, add)
  }
}

type ListingOperation = Extract<ObjectOperation, { type: 'list' | 'listParts' | 'listUploads' }>

function addListingParameters(operation: ListingOperation, add: AddParameter): void {
  const addIfGiven = (name: string, value: string | number | undefined) => {
    if (value !== undefined) add(name, String(value))
  }
  switch (operation.type) {
    case 'list':
      add('list-type', '2')
      addIfGiven('prefix', operation.prefix)
      addIfGiven('delimiter', operation.delimiter)
      addIfGiven('continuation-token', operation.continuationToken)
      return addIfGiven('max-keys', operation.maxKeys)
    case 'listParts':
      add('uploadId', operation.uploadId)
      addIfGiven('part-number-marker', operation.partNumberMarker)
      return addIfGiven('max-parts', operation.maxParts)
    case 'listUploads':
      add('uploads', '')
      addIfGiven('prefix', operation.prefix)
      addIfGiven('key-marker', operation.keyMarker)
      addIfGiven('upload-id-marker', operation.uploadIdMarker)
      return addIfGiven('max-uploads', operation.maxUploads)
  }
}

function addResponseOverrides(response: ResponseOverrides, add: AddParameter): void {
  if (response.contentType !== undefined) add('response-content-type', response.contentType)
  if (response.contentLanguage !== undefined) add('response-content-language', response.contentLanguage)
  if (response.contentDisposition !== undefined)
    add('response-content-disposition', response.contentDisposition)
  if (response.contentEncoding !== undefined) add('response-content-encoding', response.contentEncoding)
  if (response.cacheControl !== undefined) add('response-cache-control', response.cacheControl)
  if (response.expires !== undefined) add('response-expires', response.expires)
}
