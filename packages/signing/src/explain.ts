/** From a signed URL back to what was signed, without any secret: for `signpost explain`, and for whoever debugs a 403. */

import {
  canonicalizedResource,
  serviceStringToSign,
  userDelegationStringToSign,
  type SasFields,
} from './azure-sas.ts'
import { SigningInputError } from './errors.ts'
import {
  canonicalHeaders,
  canonicalQuery,
  canonicalRequest,
  payloadHashOf,
  sortParameters,
  type EncodedParameter,
} from './sigv4/canonical-request.ts'
import { encodeComponent } from './sigv4/encode.ts'
import { stringToSign } from './sigv4/string-to-sign.ts'

export interface ExplainedS3Url {
  canonicalRequest: string
  stringToSign: string
}

/**
 * Rebuilds the stages of a URL signed with SigV4 (S3) or V4 (Google Cloud Storage). `headers` are the ones that the
 * client sends; `host` is taken from the URL unless given.
 *
 * @throws SigningInputError naming the parameter that is missing.
 */
export function explainS3Url(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): ExplainedS3Url {
  const { host, hostname, path, query } = splitUrl(url)
  const parameters = query === '' ? [] : query.split('&').map(decodedParameter)
  const valueOf = (name: string) => parameters.find((parameter) => parameter.name === name)?.value
  const prefix = valueOf('X-Goog-Algorithm') === undefined ? 'X-Amz' : 'X-Goog'
  const required = (name: string) => {
    const value = valueOf(`${prefix}-${name}`)
    if (value === undefined)
      throw new SigningInputError('url', `has no ${prefix}-${name}: it is not a pre-signed URL`)
    return value
  }
  const sent = { host: prefix === 'X-Goog' ? hostname : host, ...lowerCaseNames(headers) }
  const canonical = canonicalRequest({
    method,
    path,
    query: canonicalQuery(
      sortParameters(parameters.filter(({ name }) => name !== `${prefix}-Signature`).map(encodedParameter)),
    ),
    headers: canonicalHeaders(signedOnly(required('SignedHeaders'), sent)),
    payloadHash: payloadHashOf(sent, prefix === 'X-Goog' ? 'x-goog-content-sha256' : 'x-amz-content-sha256'),
  })
  const scope = required('Credential').split('/').slice(-4).join('/')
  return {
    canonicalRequest: canonical,
    stringToSign: stringToSign(required('Algorithm'), required('Date'), scope, canonical),
  }
}

function signedOnly(signedHeaders: string, sent: Readonly<Record<string, string>>): [string, string][] {
  return signedHeaders.split(';').map((name) => {
    const value = sent[name]
    if (value === undefined)
      throw new SigningInputError(
        `headers[${JSON.stringify(name)}]`,
        'is signed: give the value that the client sends',
      )
    return [name, value]
  })
}

/**
 * Rebuilds the string to sign of a URL with a service or user delegation SAS (sv 2020-12-06 to 2025-11-05).
 *
 * @throws SigningInputError naming the parameter that is missing.
 */
export function explainAzureUrl(url: string): { stringToSign: string } {
  const { hostname, path, query } = splitUrl(url)
  const fields: Record<string, string> = {}
  for (const { name, value } of query.split('&').map(decodedParameter)) fields[name] = value
  const { sv, sr } = fields
  if (sv === undefined || sr === undefined)
    throw new SigningInputError('url', 'has no sv or sr: it is not a SAS URL of a blob or container')
  const known: SasFields = { ...fields, sv, sr }
  const time = sr === 'bs' ? fields['snapshot'] : sr === 'bv' ? fields['versionid'] : undefined
  const resource = resourceOf(hostname, path, sr)
  const explained = known.skoid === undefined ? serviceStringToSign : userDelegationStringToSign
  return { stringToSign: explained(known, resource, time) }
}

/** Azurite and other endpoints without a host name for each account carry the account as the first segment. */
function resourceOf(hostname: string, path: string, sr: string): string {
  const segments = path.slice(1).split('/').map(decodeURIComponent)
  const isPathStyle = hostname === 'localhost' || /^[\d.]+$|^\[/.test(hostname)
  const account = isPathStyle ? segments.shift() : hostname.split('.')[0]
  const [container, ...blob] = segments
  if (account === undefined || container === undefined)
    throw new SigningInputError('url', 'has no container in its path')
  return canonicalizedResource(account, container, sr === 'c' ? undefined : blob.join('/'))
}

/** By hand, because URL parsers normalise, and the signature is over the text as it stands. */
function splitUrl(url: string): { host: string; hostname: string; path: string; query: string } {
  const match = /^(https?):\/\/([^/?#]+)([^?#]*)(?:\?([^#]*))?/.exec(url)
  if (match === null) throw new SigningInputError('url', 'must be an absolute http(s) URL')
  const defaultPort = match[1] === 'https' ? ':443' : ':80'
  const authority = match[2]!.toLowerCase()
  const host = authority.endsWith(defaultPort) ? authority.slice(0, -defaultPort.length) : authority
  return {
    host,
    hostname: host.replace(/:\d+$/, ''),
    path: match[3] === '' ? '/' : match[3]!,
    query: match[4] ?? '',
  }
}

function decodedParameter(text: string): EncodedParameter {
  const equals = text.indexOf('=')
  const [name, value] = equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
  return { name: decodeURIComponent(name), value: decodeURIComponent(value) }
}

function encodedParameter({ name, value }: EncodedParameter): EncodedParameter {
  return { name: encodeComponent(name), value: encodeComponent(value) }
}

function lowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
