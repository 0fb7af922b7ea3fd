import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startGcs } from './gcs.ts'
import type { Gcs, ServiceAccount } from './gcs.ts'
import { refused, send, signByGoogle } from './gcs/google-client.ts'
import type { Signing } from './gcs/google-client.ts'

const bucket = 'team-vision'

describe('the GCS server, judged by Google’s own client', () => {
  let gcs: Gcs
  before(async () => {
    gcs = await startGcs({ buckets: [bucket] })
  })
  after(() => gcs.stop())

  const signed = (method: string, key: string, more: Signing = {}, account?: ServiceAccount) =>
    signByGoogle(gcs, bucket, method, key, more, account)
  const put = async (
    key: string,
    body: string | Buffer,
    more: Signing = {},
    headers: Record<string, string> = {},
  ) => send(await signed('PUT', key, more), { method: 'PUT', body, headers })
  const list = async (queryParams: Record<string, string>) =>
    send(await signed('GET', '', { queryParams: { 'list-type': '2', ...queryParams } }))

  test('takes Google’s URLs for writing, reading, heading and deleting', async () => {
    const written = await put('a/ü one+two %41.txt', 'hello')
    assert.equal(written.status, 200)
    assert.equal(written.headers['etag'], `"${createHash('md5').update('hello').digest('hex')}"`)
    assert.match(String(written.headers['x-goog-generation']), /^\d{16}$/)
    // RFC 3720's way of writing CRC-32C of "hello": 9a71bb4c.
    assert.match(String(written.headers['x-goog-hash']), /crc32c=mnG7TA==.*md5=XUFAKrxLKna5cZ2REBfFkg==/)
    const read = await send(await signed('GET', 'a/ü one+two %41.txt'))
    assert.deepEqual([read.status, read.body], [200, 'hello'])
    const head = await send(await signed('HEAD', 'a/ü one+two %41.txt'), { method: 'HEAD' })
    assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '5'])
    assert.equal(
      (await send(await signed('DELETE', 'a/ü one+two %41.txt'), { method: 'DELETE' })).status,
      204,
    )
    refused(await send(await signed('GET', 'a/ü one+two %41.txt')), 404, 'NoSuchKey')
  })

  test('takes a bucket as host name', async () => {
    await put('host.txt', 'hello')
    const { port } = new URL(gcs.endpoint)
    const url = await signed('GET', 'host.txt', { cname: `http://${bucket}.localhost:${port}` })
    assert.equal(new URL(url).hostname, `${bucket}.localhost`)
    assert.equal((await send(url)).body, 'hello')
    const other = url.replace(`${bucket}.localhost`, 'team-audio.localhost')
    refused(await send(other), 403, 'SignatureDoesNotMatch')
  })

  test('refuses what was tampered with, expired, of another key, revoked, or not signed at all', async () => {
    await put('a.txt', 'hello')
    const url = await signed('GET', 'a.txt', { queryParams: { 'X-User': 'alice' } })
    assert.equal((await send(url)).status, 200)
    refused(await send(url.replace('X-User=alice', 'X-User=bob')), 403, 'SignatureDoesNotMatch')
    refused(await send(url.replace('a.txt', 'b.txt')), 403, 'SignatureDoesNotMatch')
    refused(await send(url, { method: 'PUT', body: 'x' }), 403, 'SignatureDoesNotMatch')
    refused(await send(url.replace('?', '?X-User=bob&')), 400, 'InvalidArgument')
    refused(await send(url, { headers: { 'x-goog-user-project': 'other' } }), 400, 'MalformedSecurityHeader')
    refused(await send(url.split('?')[0]!), 403, 'AccessDenied')
    const past = { accessibleAt: Date.now() - 120_000, expires: Date.now() + 60_000 }
    const late = await signed('GET', 'a.txt', past)
    assert.equal((await send(late)).status, 200)
    refused(
      await send(late.replace(/X-Goog-Expires=\d+/, 'X-Goog-Expires=999')),
      403,
      'SignatureDoesNotMatch',
    )
    const account = gcs.addServiceAccount()
    const revoked = await signed('GET', 'a.txt', {}, account)
    const otherKey = await signed(
      'GET',
      'a.txt',
      {},
      { ...account, privateKeyPem: gcs.serviceAccount.privateKeyPem },
    )
    refused(await send(otherKey), 403, 'SignatureDoesNotMatch')
    gcs.revoke(account.clientEmail)
    refused(await send(revoked), 403, 'InvalidSecurity')
  })

  test('answers an expired URL with 400 ExpiredToken', async () => {
    let nowMs = Date.now()
    const other = await startGcs({ buckets: [bucket], nowMs: () => nowMs })
    other.trust(gcs.serviceAccount.clientEmail, gcs.serviceAccount.privateKeyPem)
    const url = (await signed('GET', 'a.txt')).replace(gcs.endpoint, other.endpoint)
    refused(await send(url), 404, 'NoSuchKey')
    nowMs += 61_000
    refused(await send(url), 400, 'ExpiredToken')
    nowMs -= 20 * 60_000
    refused(await send(url), 403, 'RequestTimeTooSkewed')
    await other.stop()
  })

  test('a signature gives no right that its account does not have', async () => {
    const account = gcs.addServiceAccount(({ method, key }) => method === 'GET' && key.startsWith('own/'))
    await put('own/a.txt', 'hello')
    assert.equal((await send(await signed('GET', 'own/a.txt', {}, account))).status, 200)
    refused(await send(await signed('GET', 'a.txt', {}, account)), 403, 'AccessDenied')
    refused(await send(await signed('PUT', 'own/a.txt', {}, account), { method: 'PUT' }), 403, 'AccessDenied')
  })

  test('holds a write to its signed headers, its hash, its size and to "only if it is new"', async () => {
    const contentType = { contentType: 'text/csv' }
    assert.equal((await put('t.csv', 'a,b', contentType, { 'content-type': 'text/csv' })).status, 200)
    refused(
      await put('t.csv', 'a,b', contentType, { 'content-type': 'text/html' }),
      403,
      'SignatureDoesNotMatch',
    )
    refused(await put('t.csv', 'a,b', contentType), 400, 'MalformedSecurityHeader')
    assert.equal((await send(await signed('GET', 't.csv'))).headers['content-type'], 'text/csv')

    const md5 = { 'content-md5': createHash('md5').update('hello').digest('base64') }
    assert.equal((await put('m.txt', 'hello', { contentMd5: md5['content-md5'] }, md5)).status, 200)
    refused(await put('m.txt', 'hullo', { contentMd5: md5['content-md5'] }, md5), 400, 'BadDigest')
    const hashed = (extensionHeaders: Record<string, string>, body: string) =>
      put('m.txt', body, { extensionHeaders }, extensionHeaders)
    assert.equal((await hashed({ 'x-goog-hash': 'crc32c=mnG7TA==' }, 'hello')).status, 200)
    refused(await hashed({ 'x-goog-hash': 'crc32c=mnG7TA==' }, 'hullo'), 400, 'BadDigest')
    const sha256 = { 'x-goog-content-sha256': createHash('sha256').update('hello').digest('hex') }
    assert.equal((await hashed(sha256, 'hello')).status, 200)
    refused(await hashed(sha256, 'hullo'), 400, 'XAmzContentSHA256Mismatch')
    refused(await hashed({ 'x-goog-content-length-range': '0,4' }, 'hello'), 400, 'EntityTooLarge')

    const isNew = { 'x-goog-if-generation-match': '0' }
    assert.equal((await put('new.txt', 'first', { extensionHeaders: isNew }, isNew)).status, 200)
    refused(await put('new.txt', 'second', { extensionHeaders: isNew }, isNew), 412, 'PreconditionFailed')
    assert.equal((await send(await signed('GET', 'new.txt'))).body, 'first')
  })

  test('reads a range, and answers with the signed content type and disposition', async () => {
    await put('r.txt', '0123456789')
    const queryParams = { 'response-content-type': 'text/x-log' }
    const url = await signed('GET', 'r.txt', { queryParams, promptSaveAs: 'r 1.txt' })
    const part = await send(url, { headers: { range: 'bytes=2-4' } })
    assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, '234', 'bytes 2-4/10'])
    assert.equal(part.headers['content-type'], 'text/x-log')
    assert.match(String(part.headers['content-disposition']), /attachment; filename="r 1.txt"/)
    assert.equal((await send(url, { headers: { range: 'bytes=-3' } })).body, '789')
    refused(await send(url, { headers: { range: 'bytes=10-' } }), 416, 'InvalidRange')
  })

  test('lists by prefix and delimiter, a page at a time', async () => {
    for (const key of ['l/b.txt', 'l/a & b.txt', 'l/deep/1', 'l/deep/2', 'm']) await put(key, 'x')
    const one = await list({ prefix: 'l/', delimiter: '/', 'max-keys': '2' })
    assert.match(one.body, /<Key>l\/a &amp; b.txt<\/Key>.*<Key>l\/b.txt<\/Key>/)
    assert.match(one.body, /<IsTruncated>true<\/IsTruncated>/)
    const next = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(one.body)![1]!
    const two = await list({ prefix: 'l/', delimiter: '/', 'max-keys': '2', 'continuation-token': next })
    assert.match(
      two.body,
      /<IsTruncated>false<\/IsTruncated><CommonPrefixes><Prefix>l\/deep\/<\/Prefix><\/CommonPrefixes>/,
    )
    assert.doesNotMatch(two.body, /<Key>/)
  })

  test('allows a browser’s origin what the bucket’s CORS rules allow, and nothing else', async () => {
    gcs.createBucket('cors')
    const preflight = (origin: string, headers: string, method = 'PUT') => {
      const asked = {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      }
      return send(`${gcs.endpoint}/cors/a.txt`, { method: 'OPTIONS', headers: asked })
    }
    assert.equal(
      (await preflight('https://app.example', 'content-type')).headers['access-control-allow-origin'],
      undefined,
    )
    const rule = {
      origin: ['https://app.example'],
      method: ['GET', 'PUT'],
      responseHeader: ['Content-Type', 'ETag'],
      maxAgeSeconds: 60,
    }
    gcs.setCors('cors', [rule])
    const allowed = await preflight('https://app.example', 'content-type')
    assert.equal(allowed.headers['access-control-allow-origin'], 'https://app.example')
    assert.equal(
      (await preflight('https://evil.example', 'content-type')).headers['access-control-allow-origin'],
      undefined,
    )
    assert.equal(
      (await preflight('https://app.example', 'x-other')).headers['access-control-allow-origin'],
      undefined,
    )
    assert.equal(
      (await preflight('https://app.example', '', 'DELETE')).headers['access-control-allow-origin'],
      undefined,
    )
    const answer = await send(`${gcs.endpoint}/cors/a.txt`, { headers: { origin: 'https://app.example' } })
    assert.equal(answer.headers['access-control-expose-headers'], 'Content-Type, ETag')
  })

  test('writes a line in the usage log’s format for each request, refused ones too', async () => {
    await put(
      'log "1".txt',
      'hello',
      { queryParams: { 'X-User': 'alice' } },
      { 'user-agent': 'a "quoted" agent' },
    )
    await send(`${gcs.endpoint}/${bucket}/unsigned.txt`)
    const [header, ...rows] = readFileSync(gcs.usageLogFile, 'utf8').trim().split('\n')
    assert.match(header!, /^"time_micros","c_ip","c_ip_type",.*,"cs_bucket","cs_object"$/)
    const [written, refusedOne] = rows.slice(-2)
    const start = `^"\\d{16}","127.0.0.1","1","","PUT","/${bucket}/log%20%221%22.txt\\?.*X-User=alice.*","200","5","0",`
    assert.match(written!, new RegExp(start))
    assert.match(written!, /"a ""quoted"" agent",.*,"PUT_Object","team-vision","log ""1"".txt"$/)
    assert.match(refusedOne!, /"GET","\/team-vision\/unsigned.txt","403"/)
  })

  test('refuses a bucket that is not there and more than fits into its memory', async () => {
    const small = await startGcs({ maxBytes: 4 })
    small.trust(gcs.serviceAccount.clientEmail, gcs.serviceAccount.privateKeyPem)
    const url = (await signed('PUT', 'a')).replace(gcs.endpoint, small.endpoint)
    refused(await send(url, { method: 'PUT', body: 'abc' }), 404, 'NoSuchBucket')
    small.createBucket(bucket)
    assert.equal((await send(url, { method: 'PUT', body: 'abc' })).status, 200)
    const other = (await signed('PUT', 'b')).replace(gcs.endpoint, small.endpoint)
    refused(await send(other, { method: 'PUT', body: 'abc' }), 503, 'ServiceUnavailable')
    await small.stop()
  })
})

test('two GCS servers run side by side, and stopping leaves no listener and no folder', async () => {
  const [one, two] = await Promise.all([startGcs(), startGcs()])
  assert.notEqual(one.endpoint, two.endpoint)
  await Promise.all([one.stop(), two.stop()])
  await assert.rejects(send(one.endpoint), { code: 'ECONNREFUSED' })
  assert.equal(existsSync(dirname(one.usageLogFile)), false)
})
