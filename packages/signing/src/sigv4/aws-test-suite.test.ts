import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { canonicalHeaders, canonicalQuery, canonicalRequest, sortParameters } from './canonical-request.ts'
import { encodeComponent, encodePath } from './encode.ts'
import { signatureOf, signingKey } from './signing-key.ts'
import { basicTimestamp } from '../timestamps.ts'
import { credentialScope, stringToSign } from './string-to-sign.ts'

/** AWS's own suite, its `query-*` (pre-signed) form, stage by stage. See vectors/NOTICE. */
interface SuiteCase {
  'context.json': {
    credentials: { access_key_id: string; secret_access_key: string; token?: string }
    expiration_in_seconds: number
    normalize: boolean
    omit_session_token?: boolean
    region: string
    service: string
    timestamp: string
  }
  'request.txt': string
  'query-canonical-request.txt': string
  'query-string-to-sign.txt': string
  'query-signature.txt': string
}

interface ParsedRequest {
  method: string
  path: string
  query: [string, string][]
  headers: [string, string][]
  body: string
}

const cases = JSON.parse(
  readFileSync(new URL('../vectors/aws/sigv4-test-suite.json', import.meta.url), 'utf8'),
) as Record<string, SuiteCase>

suite('AWS test suite for Signature Version 4', () => {
  let applied = 0
  for (const [name, vector] of Object.entries(cases)) {
    const request = parsed(vector['request.txt'])
    if (vector['context.json'].normalize && isChangedByNormalisation(request.path)) continue
    applied++
    test(`${name} gives AWS's canonical request, string to sign and signature`, () => {
      const stages = stagesOf(vector, request)
      assert.equal(stages.canonicalRequest, vector['query-canonical-request.txt'])
      assert.equal(stages.stringToSign, vector['query-string-to-sign.txt'])
      assert.equal(stages.signature, vector['query-signature.txt'])
    })
  }

  test('all cases apply but those that S3 does not know: paths that other services normalise', () => {
    assert.equal(Object.keys(cases).length, 38)
    assert.equal(applied, 32)
  })
})

/** S3 signs `//`, `.` and `..` as they are; the suite has an `-unnormalized` twin for each of these cases. */
function isChangedByNormalisation(path: string): boolean {
  return path.includes('//') || path.split('/').some((segment) => segment === '.' || segment === '..')
}

function stagesOf(vector: SuiteCase, request: ParsedRequest) {
  const context = vector['context.json']
  const { access_key_id: accessKeyId, secret_access_key: secret, token } = context.credentials
  const timestamp = basicTimestamp(Date.parse(context.timestamp))
  const scope = {
    day: timestamp.slice(0, 8),
    region: context.region,
    service: context.service,
    terminator: 'aws4_request',
  }
  const headers = canonicalHeaders(request.headers)
  const parameters: [string, string][] = [
    ...request.query,
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${accessKeyId}/${credentialScope(scope)}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', String(context.expiration_in_seconds)],
    ['X-Amz-SignedHeaders', headers.signedHeaders],
  ]
  // "omit": services that want the token outside the signature. S3 wants it inside.
  if (token !== undefined && context.omit_session_token !== true)
    parameters.push(['X-Amz-Security-Token', token])
  const encoded = parameters.map(([name, value]) => ({
    name: encodeComponent(name),
    value: encodeComponent(value),
  }))
  const canonical = canonicalRequest({
    method: request.method,
    path: encodePath(request.path),
    query: canonicalQuery(sortParameters(encoded)),
    headers,
    payloadHash: createHash('sha256').update(request.body).digest('hex'),
  })
  const toSign = stringToSign('AWS4-HMAC-SHA256', timestamp, credentialScope(scope), canonical)
  return {
    canonicalRequest: canonical,
    stringToSign: toSign,
    signature: signatureOf(signingKey('AWS4', secret, scope), toSign),
  }
}

function parsed(text: string): ParsedRequest {
  const [head = '', body = ''] = text.split('\n\n')
  const unfolded = head.replace(/\n\s+/g, ' ')
  const [requestLine = '', ...headerLines] = unfolded.split('\n').filter((line) => line !== '')
  const method = requestLine.slice(0, requestLine.indexOf(' '))
  const target = requestLine.slice(method.length + 1, requestLine.lastIndexOf(' '))
  const [path = '', query = ''] = target.split('?')
  return {
    method,
    path,
    query: query === '' ? [] : query.split('&').map((pair) => split(decodeURIComponent(pair), '=')),
    headers: headerLines.map((line) => split(line, ':')),
    body,
  }
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
