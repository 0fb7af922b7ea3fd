import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { SigningInputError } from './errors.ts'
import { explainS3Url } from './explain.ts'
import { GCS_RSA_ALGORITHM, presignGcs, presignGcsRsa } from './gcs.ts'
import { payloadHashOf } from './sigv4/canonical-request.ts'
import { encodeComponent, encodePath } from './sigv4/encode.ts'
import { draftPresigned } from './sigv4/presign.ts'
import { signatureOf, signingKey } from './sigv4/signing-key.ts'
import { basicTimestamp } from './timestamps.ts'
import type { HttpMethod, PresignGcsHmacRequest } from './types.ts'

/** Google's conformance tests, see vectors/NOTICE. */
interface ConformanceCase {
  description: string
  bucket: string
  object?: string
  method: HttpMethod
  expiration: number
  timestamp: string
  headers?: Record<string, string>
  queryParameters?: Record<string, string>
  expectedUrl: string
  expectedCanonicalRequest: string
  expectedStringToSign: string
}

function vectorFile(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./vectors/gcs/${name}`, import.meta.url), 'utf8'))
}

const account = vectorFile('test_service_account.not-a-test.json') as {
  client_email: string
  private_key: string
}
const privateKey = createPrivateKey(account.private_key)
const { signingV4Tests: cases } = vectorFile('v4_signatures.json') as { signingV4Tests: ConformanceCase[] }

/** Its canonical request names path style; its string to sign, signature and URL are those of virtual-hosted style. */
const CASE_WITH_WRONG_TEXT = 'Universe domain with virtual hosted style'

/** It signs `X-Goog-Meta-Foo`, a name reserved here: shown through the stages instead, from the expected URL. */
const CASE_WITH_RESERVED_NAME = 'Query Parameter Ordering'

suite("Google's conformance tests for V4 signed URLs", () => {
  test('there are 29', () => assert.equal(cases.length, 29))

  for (const vector of cases) {
    test(`${vector.description}: same canonical request, string to sign and URL, byte for byte`, () => {
      const draft = vector.description === CASE_WITH_RESERVED_NAME ? explained(vector) : draftOf(vector)
      if (vector.description !== CASE_WITH_WRONG_TEXT)
        assert.equal(draft.canonicalRequest, vector.expectedCanonicalRequest)
      assert.equal(draft.stringToSign, vector.expectedStringToSign)
      const signature = sign('sha256', Buffer.from(draft.stringToSign), privateKey).toString('hex')
      assert.equal(`${draft.urlWithoutSignature}&X-Goog-Signature=${signature}`, vector.expectedUrl)
      assert.equal(
        explainS3Url(vector.expectedUrl, vector.method, vector.headers).stringToSign,
        vector.expectedStringToSign,
      )
    })
  }

  // The others hold what presignGcs refuses or does itself: a header name with slashes, X-Goog- parameters, a bare listing.
  const refused = [
    'Slashes in object name should not be URL encoded',
    'Query Parameter Ordering',
    'List Objects',
  ]
  for (const vector of cases.filter(({ description }) => !refused.includes(description))) {
    test(`${vector.description}: presignGcsRsa gives the same URL`, async () => {
      const presigned = await presignGcsRsa({
        operation: operationOf(vector),
        address: addressOf(vector),
        credential: { type: 'rsa', clientEmail: account.client_email, privateKey },
        signedAt: Date.parse(vector.timestamp),
        expiresInSeconds: vector.expiration,
        ...(vector.headers === undefined ? {} : { headers: vector.headers }),
        ...(vector.queryParameters === undefined ? {} : { query: vector.queryParameters }),
      })
      assert.equal(presigned.url, vector.expectedUrl)
    })
  }
})

/** The URL style is read off the expected URL: how a client library chooses it is not the signer's business. */
function addressOf({ bucket, expectedUrl }: ConformanceCase) {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/]+)([^?]*)/.exec(expectedUrl)!
  return { origin, pathPrefix: path.startsWith(`/${bucket}`) ? `/${bucket}` : '' }
}

function operationOf({ method, object = '' }: ConformanceCase): PresignGcsHmacRequest['operation'] {
  if (method === 'GET') return { type: 'get', key: object }
  return method === 'PUT' ? { type: 'put', key: object } : { type: 'startResumable', key: object }
}

function explained({ expectedUrl, method }: ConformanceCase) {
  const urlWithoutSignature = expectedUrl.slice(0, expectedUrl.indexOf('&X-Goog-Signature='))
  return { ...explainS3Url(expectedUrl, method), urlWithoutSignature }
}

function draftOf(vector: ConformanceCase) {
  const { origin, pathPrefix } = addressOf(vector)
  const timestamp = basicTimestamp(Date.parse(vector.timestamp))
  return draftPresigned({
    algorithm: GCS_RSA_ALGORITHM,
    names: {
      algorithm: 'X-Goog-Algorithm',
      credential: 'X-Goog-Credential',
      date: 'X-Goog-Date',
      expires: 'X-Goog-Expires',
      securityToken: 'X-Goog-Security-Token',
      signedHeaders: 'X-Goog-SignedHeaders',
    },
    method: vector.method,
    origin,
    host: new URL(origin).hostname,
    path: vector.object === undefined ? pathPrefix : `${pathPrefix}/${encodePath(vector.object)}`,
    parameters: Object.entries(vector.queryParameters ?? {}).map(([name, value]) => ({
      name: encodeComponent(name),
      value: encodeComponent(value),
    })),
    headers: vector.headers,
    payloadHash: payloadHashOf(vector.headers, 'x-goog-content-sha256'),
    credential: {},
    accessKeyId: account.client_email,
    scope: { day: timestamp.slice(0, 8), region: 'auto', service: 'storage', terminator: 'goog4_request' },
    timestamp,
    expiresInSeconds: vector.expiration,
  })
}

const hmacRequest: PresignGcsHmacRequest = {
  operation: { type: 'get', key: 'runs/1/model.bin' },
  address: { origin: 'https://storage.googleapis.com', pathPrefix: '/training-data' },
  credential: { type: 'hmac', accessId: 'GOOG1EXAMPLE', secret: 'secret' },
  signedAt: Date.UTC(2026, 10, 23),
  expiresInSeconds: 3600,
}

suite('presignGcs', () => {
  test('signs with a key derived from GOOG4 and the secret, in scope auto/storage', () => {
    const presigned = presignGcs(hmacRequest)
    const scope = { day: '20261123', region: 'auto', service: 'storage', terminator: 'goog4_request' }
    assert.equal(
      presigned.signature,
      signatureOf(signingKey('GOOG4', 'secret', scope), presigned.stringToSign),
    )
    assert.ok(
      presigned.url.includes(
        'X-Goog-Algorithm=GOOG4-HMAC-SHA256&X-Goog-Credential=GOOG1EXAMPLE%2F20261123%2Fauto%2Fstorage%2Fgoog4_request&',
      ),
    )
    assert.equal(explainS3Url(presigned.url, 'GET').canonicalRequest, presigned.canonicalRequest)
  })

  test('leaves the port of a custom endpoint out of the signed host, and in the URL', () => {
    const presigned = presignGcs({
      ...hmacRequest,
      address: { origin: 'http://127.0.0.1:4443', pathPrefix: '/b' },
    })
    assert.match(presigned.canonicalRequest, /\nhost:127\.0\.0\.1\n/)
    assert.ok(presigned.url.startsWith('http://127.0.0.1:4443/b/runs/'))
  })

  test('makes x-goog-resumable a header that the client must send', () => {
    const presigned = presignGcs({
      ...hmacRequest,
      operation: { type: 'startResumable', key: 'k' },
      headers: { 'Content-Type': 'text/plain' },
    })
    assert.equal(presigned.method, 'POST')
    assert.deepEqual(presigned.headers, { 'content-type': 'text/plain', 'x-goog-resumable': 'start' })
  })

  test('accepts custom audit parameters and refuses all other X-Goog- and X-Amz- names', () => {
    assert.ok(
      presignGcs({ ...hmacRequest, query: { 'x-goog-custom-audit-user': 'alice' } }).url.includes(
        '&x-goog-custom-audit-user=alice&',
      ),
    )
    for (const name of ['X-Goog-Signature', 'x-goog-date', 'X-Amz-Date', 'x-amz-acl']) {
      assert.throws(() => presignGcs({ ...hmacRequest, query: { [name]: 'x' } }), SigningInputError, name)
    }
  })

  test('asks the given signBlob for a signature when there is no key', async () => {
    const credential = {
      type: 'signBlob' as const,
      clientEmail: account.client_email,
      signBlob: (bytes: Uint8Array) => Promise.resolve(sign('sha256', bytes, privateKey)),
    }
    const presigned = await presignGcsRsa({ ...hmacRequest, credential })
    const isValid = verify(
      'sha256',
      Buffer.from(presigned.stringToSign),
      createPublicKey(privateKey),
      Buffer.from(presigned.signature, 'hex'),
    )
    assert.ok(isValid)
  })
})
