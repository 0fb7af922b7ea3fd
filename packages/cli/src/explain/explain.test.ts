import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideLines } from './beside.ts'
import { differences } from './differences.ts'
import { explainUrl } from './explain-url.ts'
import { storeAnswer, type StoreAnswer } from './store-answer.ts'

const url =
  'https://b.s3.eu-central-1.amazonaws.com/k%20x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE%2F20260101%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=content-type%3Bhost&X-Amz-Signature=00'
const signed = explainUrl(url, 'PUT', { 'content-type': 'text/plain' })

function seen(change: (canonicalRequest: string) => string, text = signed.stringToSign): StoreAnswer {
  const canonicalRequest = change(signed.canonicalRequest ?? '')
  return { code: 'SignatureDoesNotMatch', message: null, canonicalRequest, stringToSign: text }
}

test('times stand in the URL', () => {
  assert.equal(signed.signedAt, '2026-01-01T00:00:00Z')
  assert.equal(signed.expiresAt, '2026-01-01T00:15:00Z')
})

const cases: [string, (text: string) => string, RegExp][] = [
  [
    'another header',
    (text) => text.replace('text/plain', 'text/html'),
    /^the store saw content-type: text\/html, the URL was signed for text\/plain$/,
  ],
  [
    'a missing header',
    (text) => text.replace('content-type:text/plain', 'content-type:'),
    /^the store saw no content-type, .*: send that header$/,
  ],
  [
    'another method',
    (text) => text.replace(/^PUT/, 'POST'),
    /^the store saw the method POST, the URL was signed for PUT/,
  ],
  [
    'another path',
    (text) => text.replace('/k%20x', '/k+x'),
    /^the store saw the path \/k\+x, the URL was signed for \/k%20x/,
  ],
  [
    'an added parameter',
    (text) => text.replace('X-Amz-Date', 'utm=1&X-Amz-Date'),
    /^the store saw the parameter utm, .*added on the way$/,
  ],
  [
    'a changed parameter',
    (text) => text.replace('Expires=900', 'Expires=901'),
    /^the store saw the parameter X-Amz-Expires=901/,
  ],
  [
    'a lost parameter',
    (text) => text.replace('&X-Amz-Expires=900', ''),
    /^the store did not see the parameter X-Amz-Expires/,
  ],
  ['another host', (text) => text.replace('host:b.s3', 'host:proxy'), /^the store saw host: proxy/],
  [
    'a payload hash',
    (text) => text.replace('UNSIGNED-PAYLOAD', 'e3b0'),
    /^the store saw the payload hash e3b0/,
  ],
  ['nothing', (text) => text, /^both sides signed the same text, so the keys differ/],
]
for (const [name, change, expected] of cases)
  test(`the first difference is said in words: ${name}`, () => {
    assert.match(differences(signed, seen(change))[0] ?? '', expected)
  })

test('with the same request, the strings to sign are compared', () => {
  const text = signed.stringToSign.replace('20260101/eu-central-1', '20260101/us-east-1')
  assert.match(
    differences(
      signed,
      seen((same) => same, text),
    )[0] ?? '',
    /^the store has as credential scope/,
  )
})

test('a header whose value was not given is asked for', () => {
  const [first] = differences(
    explainUrl(url, 'PUT', {}),
    seen((text) => text),
  )
  assert.match(
    first ?? '',
    /^the URL signs content-type, and the store saw content-type: text\/plain: compare/,
  )
})

test('an answer that is no signature error is said as it is', () => {
  const expired = storeAnswer(
    '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
  )
  assert.match(differences(signed, expired)[0] ?? '', /answered AccessDenied: Request has expired/)
  assert.match(differences(signed, storeAnswer('hello'))[0] ?? '', /no error document/)
})

test('entities of the document are read', () => {
  const { canonicalRequest } = storeAnswer(
    'x<CanonicalRequest>GET\r\n/a&amp;b&#10;&#x2F;&lt;</CanonicalRequest>',
  )
  assert.equal(canonicalRequest, 'GET\n/a&b\n/<')
})

test("Azure's string to sign is compared line by line", () => {
  const sas = explainUrl(
    'https://acct.blob.core.windows.net/c/b?sv=2020-12-06&sr=b&sp=r&se=2026-01-01T00%3A00%3A00Z&sig=AA%3D%3D',
    'GET',
    {},
  )
  const detail = sas.stringToSign.replace(/^r\n/, 'rw\n')
  const answer = storeAnswer(
    `<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature did not match. String to sign used was ${detail}</AuthenticationErrorDetail></Error>`,
  )
  assert.match(differences(sas, answer)[0] ?? '', /^the store has as line 1 of the string to sign "rw"/)
})

test('common lines stand once, the others with whose they are', () => {
  assert.deepEqual(besideLines('a\nb\nd', 'a\nc\nd'), [
    '           a',
    '  the URL  b',
    '  store    c',
    '           d',
  ])
})

test('what is no signed URL is refused', () => {
  for (const wrong of ['x', 'https://b.example/k', 'https://b.example/k?X-Amz-Date=1'])
    assert.throws(() => explainUrl(wrong, 'GET', {}), { name: 'SigningInputError' })
})
