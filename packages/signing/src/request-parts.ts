/** From a checked request to the parts that get signed; shared by `s3.ts` and `gcs.ts`. */

import { hostOf, checkHeaders, checkKey, checkLifetime, checkPathPrefix, checkTime } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { addOperationParameters, type SignableOperation } from './object-operation.ts'
import type { EncodedParameter } from './sigv4/canonical-request.ts'
import { encodeComponent, encodePath } from './sigv4/encode.ts'
import type { BucketAddress } from './types.ts'

export interface RequestPartsInput {
  operation: SignableOperation
  address: BucketAddress
  signedAt: number
  expiresInSeconds: number
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
}

/** Where S3 and Google Cloud Storage differ before the signature; each as its own vendor's client writes it. */
export interface Dialect {
  /** What a version is called in the query: `versionId` or `generation`. */
  versionName: string
  /** Path of a bucket in path style: `/bucket/` or `/bucket`. */
  endsBucketPath: boolean
}

export interface RequestParts {
  /** Without the scheme's default port. */
  host: string
  path: string
  parameters: EncodedParameter[]
}

export function requestPartsOf(request: RequestPartsInput, dialect: Dialect): RequestParts {
  checkTime('signedAt', request.signedAt)
  checkLifetime(request.expiresInSeconds)
  checkPathPrefix(request.address)
  if (request.headers !== undefined) checkHeaders(request.headers)
  return {
    host: hostOf(request.address.origin),
    path: pathOf(request.operation, request.address.pathPrefix, dialect),
    parameters: parametersOf(request, dialect.versionName),
  }
}

export function pathOf(operation: SignableOperation, pathPrefix: string, dialect: Dialect): string {
  if (!('key' in operation))
    return pathPrefix === '' || dialect.endsBucketPath ? `${pathPrefix}/` : pathPrefix
  checkKey('operation.key', operation.key)
  return `${pathPrefix}/${encodePath(operation.key)}`
}

export function parametersOf(
  request: Pick<RequestPartsInput, 'operation' | 'query'>,
  versionName: string,
): EncodedParameter[] {
  const parameters: EncodedParameter[] = []
  addOperationParameters(request.operation, versionName, (name, value) => {
    if (!value.isWellFormed())
      throw new SigningInputError(`operation (${name})`, 'holds a lone surrogate, which has no UTF-8 form')
    parameters.push({ name, value: encodeComponent(value) })
  })
  const { query } = request
  if (query !== undefined) {
    for (const name of Object.keys(query)) parameters.push(queryParameterOf(name, query[name]!))
  }
  return parameters
}

/** Names that belong to the signature's own parameters; Google's custom audit entries are the one exception. */
const RESERVED_NAME = /^x-(?:amz-|goog-(?!custom-audit-))/i

function queryParameterOf(name: string, value: string): EncodedParameter {
  if (name === '' || !name.isWellFormed() || !value.isWellFormed()) {
    throw new SigningInputError(
      queryField(name),
      'must have a name, and no lone surrogates, which have no UTF-8 form',
    )
  }
  if (RESERVED_NAME.test(name)) {
    throw new SigningInputError(
      queryField(name),
      'is reserved: X-Amz- and X-Goog- names belong to the signature',
    )
  }
  return { name: encodeComponent(name), value: encodeComponent(value) }
}

function queryField(name: string): string {
  return `query[${JSON.stringify(name)}]`
}
