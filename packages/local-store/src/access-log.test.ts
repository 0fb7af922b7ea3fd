import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { AccessLogRecord } from './access-log.ts'
import { formatRecord, maskSecrets, openAccessLog } from './access-log.ts'
import type { TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, openTestStore, pathOf, sendRaw } from './test-client.ts'

/** As a strict reader would: three quoted columns, one in brackets, the others without blanks. */
function columnsOf(line: string): string[] {
  return line.match(/\[[^\]]*\]|"[^"]*"|[^ "[\]]+/g) ?? []
}

suite('the access log', () => {
  let opened: TestStore
  before(async () => {
    opened = await openTestStore()
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'dir/a b.txt', Body: 'hello' }))
  })
  after(() => opened.close())
  const presign = async () => {
    const command = new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'dir/a b.txt' })
    return pathOf(await getSignedUrl(opened.s3, command as never))
  }
  const get = (path: string, headers: Record<string, string> = {}) =>
    sendRaw(opened.store, 'GET', path, { headers: { host: `127.0.0.1:${opened.store.port}`, ...headers } })
  const lastColumns = async () => columnsOf((await opened.logLines()).at(-1)!)

  test('has the 26 columns of S3, before the answer has ended', async () => {
    const answer = await get(await presign(), { referer: 'http://page/', 'user-agent': 'agent/1 (x)' })
    const columns = await lastColumns()
    assert.equal(columns.length, 26)
    assert.deepEqual(columns.slice(0, 2), ['000000000000', BUCKET])
    assert.match(columns[2]!, /^\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\]$/)
    assert.deepEqual(columns.slice(3, 5), [
      '127.0.0.1',
      `arn:aws:iam::000000000000:user/${CREDENTIAL.accessKeyId}`,
    ])
    assert.equal(columns[5], answer.headers['x-amz-request-id'])
    assert.deepEqual(columns.slice(6, 8), ['REST.GET.OBJECT', 'dir/a%2520b.txt'])
    assert.match(
      columns[8]!,
      /^"GET \/demo-bucket\/dir\/a%20b\.txt\?X-Amz-Algorithm=.*X-Amz-Signature=X{32}.* HTTP\/1\.1"$/,
    )
    assert.deepEqual(columns.slice(9, 13), ['200', '-', '5', '5'])
    assert.deepEqual(columns.slice(15, 18), ['"http://page/"', '"agent/1 (x)"', '-'])
    assert.equal(columns[18], answer.headers['x-amz-id-2'])
    assert.deepEqual(columns.slice(19, 22), ['SigV4', '-', 'QueryString'])
    assert.deepEqual(columns.slice(22), [`127.0.0.1:${opened.store.port}`, '-', '-', '-'])
  })

  test('records refusals, under the name of nobody', async () => {
    const path = await presign()
    await get(path.replace('a%20b', 'other'))
    const refused = await lastColumns()
    assert.deepEqual([refused[4], refused[9], refused[10]], ['-', '403', 'SignatureDoesNotMatch'])
    await get(path.replace('?', '?x-amz-date=1&'))
    const twice = await lastColumns()
    assert.deepEqual([twice[1], twice[7], twice[9]], [BUCKET, 'dir/a%2520b.txt', '400'])
    await get('/demo-bucket/x')
    const anonymous = await lastColumns()
    assert.deepEqual([anonymous[4], anonymous[10], anonymous[21]], ['-', 'AccessDenied', '-'])
    await get(path.replace('?', '?X-User=a&x-user=b&'))
    assert.deepEqual((await lastColumns()).slice(9, 11), ['400', 'InvalidArgument'])
  })

  test('cannot be forged through the user agent, the referer, the host or the URI', async () => {
    const forged = '" - id SigV4 - QueryString host - - -'
    for (const headers of [
      { 'user-agent': `x${forged}` },
      { referer: `x${forged}` },
      { host: 'a b" QueryString' },
      { 'user-agent': 'caf\u00e9 \\x22' },
    ] as Record<string, string>[]) {
      const count = (await opened.logLines()).length
      await get(await presign(), headers)
      assert.equal((await opened.logLines()).length, count + 1)
      const columns = await lastColumns()
      assert.equal(columns.length, 26, columns.join('\n'))
    }
    await get('/demo-bucket/a"b%0d%0aforged%22?X-User=%22%0A"')
    const columns = await lastColumns()
    assert.equal(columns.length, 26)
    assert.equal(columns[8], '"GET /demo-bucket/a%22b%0d%0aforged%22?X-User=%22%0A%22 HTTP/1.1"')
  })

  test('never shows a signature or a token, however the parameter is spelt', () => {
    const secret = 'abcdef0123'
    for (const name of [
      'X-Amz-Signature',
      'x-amz-signature',
      'X-Amz-Signatur%65',
      '%58-Amz-Security-Token',
      'Signature',
      'sig',
    ]) {
      assert.ok(!maskSecrets(`/b/k?a=b&${name}=${secret}&c=d`).includes(secret), name)
      assert.ok(!maskSecrets(`/b/k?${name}=${secret}`).includes(secret), name)
    }
    assert.equal(maskSecrets('/b/k?design=x'), '/b/k?design=x')
  })

  test('records what a method of any kind did', async () => {
    const host = `127.0.0.1:${opened.store.port}`
    await sendRaw(opened.store, 'PATCH', `/${BUCKET}/k`, { headers: { host } })
    assert.deepEqual((await lastColumns()).slice(6, 7), ['REST.PATCH.OBJECT'])
    await sendRaw(opened.store, 'OPTIONS', `/${BUCKET}/k`, { headers: { host } })
    assert.deepEqual((await lastColumns()).slice(6, 7), ['REST.OPTIONS.PREFLIGHT'])
  })

  test('turns over by size and keeps as many files as it should', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'access-log-'))
    const file = join(folder, 'access.log')
    const record: AccessLogRecord = {
      bucket: BUCKET,
      time: 0,
      remoteIp: '::1',
      requester: null,
      requestId: 'ID',
      operation: 'REST.GET.OBJECT',
      key: 'k',
      method: 'GET',
      url: '/k',
      httpVersion: '1.1',
      status: 200,
      errorCode: null,
      bytesSent: 0,
      objectSizeBytes: null,
      totalMilliseconds: 1,
      turnAroundMilliseconds: null,
      referer: null,
      userAgent: null,
      hostId: 'H',
      authenticationType: null,
      hostHeader: null,
    }
    const lineBytes = formatRecord(record).length + 1
    const log = openAccessLog(file, { maxBytes: lineBytes * 3, filesKept: 2 })
    for (let count = 0; count < 11; count += 1) log.write(record)
    log.close()
    assert.deepEqual((await readdir(folder)).toSorted(), ['access.log', 'access.log.1', 'access.log.2'])
    assert.equal((await readFile(`${file}.1`)).length, lineBytes * 3)
    assert.equal((await readFile(file)).length, lineBytes * 2)
    await rm(folder, { recursive: true })
  })
})
