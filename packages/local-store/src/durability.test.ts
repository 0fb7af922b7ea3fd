import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import * as aws from '@aws-sdk/client-s3'
import { openLocalStore } from './index.ts'
import type { TestStore } from './test-client.ts'
import {
  BUCKET,
  CREDENTIAL,
  createPlainClient,
  createS3Client,
  filesUnder,
  openTestStore,
  presignPut,
  until,
} from './test-client.ts'

const MIB = 1024 ** 2

async function contentOf(opened: TestStore, Key: string): Promise<Buffer> {
  const answer = await opened.s3.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key }))
  return Buffer.from(await answer.Body!.transformToByteArray())
}

suite('durability', () => {
  test('an upload that is broken off leaves nothing, and the old object stays', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const s3 = createPlainClient(opened.store.endpoint)
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'old' }))
    const before = await filesUnder(opened.dataDir)
    const sent = request(await presignPut(s3, 'k'), {
      method: 'PUT',
      headers: { 'content-length': 10 * MIB },
    })
    sent.on('error', () => undefined)
    sent.write(randomBytes(3 * MIB))
    await until(async () => (await filesUnder(opened.dataDir)).length > before.length)
    sent.destroy()
    await until(async () => (await filesUnder(opened.dataDir)).length === before.length)
    assert.equal((await contentOf(opened, 'k')).toString(), 'old')
    await until(async () =>
      (await opened.logLines()).some((line) => / REST\.PUT\.OBJECT k .* 400 IncompleteBody /.test(line)),
    )
    s3.destroy()
  })

  test('kill -9 in the middle of uploads leaves old objects or new ones, never halves', async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'local-store-'))
    const acknowledged = new Set<string>()
    const offered = new Map<string, Set<string>>()
    const start = async (): Promise<{ child: ChildProcess; endpoint: string }> => {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), dataDir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(child.stdout!, 'data')) as [Buffer]
      return { child, endpoint: line.toString().trim() }
    }
    for (const killAfterMs of [15, 60, 150]) {
      const { child, endpoint } = await start()
      const s3 = createS3Client(endpoint)
      const upload = async (at: number) => {
        for (let round = 0; round < 1000; round += 1) {
          const Key = `key-${at % 3}`
          const Body = randomBytes(100_000 + at * 50_000)
          const digest = createHash('sha256').update(Body).digest('hex')
          offered.set(Key, (offered.get(Key) ?? new Set()).add(digest))
          await s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key, Body }))
          acknowledged.add(Key)
        }
      }
      const work = Promise.allSettled([0, 1, 2, 3, 4, 5].map(upload))
      await delay(killAfterMs)
      child.kill('SIGKILL')
      await once(child, 'exit')
      await work
      s3.destroy()
    }
    const opened = await openTestStore({ dataDir })
    t.after(() => opened.close())
    const { Contents = [] } = await opened.s3.send(new aws.ListObjectsV2Command({ Bucket: BUCKET }))
    for (const key of acknowledged) assert.ok(Contents.some((one) => one.Key === key))
    for (const { Key } of Contents) {
      const digest = createHash('sha256')
        .update(await contentOf(opened, Key!))
        .digest('hex')
      assert.ok(offered.get(Key!)!.has(digest), 'an object must be one that was sent, whole')
    }
    assert.equal((await filesUnder(dataDir)).length, Contents.length)
  })

  test('opening sweeps away files that no object names', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'kept', Body: 'kept' }))
    await writeFile(join(opened.dataDir, 'tmp', 'stale'), 'x')
    await writeFile(join(opened.dataDir, 'bodies', 'ab', 'ab00'), 'x')
    await opened.reopen()
    assert.equal((await filesUnder(opened.dataDir)).length, 1)
    assert.equal((await contentOf(opened, 'kept')).toString(), 'kept')
  })

  test('several uploads of one key at once end in one of them, whole', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const bodies = Array.from({ length: 12 }, (_, at) => Buffer.alloc(300_000 + at, at))
    await Promise.all(
      bodies.map((Body) => opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'same', Body }))),
    )
    const content = await contentOf(opened, 'same')
    assert.ok(bodies.some((body) => body.equals(content)))
    assert.equal((await filesUnder(opened.dataDir)).length, 1)
    const creators = await Promise.allSettled(
      bodies.map((Body) =>
        opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'once', Body, IfNoneMatch: '*' })),
      ),
    )
    assert.equal(creators.filter((one) => one.status === 'fulfilled').length, 1)
  })

  test('a download goes on with the object that it began with', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const old = randomBytes(20 * MIB)
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: old }))
    const answer = await opened.s3.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'k' }))
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'new' }))
    assert.ok(old.equals(Buffer.from(await answer.Body!.transformToByteArray())))
    assert.equal((await contentOf(opened, 'k')).toString(), 'new')
    await until(async () => (await filesUnder(opened.dataDir)).length === 1)
  })

  test('closing lets an upload in progress end', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const s3 = createPlainClient(opened.store.endpoint)
    const sent = request(await presignPut(s3, 'late'), {
      method: 'PUT',
      headers: { 'content-length': 6 },
      agent: false,
    })
    sent.write('abc')
    await until(async () => (await filesUnder(opened.dataDir)).length === 1)
    const reopened = opened.reopen()
    await delay(20)
    sent.end('def')
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume: () => void }]
    response.resume()
    assert.equal(response.statusCode, 200)
    await reopened
    assert.equal((await contentOf(opened, 'late')).toString(), 'abcdef')
    s3.destroy()
  })

  test('a folder is open once, private, and wrong options are refused', async (t) => {
    const opened = await openTestStore()
    t.after(() => opened.close())
    const { dataDir } = opened
    assert.equal((await stat(dataDir)).mode & 0o777, 0o700)
    await assert.rejects(openLocalStore({ dataDir, credentials: [CREDENTIAL] }), /another process/)
    const short = { accessKeyId: 'a b', secretAccessKey: 'x'.repeat(20) }
    await assert.rejects(openLocalStore({ dataDir, credentials: [short] }), /accessKeyId/)
    await assert.rejects(opened.store.createBucket('No'), /not a valid bucket name/)
  })
})
