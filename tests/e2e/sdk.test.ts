/** The SDK against the real server and its embedded store: what the SDK's own tests show with a small stand-in. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSignpost, SignpostError, TransferError } from '@signpost/sdk/node'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

const mib = 1024 * 1024

test('the SDK stores, resumes, reads, lists and removes by a real server and store', async (t) => {
  const env: Record<string, string> = { ...(await freshEnvironment(t)), SIGNPOST_RATE_LIMIT_PER_MINUTE: '0' }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', 'demo-token'), 'utf8').trim()
  const signpost = createSignpost({ url: server.url, token })
  const folder = await mkdtemp(join(tmpdir(), 'signpost-sdk-'))
  t.after(async () => {
    signpost.close()
    await rm(folder, { recursive: true })
  })
  const bytes = randomBytes(13 * mib + 4321)
  const source = join(folder, 'source')
  const copy = join(folder, 'copy')
  await writeFile(source, bytes)
  const parts = { singlePutMaxBytes: mib, partSizeBytes: 5 * mib }

  await t.test('a file in one PUT and in parts, both with their checksum', async () => {
    for (const singlePutMaxBytes of [100 * mib, mib]) {
      const options = { ...parts, singlePutMaxBytes, verify: 'checksum' } as const
      const stored = await signpost.uploadFile('sp://demo/sdk/file', source, options)
      assert.equal(stored.sizeBytes, bytes.length)
      await signpost.downloadFile('sp://demo/sdk/file', copy, { rangeBytes: 2 * mib })
      assert.ok(bytes.equals(await readFile(copy)))
    }
  })

  await t.test('a stream, and a key with awkward characters', async () => {
    const address = { team: 'demo', key: 'sdk/ü b+c%41&=?#/~(1)*' }
    await signpost.upload(address, new Blob([bytes]).stream(), parts)
    const object = await signpost.download(address, { rangeBytes: 4 * mib })
    assert.ok(bytes.equals(await object.bytes()))
    const listed = []
    for await (const entry of signpost.list('demo', { prefix: 'sdk/ü' })) listed.push(entry)
    assert.deepEqual(
      listed.map((entry) => 'key' in entry && entry.key),
      [address.key],
    )
    await signpost.remove(address)
    await assert.rejects(signpost.download(address), (error) => {
      assert.ok(error instanceof TransferError)
      assert.deepEqual([error.status, error.storeCode], [404, 'NoSuchKey'])
      return true
    })
  })

  await t.test('an upload that was broken off goes on with what has not arrived', async () => {
    const abort = new AbortController()
    let uploadId = ''
    const first = signpost.uploadFile('sp://demo/sdk/resumed', source, {
      ...parts,
      concurrency: 1,
      signal: abort.signal,
      onUpload: (id) => (uploadId = id),
      onProgress: ({ transferredBytes }) => transferredBytes > 6 * mib && abort.abort(),
    })
    await assert.rejects(first, { name: 'AbortError' })
    const params = { team: 'demo', uploadId }
    const state = await signpost.call('getUpload', { params })
    assert.deepEqual(
      state.parts.map((part) => part.partNumber),
      [1],
    )
    await signpost.uploadFile('sp://demo/sdk/resumed', source, { resume: { uploadId }, verify: 'checksum' })
    await signpost.downloadFile('sp://demo/sdk/resumed', copy)
    assert.ok(bytes.equals(await readFile(copy)))
  })

  await t.test('create-only does not overwrite, by either way', async () => {
    const once = { createOnly: true }
    await assert.rejects(signpost.upload('sp://demo/sdk/file', randomBytes(5), once), {
      code: 'already_exists',
    })
    await assert.rejects(signpost.uploadFile('sp://demo/sdk/file', source, { ...parts, ...once }), {
      code: 'conflict',
    })
  })

  await t.test('many files with empty ones among them', async () => {
    const files = []
    for (let n = 0; n < 60; n += 1) {
      const path = join(folder, `f${n}`)
      await writeFile(path, randomBytes(n * 100))
      files.push({ path, address: `sp://demo/sdk/many/f${n}`, sizeBytes: n * 100 })
    }
    for await (const result of signpost.uploadFiles(files)) assert.ok(result.ok)
    const copies = files.map((file) => ({ ...file, path: `${file.path}-copy` }))
    for await (const result of signpost.downloadFiles(copies)) assert.ok(result.ok)
    for (const { path } of files)
      assert.ok((await readFile(path)).equals(await readFile(`${path}-copy`)), path)
  })

  await t.test('10,001 URLs, with the bad one told by its own error', async () => {
    const items = Array.from({ length: 10_001 }, (_, n) => ({ action: 'read' as const, key: `k${n}` }))
    items[10_000] = { action: 'read', key: '../k' }
    const failed = []
    let urls = 0
    for await (const answer of signpost.urls('demo', items)) {
      if (answer.ok) urls += 1
      else failed.push([answer.index, answer.error.code])
    }
    assert.equal(urls, 10_000)
    assert.deepEqual(failed, [[10_000, 'invalid_key']])
  })

  await t.test("another deployment's token", async () => {
    const stranger = createSignpost({ url: server.url, token: `${token}x` })
    await assert.rejects(stranger.url('demo', { action: 'read', key: 'a' }), (error) => {
      assert.ok(error instanceof SignpostError)
      assert.equal(error.code, 'unauthenticated')
      assert.ok(error.requestId)
      return true
    })
    stranger.close()
  })
})
