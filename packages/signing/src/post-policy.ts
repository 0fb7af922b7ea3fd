/** What forms (POST policy documents) of S3 and Google Cloud Storage have in common: the checks, and the address. */

import { checkKey, checkLifetime, checkPathPrefix, checkText, checkTime, hostOf } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { encodeComponent } from './sigv4/encode.ts'
import { extendedTimestamp } from './timestamps.ts'
import type { BucketAddress } from './types.ts'

/** One form for one object. Everything in `fields` is a condition of the policy: the store refuses another value, and any further field. */
export interface PostPolicyRequest {
  address: BucketAddress
  bucket: string
  /** Exact: never the start of one. */
  key: string
  signedAt: number
  /** 1 to 604800. */
  expiresInSeconds: number
  /** Further form fields, such as `Content-Type` or `success_action_status`. Chosen by Signpost, never by a caller. */
  fields?: Readonly<Record<string, string>>
  /** Bytes of the file, both included. */
  contentLengthRange?: { min: number; max: number }
  /**
   * Parameters of the form's URL, for the bucket's log. A form signs its fields only, so whoever holds it can change
   * these: what must hold belongs into `fields`.
   */
  query?: Readonly<Record<string, string>>
}

export interface PresignedForm {
  method: 'POST'
  /** Where the form goes. */
  url: string
  /** To be sent as multipart/form-data in this order, with the file last under the name `file`. A live credential until it expires. */
  fields: Record<string, string>
  /** The policy document: JSON. */
  policy: string
  /** The policy in base64. */
  stringToSign: string
  signature: string
}

export type PostCondition = Readonly<Record<string, string>> | readonly [string, number, number]

/** Fields that a request may not name: the signer's own, and those that would make a store read another meaning. */
const OWN_FIELD = /^(?:key|bucket|policy|file|submit|signature|awsaccesskeyid|googleaccessid)$/i
const SIGNATURE_FIELD = /^x-(?:amz|goog)-(?:algorithm|credential|date|signature|security-token)$/i
const FIELD_NAME = /^[A-Za-z0-9_-]+$/

export function checkPostPolicy(request: PostPolicyRequest): void {
  checkTime('signedAt', request.signedAt)
  checkLifetime(request.expiresInSeconds)
  checkPathPrefix(request.address)
  hostOf(request.address.origin)
  checkText('bucket', request.bucket)
  checkKey('key', request.key)
  if (/[\0\r\n]/.test(request.key))
    throw new SigningInputError('key', 'must not hold line breaks or NUL in a form: browsers rewrite them')
  // Both stores put the name of the file that is sent in its place: the form would open another key.
  if (request.key.includes('${filename}'))
    throw new SigningInputError('key', 'must not hold "${filename}" in a form: stores replace it')
  if (request.contentLengthRange !== undefined) checkRange(request.contentLengthRange)
  checkFields(request.fields ?? {})
}

function checkRange({ min, max }: { min: number; max: number }): void {
  if (Number.isSafeInteger(min) && Number.isSafeInteger(max) && min >= 0 && min <= max) return
  throw new SigningInputError('contentLengthRange', 'must be whole numbers with 0 <= min <= max')
}

function checkFields(fields: Readonly<Record<string, string>>): void {
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(fields)) {
    const field = `fields[${JSON.stringify(name)}]`
    if (!FIELD_NAME.test(name)) throw new SigningInputError(field, 'is not a valid form field name')
    if (OWN_FIELD.test(name) || SIGNATURE_FIELD.test(name))
      throw new SigningInputError(field, 'is set by the signer')
    if (seen.has(name.toLowerCase())) throw new SigningInputError(field, 'is given twice')
    seen.add(name.toLowerCase())
    if (!value.isWellFormed() || /[\0\r\n]/.test(value))
      throw new SigningInputError(field, 'must not hold line breaks, NUL or lone surrogates')
  }
}

/** The end of the policy, in the one form that both take: ISO 8601 in UTC. */
export function policyExpiration({ signedAt, expiresInSeconds }: PostPolicyRequest): string {
  return extendedTimestamp(Math.floor(signedAt / 1000) * 1000 + expiresInSeconds * 1000)
}

export function rangeCondition({ contentLengthRange: range }: PostPolicyRequest): PostCondition[] {
  return range === undefined ? [] : [['content-length-range', range.min, range.max]]
}

/** Forms go to the bucket, not to the object. */
export function formUrl({ address, query }: PostPolicyRequest): string {
  const parameters = Object.entries(query ?? {}).map(
    ([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`,
  )
  const text = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return `${address.origin}${address.pathPrefix}/${text}`
}
