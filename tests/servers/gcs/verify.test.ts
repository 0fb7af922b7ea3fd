import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { GcsRefusal } from './refusal.ts'
import { verifyGoog4 } from './verify.ts'
import type { SigningIdentities, WireRequest } from './verify.ts'

// Google's published conformance vectors; their NOTICE lies beside them.
const vectors = join(import.meta.dirname, '../../../packages/signing/src/vectors/gcs')
const { signingV4Tests } = readJson('v4_signatures.json') as { signingV4Tests: Vector[] }
const account = readJson('test_service_account.not-a-test.json') as {
  client_email: string
  private_key: string
}

interface Vector {
  description: string
  method: string
  timestamp: string
  expectedUrl: string
  headers?: Record<string, string>
}

const identities: SigningIdentities = {
  publicKeysOf: (email) => (email === account.client_email ? [createPublicKey(account.private_key)] : []),
  secretOf: () => undefined,
}

describe('verifyGoog4, judged by Google’s vectors', () => {
  test('there are 29 of them', () => assert.equal(signingV4Tests.length, 29))

  for (const [index, vector] of signingV4Tests.entries()) {
    const name = `${index + 1}, ${vector.description}`
    const request = requestOf(vector)
    const nowMs = Date.parse(vector.timestamp)

    test(`takes vector ${name}`, () => {
      assert.equal(verifyGoog4(request, identities, nowMs).identity, account.client_email)
    })

    test(`refuses vector ${name} with anything changed`, () => {
      const changed: Record<string, WireRequest> = {
        method: { ...request, method: request.method === 'GET' ? 'PUT' : 'GET' },
        object: { ...request, target: request.target.replace('?', '2?') },
        'added parameter': { ...request, target: `${request.target}&X-User=bob` },
        lifetime: { ...request, target: request.target.replace('X-Goog-Expires=', 'X-Goog-Expires=1') },
        'signed host': {
          ...request,
          headers: [...request.headers.filter(([header]) => header !== 'host'), ['host', 'example.com']],
        },
        signature: {
          ...request,
          target: request.target.replace(/X-Goog-Signature=../, 'X-Goog-Signature=00'),
        },
      }
      for (const [what, other] of Object.entries(changed))
        refuses(other, 'SignatureDoesNotMatch', what, nowMs)
      for (const [header] of request.headers.filter(([header]) => header !== 'host')) {
        const headers = request.headers.map(
          ([other, value]) => [other, other === header ? `${value}x` : value] as const,
        )
        refuses({ ...request, headers }, 'SignatureDoesNotMatch', header, nowMs)
      }
    })
  }
})

