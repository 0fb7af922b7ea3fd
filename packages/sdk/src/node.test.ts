import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { createSignpost, TransferError, type NodeSignpost, type Progress } from './node.ts'
import { collect, etagOf, openRim, storeError, type Rim } from './testing/rim.ts'

describe('the client with files in Node', () => {
  let rim: Rim
  let folder: string
  let signpost: NodeSignpost

  before(async () => {
    rim = await openRim()
    signpost = createSignpost({ url: rim.url, token: 'sp_test', retryBaseMs: 1 })
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signpost-sdk-'))
    rim.objects.clear()
    rim.uploads.clear()
    rim.log.length = 0
    rim.fault = rim.apiFault = undefined
    rim.lifeMs = 3_600_000
    rim.partSizeBytes = 1_500_000
  })
  afterEach(() => rm(folder, { recursive: true }))
  after(async () => {
    signpost.close()
    await rim.close()
  })

  const parts = { singlePutMaxBytes: 1_000_000 }
  const ranges = { rangeBytes: 1_000_000 }

  async function fileOf(bytes: Uint8Array, name = 'file'): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, bytes)
    return path
  }

  it('stores a small, an empty and a large file', async () => {
    for (const size of [5, 0, 5_400_000]) {
      const bytes = randomBytes(size)
      const seen: Progress[] = []
      const result = await signpost.uploadFile(`sp://vision/${size}`, await fileOf(bytes), {
        ...parts,
        onProgress: (progress) => seen.push(progress),
      })
      assert.ok(rim.objects.get(String(size))?.equals(bytes), `${size}`)
      assert.equal(result.sizeBytes, size)
      if (size > 0) assert.partialDeepStrictEqual(seen.at(-1), { transferredBytes: size, totalBytes: size })
    }
  })

  it('stores a file and compares its checksum with what the store says', async () => {
    const bytes = randomBytes(3_000_000)
    await signpost.uploadFile('sp://vision/sum', await fileOf(bytes), { ...parts, verify: 'checksum' })
    rim.fault = (_, response) => {
      response.writeHead(200, { etag: etagOf(Buffer.from('another')) }).end()
      return true
    }
    for (const singlePutMaxBytes of [1_000_000, 10_000_000]) {
      await assert.rejects(
        signpost.uploadFile('sp://vision/sum', await fileOf(bytes), {
          singlePutMaxBytes,
          verify: 'checksum',
        }),
        { code: 'checksum_mismatch' },
      )
    }
  })

  it('notices that a file changed while it was sent', async () => {
    const path = await fileOf(randomBytes(100))
    rim.fault = async () => {
      await appendFile(path, 'more')
      return false
    }
    await assert.rejects(signpost.uploadFile('sp://vision/a', path), { code: 'source_changed' })
  })

  it('reads the answer of a store that refuses before the body is through', async () => {
    rim.fault = (_, response) => storeError(response, 400, 'EntityTooLarge', 'Too large')
    const path = await fileOf(randomBytes(20_000_000))
    await assert.rejects(signpost.uploadFile('sp://vision/a', path), (error) => {
      assert.ok(error instanceof TransferError)
      assert.deepEqual([error.code, error.storeCode], ['store_refused', 'EntityTooLarge'])
      return true
    })
  })

  it('stores and reads over connections that are kept', async () => {
    const own = createSignpost({ url: rim.url, token: 'sp_test' })
    const before = rim.sockets()
    for (let n = 0; n < 10; n += 1) {
      await own.uploadFile('sp://vision/a', await fileOf(randomBytes(1000)))
      await own.downloadFile('sp://vision/a', join(folder, 'copy'))
    }
    assert.ok(rim.sockets() - before <= 2, `${rim.sockets()} connections`)
    own.close()
  })

  it('leaves no connection behind when it is aborted, and the upload to be resumed', async () => {
    const httpAgent = new Agent({ keepAlive: true })
    const own = createSignpost({ url: rim.url, token: 'sp_test', httpAgent })
    const bytes = randomBytes(6_000_000)
    const path = await fileOf(bytes)
    const abort = new AbortController()
    let uploadId = ''
    rim.fault = (_, __, what) => {
      if (what.endsWith('part=1')) return false
      const once = setInterval(() => {
        const [upload] = rim.uploads.values()
        if (!upload?.parts.has(1)) return
        clearInterval(once)
        abort.abort()
      }, 10)
      return true
    }
    const options = { ...parts, signal: abort.signal, onUpload: (id: string) => (uploadId = id) }
    await assert.rejects(own.uploadFile('sp://vision/big', path, options), { name: 'AbortError' })
    for (let tries = 0; tries < 6000 && Object.keys(httpAgent.sockets).length > 0; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10))
    assert.deepEqual(Object.keys(httpAgent.sockets), [])
    rim.fault = undefined
    rim.log.length = 0
    await own.uploadFile('sp://vision/big', path, { resume: { uploadId } })
    assert.ok(rim.objects.get('big')?.equals(bytes))
    assert.ok(!rim.log.includes('STORE PUT big?part=1'))
    own.close()
  })

  it('gives a connection up on which nothing moves', async () => {
    const own = createSignpost({
      url: rim.url,
      token: 'sp_test',
      idleTimeoutMs: 50,
      retries: 1,
      retryBaseMs: 1,
    })
    rim.objects.set('a', Buffer.from('hello'))
    rim.fault = () => true
    await assert.rejects(own.downloadFile('sp://vision/a', join(folder, 'copy')), {
      code: 'network',
      message: /nothing moved for 0.05 s/,
    })
    own.close()
  })

  it('reads a small, an empty and a large object into files, and leaves nothing beside them', async () => {
    for (const size of [5, 0, 1_000_000, 5_400_000]) {
      const bytes = randomBytes(size)
      rim.objects.set('object', bytes)
      const path = join(folder, `copy-${size}`)
      const result = await signpost.downloadFile('sp://vision/object', path, ranges)
      assert.ok(bytes.equals(await readFile(path)), `${size}`)
      assert.deepEqual([result.sizeBytes, result.resumedBytes], [size, 0])
    }
    assert.deepEqual((await readdir(folder)).toSorted(), ['copy-0', 'copy-1000000', 'copy-5', 'copy-5400000'])
  })

  it('goes on with a download that broke', async () => {
    const bytes = randomBytes(5_400_000)
    rim.objects.set('big', bytes)
    const path = join(folder, 'copy')
    rim.fault = (_, response, what) =>
      what.includes('bytes=3000000-') && storeError(response, 400, 'Broken', 'No')
    await assert.rejects(signpost.downloadFile('sp://vision/big', path, { ...ranges, concurrency: 1 }))
    assert.deepEqual((await readdir(folder)).toSorted(), ['copy.part', 'copy.part.json'])
    rim.fault = undefined
    rim.log.length = 0
    const seen: Progress[] = []
    const onProgress = (progress: Progress) => seen.push(progress)
    const result = await signpost.downloadFile('sp://vision/big', path, { onProgress })
    assert.ok(bytes.equals(await readFile(path)))
    assert.equal(result.resumedBytes, 3_000_000)
    assert.deepEqual(seen.at(-1), {
      transferredBytes: 5_400_000,
      totalBytes: 5_400_000,
      keptBytes: 5_400_000,
      resumedBytes: 3_000_000,
    })
    assert.ok(!rim.log.some((line) => line.includes('bytes=1000000-')))
    assert.deepEqual(await readdir(folder), ['copy'])
  })

  it('reads an object again from its beginning that changed since the download broke, or meanwhile', async () => {
    const path = join(folder, 'copy')
    rim.objects.set('big', randomBytes(5_400_000))
    rim.fault = (_, response, what) =>
      what.includes('bytes=3000000-') && storeError(response, 400, 'Broken', 'No')
    await assert.rejects(signpost.downloadFile('sp://vision/big', path, ranges))
    const second = randomBytes(5_400_000)
    const third = randomBytes(5_300_000)
    rim.objects.set('big', second)
    rim.fault = (_, __, what) => {
      if (what.includes('bytes=4000000-')) rim.objects.set('big', third)
      return false
    }
    const result = await signpost.downloadFile('sp://vision/big', path, ranges)
    assert.equal(result.resumedBytes, 0)
    assert.ok(third.equals(await readFile(path)))
  })

  it('goes on where a connection was reset in the middle of a range', async () => {
    const bytes = randomBytes(5_400_000)
    rim.objects.set('big', bytes)
    let resets = 0
    rim.fault = (request, response, what) => {
      if (resets > 1 || !/bytes=(1|3)000000-/.test(what)) return false
      resets += 1
      const start = Number(/bytes=(\d+)/.exec(what)?.[1])
      response.writeHead(206, {
        etag: etagOf(bytes),
        'content-range': `bytes ${start}-${start + 999_999}/${bytes.length}`,
        'content-length': 1_000_000,
      })
      response.write(bytes.subarray(start, start + 700_000), () => {
        setTimeout(() => request.socket.resetAndDestroy(), 20)
      })
      return true
    }
    await signpost.downloadFile('sp://vision/big', join(folder, 'copy'), ranges)
    assert.ok(bytes.equals(await readFile(join(folder, 'copy'))))
    assert.equal(resets, 2)
  })

  it('reads bodies past the parser: whole, cut off in the middle, and chunk by chunk', async () => {
    const bytes = randomBytes(41_234_567)
    rim.objects.set('huge', bytes)
    const path = join(folder, 'copy')
    let cuts = 0
    rim.fault = (request, response, what) => {
      if (cuts > 1 || !what.includes('bytes=16777216-')) return false
      cuts += 1
      const end = 2 * 16_777_216
      response.writeHead(206, {
        etag: etagOf(bytes),
        'content-range': `bytes 16777216-${end - 1}/${bytes.length}`,
        'content-length': 16_777_216,
      })
      response.write(bytes.subarray(16_777_216, 16_777_216 + 9_000_000 * cuts), () => {
        setTimeout(() => request.socket.resetAndDestroy(), 20)
      })
      return true
    }
    const seen: Progress[] = []
    await signpost.downloadFile('sp://vision/huge', path, { onProgress: (progress) => seen.push(progress) })
    assert.ok(bytes.equals(await readFile(path)))
    assert.partialDeepStrictEqual(seen.at(-1), { transferredBytes: bytes.length, totalBytes: bytes.length })
    assert.ok(cuts > 0)
    rim.fault = undefined
    const object = await signpost.download('sp://vision/huge')
    assert.ok(bytes.equals(Buffer.concat(await collect(object.stream()))))
    assert.ok(bytes.equals(await (await signpost.download('sp://vision/huge', { rangeBytes: 1e9 })).bytes()))
  })

  it('stops in the middle of a body when it is aborted, and goes on later', async () => {
    const bytes = randomBytes(20_000_000)
    rim.objects.set('huge', bytes)
    const path = join(folder, 'copy')
    const abort = new AbortController()
    const own = createSignpost({ url: rim.url, token: 'sp_test' })
    const onProgress = ({ transferredBytes }: Progress) => transferredBytes > 6_000_000 && abort.abort()
    const options = { rangeBytes: 5_000_000, concurrency: 1, signal: abort.signal, onProgress }
    await assert.rejects(own.downloadFile('sp://vision/huge', path, options), { name: 'AbortError' })
    const result = await own.downloadFile('sp://vision/huge', path)
    assert.ok([5_000_000, 10_000_000].includes(result.resumedBytes), `${result.resumedBytes}`)
    assert.ok(bytes.equals(await readFile(path)))
    own.close()
  })

  it('stores and reads many files with URLs asked for by the batch, and tells of each that failed', async () => {
    const files = []
    for (let n = 0; n < 300; n += 1) {
      const bytes = randomBytes(n === 7 ? 4_000_000 : 100 + n)
      const path = await fileOf(bytes, `f${n}`)
      files.push({ path, address: `sp://vision/d/f${n}`, sizeBytes: bytes.length, bytes })
    }
    const missing = {
      path: join(folder, 'missing'),
      address: 'sp://vision/m',
      sizeBytes: 1,
      bytes: Buffer.from(''),
    }
    const stored = await collect(signpost.uploadFiles([...files, missing], parts))
    assert.equal(stored.length, 301)
    assert.deepEqual(
      stored.filter((result) => !result.ok).map((result) => result.file),
      [missing],
    )
    assert.ok(rim.log.filter((line) => line.endsWith('/urls/batch')).length <= 6)
    assert.ok(!rim.log.includes('API POST /urls'))

    const wanted = files.map((file, n) => ({ ...file, path: join(folder, 'deep', 'er', `c${n}`) }))
    const read = await collect(signpost.downloadFiles(wanted, ranges))
    assert.ok(read.every((result) => result.ok))
    for (const { path, bytes } of wanted) assert.ok(bytes.equals(await readFile(path)), path)
    assert.equal((await readdir(join(folder, 'deep', 'er'))).length, 300)
  })

  it('stops taking files when its reader leaves', async () => {
    let taken = 0
    async function* files() {
      for (; taken < 5000; taken += 1) {
        yield {
          path: await fileOf(randomBytes(10), `f${taken}`),
          address: `sp://vision/${taken}`,
          sizeBytes: 10,
        }
      }
    }
    for await (const result of signpost.uploadFiles(files())) {
      assert.ok(result.ok)
      break
    }
    assert.ok(taken < 2000, `${taken}`)
  })
})
