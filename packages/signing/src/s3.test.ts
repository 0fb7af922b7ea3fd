import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { SigningInputError } from './errors.ts'
import { explainS3Url } from './explain.ts'
import { presignS3 } from './s3.ts'
import { canonicalHeaders, canonicalRequest } from './sigv4/canonical-request.ts'
import { encodePath } from './sigv4/encode.ts'
import { signatureOf, signingKey } from './sigv4/signing-key.ts'
import { credentialScope, stringToSign } from './sigv4/string-to-sign.ts'
import { awkwardKey, seed, username } from './testing/awkward.ts'
import { queryOf } from './testing/in-url.ts'
import type { HttpMethod, PresignS3Request } from './types.ts'

/** Amazon's documentation, see vectors/NOTICE. */
interface DocumentedExample {
  name: string
  auth: 'query' | 'header'
  method: HttpMethod
  accessKeyId: string
  secretAccessKey: string
  region: string
  host: string
  date: string
  canonicalRequest: string
  stringToSign: string
  documentedSignature: string
  key?: string
  expires?: number
  url?: string
  rawPath?: string
  cq?: string
  headers?: Record<string, string>
  payloadHash?: string
}

const examples = JSON.parse(
  readFileSync(new URL('./vectors/aws/s3-documented-examples.json', import.meta.url), 'utf8'),
) as DocumentedExample[]

const example: PresignS3Request = {
  operation: { type: 'get', key: 'test.txt' },
  address: { origin: 'https://examplebucket.s3.amazonaws.com', pathPrefix: '' },
  region: 'us-east-1',
  credential: {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  },
  signedAt: Date.UTC(2013, 4, 24),
  expiresInSeconds: 86_400,
}

suite("Amazon's documented examples", () => {
  test('there are five, one of them a pre-signed URL', () => {
    assert.deepEqual(
      examples.map(({ auth }) => auth),
      ['query', 'header', 'header', 'header', 'header'],
    )
  })

  test('the pre-signed URL is the same, byte for byte', () => {
    const documented = examples[0]!
    const presigned = presignS3(example)
    assert.equal(presigned.canonicalRequest, documented.canonicalRequest)
    assert.equal(presigned.stringToSign, documented.stringToSign)
    assert.equal(presigned.signature, documented.documentedSignature)
    assert.equal(presigned.url, documented.url)
    assert.deepEqual(presigned.headers, {})
  })

  for (const documented of examples.slice(1)) {
    test(`${documented.name}: the stages give the documented signature`, () => {
      const {
        method,
        host,
        date,
        region,
        secretAccessKey,
        rawPath = '',
        cq = '',
        headers = {},
        payloadHash = '',
      } = documented
      const scope = { day: date.slice(0, 8), region, service: 's3', terminator: 'aws4_request' }
      const canonical = canonicalRequest({
        method,
        path: encodePath(rawPath),
        query: cq,
        headers: canonicalHeaders(
          Object.entries({ host, ...headers, 'x-amz-content-sha256': payloadHash, 'x-amz-date': date }),
        ),
        payloadHash,
      })
      assert.equal(canonical, documented.canonicalRequest)
      const toSign = stringToSign('AWS4-HMAC-SHA256', date, credentialScope(scope), canonical)
      assert.equal(toSign, documented.stringToSign)
      assert.equal(
        signatureOf(signingKey('AWS4', secretAccessKey, scope), toSign),
        documented.documentedSignature,
      )
    })
  }
})