describe('verifyGoog4', () => {
  const request = requestOf(signingV4Tests[0]!)
  const signedAtMs = Date.parse(signingV4Tests[0]!.timestamp)

  test('takes a URL until its last second and no longer', () => {
    verifyGoog4(request, identities, signedAtMs + 9_999)
    refuses(request, 'ExpiredToken', 'at its end', signedAtMs + 10_000)
  })

  test('takes a clock that is up to 15 minutes behind and no more', () => {
    verifyGoog4(request, identities, signedAtMs - 15 * 60_000)
    refuses(request, 'RequestTimeTooSkewed', 'later', signedAtMs - 15 * 60_000 - 1)
  })

  test('tells a wrong signature from an expired one, whatever the time', () => {
    const tampered = { ...request, method: 'PUT' }
    refuses(tampered, 'SignatureDoesNotMatch', 'expired too', signedAtMs + 1e9)
  })

  test('refuses a parameter that comes twice, before or after, in any case or encoding', () => {
    const { target } = requestOf(signingV4Tests[0]!)
    for (const twice of ['X-Goog-Expires=99', 'x-goog-expires=99', 'X-Goog%2DExpires=99']) {
      refuses({ ...request, target: `${target}&${twice}` }, 'InvalidArgument', twice, signedAtMs)
      refuses({ ...request, target: target.replace('?', `?${twice}&`) }, 'InvalidArgument', twice, signedAtMs)
    }
  })

  test('refuses x-goog-* and x-amz-* headers that were not signed, and signed ones that are missing', () => {
    for (const name of ['x-goog-copy-source', 'X-Goog-Acl', 'x-amz-copy-source']) {
      const headers = [...request.headers, [name, 'other/key'] as const]
      refuses({ ...request, headers }, 'MalformedSecurityHeader', name, signedAtMs)
    }
    verifyGoog4({ ...request, headers: [...request.headers, ['accept', '*/*']] }, identities, signedAtMs)
    const resumable = requestOf(signingV4Tests[2]!)
    const headers = resumable.headers.filter(([name]) => name.toLowerCase() !== 'x-goog-resumable')
    refuses({ ...resumable, headers }, 'MalformedSecurityHeader', 'missing', signedAtMs)
  })

  test('refuses a lifetime above seven days, another scope, and an account that it does not know', () => {
    const edit = (from: string, to: string) => ({ ...request, target: request.target.replace(from, to) })
    refuses(edit('X-Goog-Expires=10', 'X-Goog-Expires=604801'), 'MalformedSecurityHeader', 'long', signedAtMs)
    refuses(edit('X-Goog-Expires=10', 'X-Goog-Expires=0'), 'MalformedSecurityHeader', 'zero', signedAtMs)
    refuses(edit('%2Fauto%2F', '%2Fus-east1%2F'), 'MalformedSecurityHeader', 'region', signedAtMs)
    refuses(edit('20190201%2Fauto', '20190202%2Fauto'), 'MalformedSecurityHeader', 'day', signedAtMs)
    refuses(edit('test-iam-credentials', 'someone-else'), 'InvalidSecurity', 'account', signedAtMs)
    refuses(edit('GOOG4-RSA-SHA256', 'GOOG4-HMAC-SHA256'), 'InvalidSecurity', 'algorithm', signedAtMs)
  })

  test('checks GOOG4-HMAC-SHA256 by the key chain of the documentation', () => {
    const secret = 'not-a-real-secret'
    const hmac: SigningIdentities = {
      publicKeysOf: () => [],
      secretOf: (id) => (id === 'GOOGTEST' ? secret : undefined),
    }
    const query = [
      'X-Goog-Algorithm=GOOG4-HMAC-SHA256',
      'X-Goog-Credential=GOOGTEST%2F20190201%2Fauto%2Fstorage%2Fgoog4_request',
      'X-Goog-Date=20190201T090000Z',
      'X-Goog-Expires=10',
      'X-Goog-SignedHeaders=host',
      'X-User=alice',
    ].join('&')
    const canonical = `GET\n/b/o\n${query}\nhost:127.0.0.1\n\nhost\nUNSIGNED-PAYLOAD`
    const digest = createHash('sha256').update(canonical).digest('hex')
    const stringToSign = `GOOG4-HMAC-SHA256\n20190201T090000Z\n20190201/auto/storage/goog4_request\n${digest}`
    const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const key = mac(mac(mac(mac(`GOOG4${secret}`, '20190201'), 'auto'), 'storage'), 'goog4_request')
    const target = `/b/o?${query}&X-Goog-Signature=${mac(key, stringToSign).toString('hex')}`
    const wire: WireRequest = { method: 'GET', target, headers: [['Host', '127.0.0.1:8080']] }
    assert.equal(verifyGoog4(wire, hmac, signedAtMs).identity, 'GOOGTEST')
    const changed = { ...wire, target: target.replace('X-User=alice', 'X-User=bob') }
    assert.throws(() => verifyGoog4(changed, hmac, signedAtMs), { code: 'SignatureDoesNotMatch' })
  })
})

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(vectors, name), 'utf8'))
}

function requestOf(vector: Vector): WireRequest {
  const url = new URL(vector.expectedUrl)
  // The text of the URL, not URL's own rendering of it.
  const target = vector.expectedUrl.slice(vector.expectedUrl.indexOf('/', 'https://'.length))
  return {
    method: vector.method,
    target,
    headers: [['host', url.host], ...Object.entries(vector.headers ?? {})],
  }
}

function refuses(request: WireRequest, code: string, what: string, nowMs: number): void {
  assert.throws(
    () => verifyGoog4(request, identities, nowMs),
    (error) => error instanceof GcsRefusal && (assert.equal(error.code, code, what), true),
    what,
  )
}
