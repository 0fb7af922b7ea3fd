/**
 * The straight line that S3 and Google Cloud Storage share: parameters, canonical request, string to sign. The two
 * differ in names only, so the differences are data. The signature comes last and from outside: HMAC here, RSA there.
 */

import { SigningInputError } from '../errors.ts'
import type { HttpMethod } from '../types.ts'
import {
  canonicalEnd,
  canonicalHeaders,
  sortParameters,
  type CanonicalHeaders,
  type EncodedParameter,
} from './canonical-request.ts'
import { encodeComponent } from './encode.ts'
import { credentialScope, stringToSign, type CredentialScope } from './string-to-sign.ts'

/** The names of the signature's own parameters: whole constants, since joining them for every URL is a tenth of its cost. */
export interface ParameterNames {
  algorithm: string
  credential: string
  date: string
  expires: string
  securityToken: string
  signedHeaders: string
}

export interface QueryPresigning {
  algorithm: string
  names: ParameterNames
  method: HttpMethod
  origin: string
  /** As the canonical request shows it. */
  host: string
  /** Encoded, with its leading slash. */
  path: string
  /** The request's own parameters, in any order. */
  parameters: EncodedParameter[]
  headers: Readonly<Record<string, string>> | undefined
  payloadHash: string
  accessKeyId: string
  scope: CredentialScope
  timestamp: string
  expiresInSeconds: number
  sessionToken?: string | undefined
  /** The caller's object, by which the signature's parameters are remembered. */
  credential: object
}

/** All of a pre-signed URL but its signature. */
export interface PresigningDraft {
  method: HttpMethod
  /** The signature's own parameters, as they stand in the query. */
  authentication: string
  urlWithoutSignature: string
  headers: Record<string, string>
  canonicalRequest: string
  /** Of it, what stands behind the query. */
  canonicalEnd: string
  stringToSign: string
}

/** AWS: "Authenticating requests: using query parameters"; Google: "V4 signing process with your own program". */
export function draftPresigned(request: QueryPresigning): PresigningDraft {
  const { method, path, headers } = request
  const canonicalForm = headers === undefined ? hostOnly(request.host) : withHost(request.host, headers)
  const authentication = authenticationOf(request, canonicalForm.signedHeaders)
  const query = joinQuery(request.parameters, request.names, authentication)
  const end = canonicalEnd(canonicalForm, request.payloadHash)
  const canonical = `${method}\n${path}\n${query}\n${end}`
  return {
    method,
    authentication,
    urlWithoutSignature: `${request.origin}${path}?${query}`,
    headers: headersToSend(headers),
    canonicalRequest: canonical,
    canonicalEnd: end,
    stringToSign: stringToSign(
      request.algorithm,
      request.timestamp,
      credentialScope(request.scope),
      canonical,
    ),
  }
}

/**
 * The canonical query. The signature's own parameters stand together in it: whatever sorts between them begins with
 * `X-Amz-` or `X-Goog-`, and is refused. So only the request's parameters need sorting (in place), and these are few.
 */
export function joinQuery(own: EncodedParameter[], names: ParameterNames, authentication: string): string {
  let before = ''
  let after = ''
  let last: string | undefined
  for (const { name, value } of sortParameters(own)) {
    // Stores disagree on which of two equal names counts.
    if (name === last) throw new SigningInputError(queryField(name), 'is already set by the operation')
    last = name
    if (name > names.signedHeaders) after += `&${name}=${value}`
    else if (name < names.algorithm) before += `${name}=${value}&`
    else throw new SigningInputError(queryField(name), 'is reserved for the signature')
  }
  return `${before}${authentication}${after}`
}

interface Authentication {
  request: QueryPresigning
  signedHeaders: string
  text: string
}

/**
 * The signature's own parameters as they were last written for each credential object: within a second nearly all URLs
 * have the same. As with the signing keys, that cannot be observed, and goes when the caller drops the object.
 */
const latestAuthentications = new WeakMap<object, Authentication>()

function authenticationOf(request: QueryPresigning, signedHeaders: string): string {
  const latest = latestAuthentications.get(request.credential)
  if (latest !== undefined && latest.signedHeaders === signedHeaders && isSameSource(latest.request, request))
    return latest.text
  // Through bytes: what was joined is else written out anew in each text that it is joined to.
  const text = Buffer.from(writtenAuthentication(request, signedHeaders)).toString('latin1')
  latestAuthentications.set(request.credential, { request, signedHeaders, text })
  return text
}

function isSameSource(left: QueryPresigning, right: QueryPresigning): boolean {
  return (
    left.timestamp === right.timestamp &&
    left.expiresInSeconds === right.expiresInSeconds &&
    left.algorithm === right.algorithm &&
    left.accessKeyId === right.accessKeyId &&
    left.sessionToken === right.sessionToken &&
    left.scope.day === right.scope.day &&
    left.scope.region === right.scope.region &&
    left.scope.service === right.scope.service &&
    left.scope.terminator === right.scope.terminator
  )
}

function writtenAuthentication(request: QueryPresigning, signedHeaders: string): string {
  const { names, sessionToken } = request
  const token = sessionToken === undefined ? '' : `&${names.securityToken}=${encodeComponent(sessionToken)}`
  return (
    `${names.algorithm}=${request.algorithm}` +
    `&${names.credential}=${credentialValue(request.accessKeyId, request.scope)}` +
    `&${names.date}=${request.timestamp}` +
    `&${names.expires}=${request.expiresInSeconds}` +
    `${token}&${names.signedHeaders}=${encodeComponent(signedHeaders)}`
  )
}

/** `<id>/<scope>`, encoded; the scope's parts are unreserved characters only. */
function credentialValue(accessKeyId: string, { day, region, service, terminator }: CredentialScope): string {
  return `${encodeComponent(accessKeyId)}%2F${day}%2F${region}%2F${service}%2F${terminator}`
}

function queryField(name: string): string {
  return `query[${JSON.stringify(name)}]`
}

export function hostOnly(host: string): CanonicalHeaders {
  return { text: `host:${host}\n`, signedHeaders: 'host' }
}

function withHost(host: string, headers: Readonly<Record<string, string>>): CanonicalHeaders {
  return canonicalHeaders([['host', host], ...Object.entries(headers)])
}

/** Trimmed, as every HTTP client would; blanks inside stay, the store makes them one before it verifies. */
function headersToSend(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const sent: Record<string, string> = {}
  if (headers !== undefined)
    for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value.trim()
  return sent
}