suite('presignS3', () => {
  test('keeps a non-default port in the signed host and leaves a default one out', () => {
    const hostOf = (origin: string) =>
      /\nhost:(.*)\n/.exec(
        presignS3({ ...example, address: { origin, pathPrefix: '/b' } }).canonicalRequest,
      )![1]
    assert.equal(hostOf('http://127.0.0.1:7480'), '127.0.0.1:7480')
    assert.equal(hostOf('http://127.0.0.1:443'), '127.0.0.1:443')
    assert.equal(hostOf('https://store.example:443'), 'store.example')
    assert.equal(hostOf('http://store.example:80'), 'store.example')
    assert.equal(hostOf('http://[::1]:9000'), '[::1]:9000')
  })

  test('does not mutate, and gives the same URL for the same request, whatever was signed in between', () => {
    const request = structuredClone(example)
    const first = presignS3(request).url
    const { credential } = request
    presignS3({ ...request, signedAt: request.signedAt + 86_400_000 })
    presignS3({ ...request, region: 'eu-central-1' })
    presignS3({ ...request, service: 's3-object-lambda' })
    credential.secretAccessKey = 'another'
    assert.notEqual(presignS3(request).url, first)
    credential.secretAccessKey = example.credential.secretAccessKey
    assert.equal(presignS3(request).url, first)
    assert.deepEqual(request, example)
  })

  test('signs the session token', () => {
    const credential = { ...example.credential, sessionToken: 'a+/b==' }
    assert.match(
      presignS3({ ...example, credential }).canonicalRequest,
      /&X-Amz-Security-Token=a%2B%2Fb%3D%3D&X-Amz-SignedHeaders=host\n/,
    )
  })

  test('gives back the signed headers as they have to be sent, in lower case and trimmed', () => {
    const headers = { 'If-None-Match': '*', 'Content-Type': '  text/plain;  charset=utf-8 ' }
    const presigned = presignS3({ ...example, operation: { type: 'put', key: 'k' }, headers })
    assert.deepEqual(presigned.headers, {
      'if-none-match': '*',
      'content-type': 'text/plain;  charset=utf-8',
    })
    assert.match(
      presigned.canonicalRequest,
      /\ncontent-type:text\/plain; charset=utf-8\nhost:.*\nif-none-match:\*\n/,
    )
  })

  test('every username comes back out of the URL as it went in', () => {
    fc.assert(
      fc.property(username, awkwardKey, (user, key) => {
        const { url } = presignS3({ ...example, operation: { type: 'get', key }, query: { 'X-User': user } })
        assert.equal(queryOf(url).get('X-User'), user)
        assert.equal(decodeURIComponent(new URL(url).pathname), `/${key}`)
      }),
      { numRuns: 1000, seed },
    )
  })

  test('any change to a signed byte of the URL changes the signature it needs', () => {
    const { url, stringToSign: signed } = presignS3({
      ...example,
      query: { 'X-User': 'alice', 'X-Grant': '01JD' },
    })
    const unsignedFrom = url.indexOf('&X-Amz-Signature=')
    const start = 'https://examplebucket.s3.amazonaws.com/'.length
    // Names that the signature is found by; without them the URL is not a signed one.
    const structure = /[?&=]|X-Amz-[A-Za-z-]+|%2F/g
    const skipped = new Set<number>()
    for (const { index, 0: text } of url.matchAll(structure)) {
      for (let at = index; at < index + text.length; at++) skipped.add(at)
    }
    let changed = 0
    for (let at = start; at < unsignedFrom; at++) {
      if (skipped.has(at)) continue
      const other = `${url.slice(0, at)}${url[at] === 'q' ? 'r' : 'q'}${url.slice(at + 1)}`
      // A changed list of signed headers asks for a header that nobody sends.
      if (!other.includes('SignedHeaders=host')) continue
      assert.notEqual(explainS3Url(other, 'GET').stringToSign, signed, `position ${at}`)
      changed++
    }
    assert.ok(changed > 100)
    assert.notEqual(explainS3Url(url, 'PUT').stringToSign, signed)
    assert.notEqual(explainS3Url(url.replace('examplebucket', 'otherbucket'), 'GET').stringToSign, signed)
    assert.notEqual(explainS3Url(url.replace('&X-User=alice', ''), 'GET').stringToSign, signed)
    assert.notEqual(explainS3Url(`${url}&extra=1`, 'GET').stringToSign, signed)
  })
})

suite('presignS3 refuses, naming the field', () => {
  const refused: [why: string, field: string, change: Partial<PresignS3Request>][] = [
    ['a lifetime of 0', 'expiresInSeconds', { expiresInSeconds: 0 }],
    ['more than seven days', 'expiresInSeconds', { expiresInSeconds: 604_801 }],
    ['a fraction of a second', 'expiresInSeconds', { expiresInSeconds: 1.5 }],
    ['a time that is none', 'signedAt', { signedAt: Number.NaN }],
    ['an empty key', 'operation.key', { operation: { type: 'get', key: '' } }],
    ['a ".." segment', 'operation.key', { operation: { type: 'get', key: 'a/../b' } }],
    ['a "." segment at the end', 'operation.key', { operation: { type: 'put', key: 'a/.' } }],
    ['a lone surrogate in the key', 'operation.key', { operation: { type: 'get', key: 'a\ud800' } }],
    [
      'a lone surrogate in an upload id',
      'operation (uploadId)',
      { operation: { type: 'abortUpload', key: 'a', uploadId: '\udc00' } },
    ],
    ['a line break in a header', 'headers["x-amz-meta-a"]', { headers: { 'x-amz-meta-a': 'b\r\nc' } }],
    ['a header value outside ASCII', 'headers["x-amz-meta-a"]', { headers: { 'x-amz-meta-a': 'ü' } }],
    ['a header name that is none', 'headers["a b"]', { headers: { 'a b': 'c' } }],
    [
      'a header twice',
      'headers["content-type"]',
      { headers: { 'Content-Type': 'a/b', 'content-type': 'c/d' } },
    ],
    ['a host header', 'headers["Host"]', { headers: { Host: 'elsewhere' } }],
    ['a parameter of the signature', 'query["X-Amz-Expires"]', { query: { 'X-Amz-Expires': '1' } }],
    ['a parameter of the signature in lower case', 'query["x-amz-date"]', { query: { 'x-amz-date': '1' } }],
    [
      'a parameter that the operation sets',
      'query["versionId"]',
      { operation: { type: 'get', key: 'a', versionId: '1' }, query: { versionId: '2' } },
    ],
    ['an origin with a path', 'address.origin', { address: { origin: 'https://host/path', pathPrefix: '' } }],
    [
      'an origin with user information',
      'address.origin',
      { address: { origin: 'https://user@host', pathPrefix: '' } },
    ],
    [
      'a prefix with a slash at its end',
      'address.pathPrefix',
      { address: { origin: 'https://host', pathPrefix: '/b/' } },
    ],
    [
      'a prefix that leads upwards',
      'address.pathPrefix',
      { address: { origin: 'https://host', pathPrefix: '/..' } },
    ],
    ['a region that would break the scope', 'region', { region: 'eu/s3' }],
    [
      'an empty secret',
      'credential.secretAccessKey',
      { credential: { accessKeyId: 'A', secretAccessKey: '' } },
    ],
  ]
  for (const [why, field, change] of refused) {
    test(why, () => {
      assert.throws(
        () => presignS3({ ...example, ...change }),
        (error) => error instanceof SigningInputError && error.field === field,
      )
    })
  }
})
