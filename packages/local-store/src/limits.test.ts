/** What the server does with requests that are too much, too slow, or no requests at all. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { BUCKET, createPlainClient, filesUnder, openTestStore, presignPut, until } from './test-client.ts'

suite('limits', () => {
  test('answers what is no HTTP, and too large headers, without falling over', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    for (const text of [
      'nonsense\r\n\r\n',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const socket = connect(opened.store.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(text)
      const [data] = (await once(socket, 'data')) as [Buffer]
      assert.match(data.toString(), /^HTTP\/1\.1 4\d\d /)
      socket.destroy()
    }
    await opened.s3.send(new aws.HeadBucketCommand({ Bucket: BUCKET }))
  })

  test('asks a client that waits for its body only when the request is good', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const s3 = createPlainClient(opened.store.endpoint)
    t.after(() => s3.destroy())
    const url = await presignPut(s3, 'waited')
    for (const [target, status] of [
      [url, 200],
      [url.replace('waited', 'other'), 403],
    ] as const) {
      const headers = { 'content-length': 4, expect: '100-continue' }
      const sent = request(target, { method: 'PUT', headers, agent: false })
      let asked = false
      sent.on('continue', () => {
        asked = true
        sent.end('body')
      })
      sent.flushHeaders()
      const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume: () => void }]
      response.resume()
      assert.deepEqual([asked, response.statusCode], [status === 200, status])
      sent.destroy()
    }
  })

  test('ends a request that takes too long to arrive, and keeps nothing of it', async (t) => {
    const opened = await openTestStore({ requestTimeoutSeconds: 1 })
    t.after(() => opened.close())
    const s3 = createPlainClient(opened.store.endpoint)
    t.after(() => s3.destroy())
    const headers = { 'content-length': 1000 }
    const sent = request(await presignPut(s3, 'endless'), { method: 'PUT', headers, agent: false })
    const ended = new Promise((resolve) => sent.on('error', resolve).on('response', resolve))
    const drip = setInterval(() => sent.write('x'), 50)
    await ended
    clearInterval(drip)
    sent.destroy()
    await until(async () => (await filesUnder(opened.dataDir)).length === 0)
    await assert.rejects(opened.s3.send(new aws.HeadObjectCommand({ Bucket: BUCKET, Key: 'endless' })))
  })

  test('waits at its end for what is being asked, and not for connections on which nothing was', async (t) => {
    const { store } = await openTestStore()
    const asking = connect(store.port, '127.0.0.1')
    t.after(() => asking.destroy())
    asking.write('GET / HTTP/1.1\r\n')
    const silent = connect(store.port, '127.0.0.1')
    await once(silent, 'connect')
    await fetch(store.endpoint)
    const closed = store.close()
    await once(silent.resume(), 'close')
    assert.equal(asking.closed, false)
    asking.end('host: store\r\n\r\n')
    const [data] = (await once(asking, 'data')) as [Buffer]
    assert.match(data.toString(), /^HTTP\/1\.1 403 /)
    await closed
  })

  test('says SlowDown when too much is going on', async (t) => {
    const opened = await openTestStore({ maxConcurrentRequests: 2 })
    t.after(() => opened.close())
    const s3 = createPlainClient(opened.store.endpoint)
    const slow = []
    for (const key of ['a', 'b']) {
      const sent = request(await presignPut(s3, key), {
        method: 'PUT',
        headers: { 'content-length': 6 },
        agent: false,
      })
      sent.on('error', () => undefined)
      sent.write('abc')
      slow.push(sent)
    }
    await until(async () => (await filesUnder(opened.dataDir)).length === 2)
    await assert.rejects(opened.s3.send(new aws.ListBucketsCommand({})), { name: 'SlowDown' })
    for (const sent of slow) sent.destroy()
    await until(async () => (await filesUnder(opened.dataDir)).length === 0)
    await opened.s3.send(new aws.ListBucketsCommand({}))
    s3.destroy()
  })
})
