/** AWS's own worked examples, sent over the wire: the verifier agrees with the documentation, not only with SDKs. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { LocalStore } from './index.ts'
import type { TestStore } from './test-client.ts'
import { codeOf, openTestStore, sendRaw } from './test-client.ts'

const CREDENTIAL = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const SCOPE = '20130524/us-east-1/s3/aws4_request'
const VIRTUAL_HOST = 'examplebucket.s3.amazonaws.com'
const CHUNKS = [65536, 1024, 0]

suite('the examples of the AWS documentation', () => {
  let opened: TestStore
  let store: LocalStore
  before(async () => {
    const clock = () => Date.parse('2013-05-24T00:00:10Z')
    opened = await openTestStore({ credentials: [CREDENTIAL], clock })
    store = opened.store
    await store.createBucket('examplebucket')
  })
  after(() => opened.close())

  const authorization = (signedHeaders: string, signature: string) =>
    `AWS4-HMAC-SHA256 Credential=${CREDENTIAL.accessKeyId}/${SCOPE},SignedHeaders=${signedHeaders},Signature=${signature}`

  // The examples address examplebucket.s3.amazonaws.com, where a path names no bucket: the signature is what is
  // judged, so an answer about the bucket or key says that it was good.
  const PASSED = ['InvalidBucketName', 'NoSuchBucket']

  test('GET Object (header, with Range)', async () => {
    const headers = {
      host: VIRTUAL_HOST,
      range: 'bytes=0-9',
      'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'x-amz-date': '20130524T000000Z',
      authorization: authorization(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    }
    const answer = await sendRaw(store, 'GET', '/test.txt', { headers })
    assert.ok(PASSED.includes(codeOf(answer) ?? ''), answer.text)
    const other = await sendRaw(store, 'GET', '/test.txt', { headers: { ...headers, range: 'bytes=0-8' } })
    assert.equal(codeOf(other), 'SignatureDoesNotMatch')
  })

  test('presigned GET', async () => {
    const query =
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
    const headers = { host: VIRTUAL_HOST }
    const answer = await sendRaw(store, 'GET', `/test.txt?${query}`, { headers })
    assert.ok(PASSED.includes(codeOf(answer) ?? ''), answer.text)
    const other = await sendRaw(store, 'GET', `/test.txt?${query.replace('=86400', '=86401')}`, { headers })
    assert.equal(codeOf(other), 'SignatureDoesNotMatch')
  })

  const streamingHeaders = (signedHeaders: string, seed: string, more: Record<string, string>) => ({
    host: 's3.amazonaws.com',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '66560',
    authorization: authorization(signedHeaders, seed),
    ...more,
  })
  const streamingBody = (signatures: readonly string[], end: string) =>
    CHUNKS.map((size, at) => {
      const data = size === 0 ? '' : `${'a'.repeat(size)}\r\n`
      return `${size.toString(16)};chunk-signature=${signatures[at]}\r\n${data}`
    }).join('') + end

  test('PUT with signed chunks, which cannot be changed, dropped or moved', async () => {
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
    const signed =
      'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class'
    const headers = streamingHeaders(signed, seed, {
      'content-length': '66824',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    })
    const signatures = [
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ]
    const body = streamingBody(signatures, '\r\n')
    assert.equal(body.length, 66824)
    const path = '/examplebucket/chunkObject.txt'
    assert.equal((await sendRaw(store, 'PUT', path, { headers, body })).status, 200)
    const changed = body.replace('aaaa', 'aaab')
    assert.equal(
      codeOf(await sendRaw(store, 'PUT', path, { headers, body: changed })),
      'SignatureDoesNotMatch',
    )
    const swapped = streamingBody([signatures[1]!, signatures[0]!, signatures[2]!], '\r\n')
    assert.equal(
      codeOf(await sendRaw(store, 'PUT', path, { headers, body: swapped })),
      'SignatureDoesNotMatch',
    )
    const unsigned = body.replace(/;chunk-signature=[0-9a-f]{64}/, '').padEnd(66824, ' ')
    assert.equal(codeOf(await sendRaw(store, 'PUT', path, { headers, body: unsigned })), 'InvalidRequest')
  })

  test('PUT with signed chunks and a signed trailing checksum', async () => {
    const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
    const signed =
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer'
    const trailer = 'x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:'
    const end = `${trailer}d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n`
    const signatures = [
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    ]
    const body = streamingBody(signatures, end)
    const headers = streamingHeaders(signed, seed, {
      'content-length': String(body.length),
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
    })
    const path = '/examplebucket/chunkObject.txt'
    const answer = await sendRaw(store, 'PUT', path, { headers, body })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-amz-checksum-crc32c'], 'sOO8/Q==')
    const other = body.replace('sOO8', 'sOO9')
    assert.equal(codeOf(await sendRaw(store, 'PUT', path, { headers, body: other })), 'SignatureDoesNotMatch')
  })
})
