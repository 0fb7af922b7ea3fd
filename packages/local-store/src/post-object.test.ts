/** Forms: signed by @aws-sdk/s3-presigned-post, sent as a browser would. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import type { TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, filesUnder, openTestStore, until } from './test-client.ts'

type Fields = Record<string, string>

suite('an upload by a form', () => {
  let opened: TestStore
  before(async () => {
    opened = await openTestStore()
  })
  after(() => opened.close())

  const sign = (Key: string, Fields: Fields = {}, Conditions: object[] = [], more: object = {}) =>
    createPresignedPost(opened.s3, { Bucket: BUCKET, Key, Fields, Conditions: Conditions as never, ...more })
  const send = async (
    { url, fields }: { url: string; fields: Fields },
    body: string | Blob = 'content',
    headers: Fields = {},
  ) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob([body]), 'name of the file.txt')
    const answer = await fetch(url, { method: 'POST', body: form, headers })
    const text = await answer.text()
    return { status: answer.status, code: /<Code>([^<]*)/.exec(text)?.[1], text, headers: answer.headers }
  }
  const refused = async (sent: ReturnType<typeof send>, status: number, code: string) => {
    const answer = await sent
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text)
    assert.ok(!answer.text.includes(CREDENTIAL.secretAccessKey))
  }
  const absent = (Key: string) =>
    assert.rejects(opened.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key })), { name: 'NotFound' })
  const base64 = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('base64')

  test('stores the file with its type and metadata, and answers 204', async () => {
    const fields = { 'Content-Type': 'text/csv', 'x-amz-meta-note': 'ünder', 'Cache-Control': 'no-store' }
    const answer = await send(await sign('a b/ä+%41.csv', fields))
    assert.equal(answer.status, 204, answer.text)
    const got = await opened.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a b/ä+%41.csv' }))
    assert.equal(await got.Body?.transformToString(), 'content')
    assert.deepEqual([got.ContentType, got.CacheControl], ['text/csv', 'no-store'])
    assert.equal(got.ETag, `"${createHash('md5').update('content').digest('hex')}"`)
  })

  test('success_action_status 201 answers with a document', async () => {
    const answer = await send(await sign('created', { success_action_status: '201' }))
    assert.equal(answer.status, 201)
    assert.match(answer.text, /<PostResponse.*<Bucket>demo-bucket<\/Bucket><Key>created<\/Key><ETag>/)
    assert.equal((await send(await sign('created', { success_action_status: '200' }))).status, 200)
    assert.equal((await send(await sign('created', { success_action_status: '302' }))).status, 204)
  })

  test('the URL may carry parameters, which the log keeps with the name of the key', async () => {
    const { url, fields } = await sign('marked/key')
    assert.equal((await send({ url: `${url}?X-User=alice&X-Grant=g-1`, fields })).status, 204)
    const line = (await opened.logLines()).at(-1) ?? ''
    assert.match(
      line,
      /user\/LOCALKEY0001 \S+ REST\.POST\.OBJECT marked\/key "POST \S+X-User=alice&X-Grant=g-1 /,
    )
    assert.match(line, / 204 - /)
    assert.ok(!line.includes(fields['X-Amz-Signature']!))
  })

  test('holds the file to the range of sizes, both ends included', async () => {
    const form = () => sign('sized', {}, [['content-length-range', 3, 5]])
    for (const body of ['123', '12345']) assert.equal((await send(await form(), body)).status, 204)
    await refused(send(await form(), '12'), 400, 'EntityTooSmall')
    await refused(send(await form(), '123456'), 400, 'EntityTooLarge')
    await refused(send(await form(), 'x'.repeat(300_000)), 400, 'EntityTooLarge')
    const got = await opened.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'sized' }))
    assert.equal(got.ContentLength, 5)
  })

  test('refuses every field that is changed, left out or added', async () => {
    const fields = { 'Content-Type': 'text/plain', 'x-amz-meta-grant': 'g-1' }
    const form = await sign('held', fields)
    const changed = (change: Fields) => send({ ...form, fields: { ...form.fields, ...change } })
    await refused(changed({ key: 'other' }), 403, 'AccessDenied')
    await refused(changed({ 'Content-Type': 'text/html' }), 403, 'AccessDenied')
    await refused(changed({ 'x-amz-meta-grant': 'g-2' }), 403, 'AccessDenied')
    await refused(changed({ 'x-amz-meta-more': 'x' }), 403, 'AccessDenied')
    await refused(changed({ acl: 'public-read' }), 403, 'AccessDenied')
    await refused(changed({ bucket: 'other-bucket' }), 403, 'AccessDenied')
    await refused(changed({ success_action_redirect: 'http://evil.example' }), 403, 'AccessDenied')
    for (const name of Object.keys(form.fields)) {
      const { [name]: _, ...rest } = form.fields
      if (name !== 'bucket')
        assert.ok([400, 403].includes((await send({ url: form.url, fields: rest })).status), name)
    }
    assert.equal((await changed({ 'x-ignore-me': 'x' })).status, 204)
    await absent('other')
  })

  test('refuses a policy that is changed, expired, unsigned, or of another key', async () => {
    const form = await sign('policy')
    const withField = (name: string, value: string) =>
      send({ ...form, fields: { ...form.fields, [name]: value } })
    const policy = Buffer.from(form.fields['Policy']!, 'base64').toString()
    const wider = Buffer.from(policy.replace('"policy"', '"policy2"')).toString('base64')
    await refused(withField('Policy', wider), 403, 'SignatureDoesNotMatch')
    await refused(withField('X-Amz-Signature', '0'.repeat(64)), 403, 'SignatureDoesNotMatch')
    await refused(withField('X-Amz-Algorithm', 'AWS4-HMAC-SHA1'), 403, 'AccessDenied')
    const credential = form.fields['X-Amz-Credential']!
    await refused(
      withField('X-Amz-Credential', credential.replace('LOCALKEY0001', 'X')),
      403,
      'InvalidAccessKeyId',
    )
    await refused(withField('X-Amz-Security-Token', 'x'), 400, 'InvalidToken')
    await refused(send(await sign('policy', {}, [], { Expires: -1 })), 403, 'AccessDenied')
    await refused(send({ url: form.url, fields: { key: 'policy' } }), 403, 'AccessDenied')
    await absent('policy')
  })

  test('checks the digests that are signed into the form', async () => {
    const digest = {
      'Content-MD5': base64('md5', 'content'),
      'x-amz-checksum-sha256': base64('sha256', 'content'),
    }
    assert.equal((await send(await sign('digest', digest))).status, 204)
    await refused(send(await sign('wrong', { 'Content-MD5': base64('md5', 'x') })), 400, 'BadDigest')
    const sha256 = { 'x-amz-checksum-sha256': base64('sha256', 'x') }
    await refused(send(await sign('wrong', sha256)), 400, 'BadDigest')
    await absent('wrong')
  })

  test('the name of the file takes the place of ${filename}, and the condition is on the whole key', async () => {
    assert.equal((await send(await sign('in/${filename}'))).status, 204)
    await opened.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'in/name of the file.txt' }))
    await refused(send(await sign('acl', { acl: 'public-read' })), 400, 'AccessControlListNotSupported')
    await refused(send(await sign('tag', { tagging: '<Tagging/>' })), 501, 'NotImplemented')
    const form = await sign('headers')
    await refused(send(form, 'x', { 'x-amz-acl': 'private' }), 403, 'AccessDenied')
  })

  test('a form that is none is refused in words, and nothing is left behind', async () => {
    const { url, fields } = await sign('broken', {}, [['starts-with', '$key', 'bro']])
    const count = (await filesUnder(opened.dataDir)).length
    const raw = async (body: string, type = 'multipart/form-data; boundary=b') => {
      const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': type } })
      return [answer.status, /<Code>([^<]*)/.exec(await answer.text())?.[1]]
    }
    const part = (name: string, value: string) =>
      `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const all = Object.entries(fields)
      .map(([name, value]) => part(name, value))
      .join('')
    assert.deepEqual(await raw('nonsense', 'multipart/form-data'), [400, 'MalformedPOSTRequest'])
    assert.deepEqual(await raw(`${all}--b--\r\n`), [400, 'InvalidArgument'])
    assert.deepEqual(await raw(`${all}${part('file', 'cut off')}`), [400, 'MalformedPOSTRequest'])
    assert.deepEqual(await raw(`${all}${part('Key', 'twice')}${part('file', 'x')}--b--\r\n`), [
      400,
      'InvalidArgument',
    ])
    const long = part('x-ignore-long', 'x'.repeat(30_000))
    assert.deepEqual(await raw(`${long}${all}${part('file', 'x')}--b--\r\n`), [
      400,
      'MaxPostPreDataLengthExceeded',
    ])
    assert.deepEqual(await raw(`${all}${part('file', 'good')}${part('late', 'x')}--b--\r\n`), [
      204,
      undefined,
    ])
    await opened.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'broken' }))
    await until(async () => (await filesUnder(opened.dataDir)).length === count + 1)
  })

  test('a connection that breaks in the middle of the file stores nothing', async () => {
    const { url, fields } = await sign('half')
    const count = (await filesUnder(opened.dataDir)).length
    const { hostname, port, pathname } = new URL(url)
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '1000000' }
    const sent = request({ hostname, port, path: pathname, method: 'POST', headers })
    sent.on('error', () => undefined)
    for (const [name, value] of Object.entries({ ...fields, file: 'some of it' }))
      sent.write(`--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    await until(async () => (await filesUnder(opened.dataDir)).length === count + 1)
    sent.destroy()
    await until(async () => (await filesUnder(opened.dataDir)).length === count)
    await absent('half')
  })
})
