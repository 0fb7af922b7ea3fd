import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createSignpost, SignpostError, TransferError, type Progress, type Signpost } from './index.ts'
import { collect, etagOf, openRim, problem, storeError, type Rim } from './testing/rim.ts'

describe('the client over fetch', () => {
  let rim: Rim
  let signpost: Signpost

  before(async () => {
    rim = await openRim()
    signpost = createSignpost({ url: rim.url, token: 'sp_test', retryBaseMs: 1 })
  })
  beforeEach(() => {
    rim.objects.clear()
    rim.uploads.clear()
    rim.log.length = 0
    rim.fault = rim.apiFault = undefined
    rim.lifeMs = 3_600_000
    rim.clock = Date.now
    rim.partSizeBytes = 1000
  })
  after(() => rim.close())

  const small = { singlePutMaxBytes: 1000 }

  it('asks for a URL', async () => {
    const issued = await signpost.url('vision', { action: 'write', key: 'a b/c' })
    assert.equal(issued.method, 'PUT')
    assert.match(issued.url, /\/store\/a%20b\/c\?/)
  })

  it('sends 10,001 URL requests as two batches and answers each in order', async () => {
    const items = Array.from({ length: 10_001 }, (_, n) => ({ action: 'read' as const, key: `k${n}` }))
    let next = 0
    for await (const result of signpost.urls('vision', items)) {
      assert.ok(result.ok)
      assert.equal(result.index, next)
      assert.ok(result.url.url.includes(`/store/k${next}?`))
      next += 1
    }
    assert.equal(next, 10_001)
    assert.deepEqual(rim.log, ['API POST /urls/batch', 'API POST /urls/batch'])
  })

  it('gives a bad item of a batch its own error', async () => {
    const results = await collect(
      signpost.urls('vision', [
        { action: 'read', key: 'good' },
        { action: 'read', key: 'bad' },
        { action: 'read', key: 'good' },
      ]),
    )
    assert.deepEqual(
      results.map((result) => result.ok || result.error.code),
      [true, 'invalid_key', true],
    )
  })

  it('asks again only for the URLs that did not come when the answer broke off', async () => {
    let broken = false
    rim.apiFault = (_, response) => {
      if (broken) return false
      broken = true
      void signpost.url('vision', { action: 'read', key: 'k0' }).then((url) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.write(`${JSON.stringify({ index: 0, ...url })}\n{"index":1,"gra`, () => response.destroy())
      })
      return true
    }
    const items = ['k0', 'k1', 'k2'].map((key) => ({ action: 'read' as const, key }))
    const results = await collect(signpost.urls('vision', items))
    assert.deepEqual(
      results.map((result) => [result.ok, result.index]),
      [
        [true, 0],
        [true, 1],
        [true, 2],
      ],
    )
  })

  it('turns a problem document into an error with its code and request id', async () => {
    rim.apiFault = (_, response) => problem(response, 403, 'forbidden', 'Not for you')
    await assert.rejects(signpost.url('vision', { action: 'read', key: 'a' }), (error) => {
      assert.ok(error instanceof SignpostError)
      assert.deepEqual([error.code, error.message, error.requestId], ['forbidden', 'Not for you', 'req-1'])
      return true
    })
  })

  it('says that an answer does not come from Signpost', async () => {
    rim.apiFault = (_, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>') && true
    await assert.rejects(signpost.url('vision', { action: 'read', key: 'a' }), {
      name: 'TransferError',
      code: 'bad_reply',
      status: 404,
    })
  })

  it('tries again while the server is busy, with the same idempotency key', async () => {
    const keys: unknown[] = []
    rim.apiFault = (request, response) => {
      keys.push(request.headers['idempotency-key'])
      return keys.length < 3 && problem(response, 503, 'record_unavailable', 'Later')
    }
    await signpost.call('openUpload', { params: { team: 'vision' }, body: { key: 'a' } })
    assert.equal(keys.length, 3)
    assert.equal(new Set(keys).size, 1)
    assert.match(String(keys[0]), /^[0-9a-f]{32}$/)
  })

  it('never lets a path parameter climb to another route', async () => {
    await assert.rejects(signpost.remove('sp://vision/a/../../members'), { code: 'invalid_key' })
    await assert.rejects(signpost.call('getTeam', { params: { team: '..' } }), { code: 'invalid' })
    assert.deepEqual(rim.log, [])
  })

  it('stores and reads a small object by one request each', async () => {
    const sent = await signpost.upload('sp://vision/a', new TextEncoder().encode('hello'))
    assert.deepEqual([sent.sizeBytes, sent.uploadId], [5, null])
    const object = await signpost.download('sp://vision/a')
    assert.equal(object.sizeBytes, 5)
    assert.equal(new TextDecoder().decode(await object.bytes()), 'hello')
    assert.equal(rim.log.filter((line) => line.startsWith('STORE')).length, 2)
  })

  it('stores and reads an empty object', async () => {
    await signpost.upload('sp://vision/empty', new Uint8Array(0))
    assert.equal((await (await signpost.download('sp://vision/empty')).bytes()).length, 0)
    const stream = (await signpost.download('sp://vision/empty')).stream()
    assert.deepEqual(await collect(stream), [])
  })

  it('stores a large object in parts, and its progress sums up to its size', async () => {
    const bytes = randomBytes(4321)
    const seen: Progress[] = []
    const result = await signpost.upload('sp://vision/big', new Blob([bytes]), {
      ...small,
      onProgress: (progress) => seen.push(progress),
    })
    assert.deepEqual(rim.objects.get('big'), bytes)
    assert.equal(result.sizeBytes, 4321)
    assert.partialDeepStrictEqual(seen.at(-1), { transferredBytes: 4321, totalBytes: 4321 })
  })

  it('stores a stream of unknown length, whatever the sizes of its chunks', async () => {
    const bytes = randomBytes(8 * 1024 * 1024 + 4321)
    rim.partSizeBytes = 3_000_000
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 77_777) controller.enqueue(bytes.subarray(at, at + 77_777))
        controller.close()
      },
    })
    const result = await signpost.upload('sp://vision/stream', stream)
    assert.ok(rim.objects.get('stream')?.equals(bytes))
    assert.equal(result.sizeBytes, bytes.length)
    assert.ok(result.uploadId)
  })

  it('stores a short stream by one PUT', async () => {
    async function* chunks() {
      yield new TextEncoder().encode('hel')
      yield new TextEncoder().encode('lo')
    }
    assert.equal((await signpost.upload('sp://vision/short', chunks())).uploadId, null)
    assert.equal(rim.objects.get('short')?.toString(), 'hello')
  })

  it('tries a part again that failed twice with 500', async () => {
    let failures = 0
    rim.fault = (_, response, what) =>
      what.endsWith('part=2') && failures++ < 2 && storeError(response, 500, 'InternalError', 'Oops')
    const bytes = randomBytes(2500)
    await signpost.upload('sp://vision/big', bytes, small)
    assert.deepEqual(rim.objects.get('big'), bytes)
    assert.equal(rim.log.filter((line) => line.endsWith('part=2')).length, 3)
  })

  it('goes on after a connection was reset', async () => {
    let resets = 0
    rim.fault = (request, _, what) => {
      if (!what.endsWith('part=3') || resets++ > 1) return false
      request.socket.resetAndDestroy()
      return true
    }
    const bytes = randomBytes(2500)
    await signpost.upload('sp://vision/big', bytes, small)
    assert.deepEqual(rim.objects.get('big'), bytes)
  })

  it('asks for another URL when one died, without counting it as a failure', async () => {
    const once = createSignpost({ url: rim.url, token: 'sp_test', retries: 0 })
    const died = new Set<string>()
    rim.fault = (_, response, what) => {
      if (died.has(what)) return false
      died.add(what)
      return storeError(response, 403, 'AccessDenied', 'Request has expired')
    }
    const bytes = randomBytes(2500)
    await once.upload('sp://vision/big', bytes, small)
    assert.deepEqual(rim.objects.get('big'), bytes)
    assert.equal(died.size, 3)
  })

  it('survives URLs that live for a moment only', async () => {
    let now = Date.now()
    rim.clock = () => now
    rim.lifeMs = 30
    rim.fault = () => {
      now += 20
      return false
    }
    const bytes = randomBytes(6500)
    const own = createSignpost({ url: rim.url, token: 'sp_test', retryBaseMs: 1, clock: () => now })
    await own.upload('sp://vision/big', bytes, { ...small, concurrency: 1 })
    assert.deepEqual(rim.objects.get('big'), bytes)
  })

  it('says what the store answered, and never the signature', async () => {
    rim.fault = (_, response) => storeError(response, 403, 'SignatureDoesNotMatch', 'Not cafe')
    await assert.rejects(signpost.upload('sp://vision/a', randomBytes(5)), (error) => {
      assert.ok(error instanceof TransferError)
      assert.deepEqual(
        [error.code, error.status, error.storeCode],
        ['store_refused', 403, 'SignatureDoesNotMatch'],
      )
      assert.ok(!error.message.includes('cafe'), error.message)
      assert.match(error.message, /refused PUT http:.*\/store\/a\?… with 403 SignatureDoesNotMatch/)
      return true
    })
  })

  it('resumes an upload and does not send again what has arrived', async () => {
    const bytes = randomBytes(4500)
    let uploadId = ''
    rim.fault = (_, response, what) => what.endsWith('part=4') && storeError(response, 400, 'Broken', 'No')
    await assert.rejects(
      signpost.upload('sp://vision/big', bytes, {
        ...small,
        concurrency: 1,
        onUpload: (id) => (uploadId = id),
      }),
      (error) => error instanceof TransferError && error.uploadId === uploadId,
    )
    rim.fault = undefined
    rim.log.length = 0
    const seen: Progress[] = []
    const onProgress = (progress: Progress) => seen.push(progress)
    const options = { ...small, resume: { uploadId }, onProgress }
    const result = await signpost.upload('sp://vision/big', bytes, options)
    const there = { transferredBytes: 3000, keptBytes: 3000, resumedBytes: 3000 }
    assert.partialDeepStrictEqual(seen[0], there)
    assert.partialDeepStrictEqual(seen.at(-1), { keptBytes: 4500, resumedBytes: 3000 })
    assert.deepEqual(rim.objects.get('big'), bytes)
    assert.equal(result.uploadId, uploadId)
    assert.deepEqual(rim.log.filter((line) => line.startsWith('STORE')).toSorted(), [
      'STORE PUT big?part=4',
      'STORE PUT big?part=5',
    ])
  })

  it('does not resume an upload of another size', async () => {
    const { uploadId } = await signpost.call('openUpload', {
      params: { team: 'vision' },
      body: { key: 'big', sizeBytes: 10 },
    })
    await assert.rejects(signpost.upload('sp://vision/big', randomBytes(11), { resume: { uploadId } }), {
      code: 'resume_mismatch',
      uploadId,
    })
  })

  it('drops the upload when that was asked for', async () => {
    rim.fault = (_, response) => storeError(response, 400, 'Broken', 'No')
    await assert.rejects(
      signpost.upload('sp://vision/big', randomBytes(2500), { ...small, abortOnFailure: true }),
    )
    assert.equal([...rim.uploads.values()][0]?.state, 'aborted')
  })

  it('ends with the reason of the signal', async () => {
    const abort = new AbortController()
    rim.fault = () => {
      abort.abort(new Error('enough'))
      return new Promise(() => {})
    }
    const upload = signpost.upload('sp://vision/big', randomBytes(9000), { ...small, signal: abort.signal })
    await assert.rejects(upload, /enough/)
  })

  it('reads a large object by several ranges, as bytes, Blob and stream', async () => {
    const bytes = randomBytes(9500)
    rim.objects.set('big', bytes)
    const seen: Progress[] = []
    const options = { rangeBytes: 1000, onProgress: (progress: Progress) => seen.push(progress) }
    assert.ok(bytes.equals(await (await signpost.download('sp://vision/big', options)).bytes()))
    assert.partialDeepStrictEqual(seen.at(-1), { transferredBytes: 9500, totalBytes: 9500 })
    const blob = await (await signpost.download('sp://vision/big', options)).blob()
    assert.deepEqual([blob.size, blob.type], [9500, 'text/plain'])
    const chunks = await collect((await signpost.download('sp://vision/big', options)).stream())
    assert.ok(bytes.equals(Buffer.concat(chunks)))
    assert.equal(rim.log.filter((line) => line === 'API POST /urls').length, 3)
  })

  it('goes on where a range broke off', async () => {
    const bytes = randomBytes(5000)
    rim.objects.set('big', bytes)
    let broken = false
    rim.fault = (_, response, what) => {
      if (broken || !what.includes('bytes=2000-')) return false
      broken = true
      response.writeHead(206, {
        etag: etagOf(bytes),
        'content-range': 'bytes 2000-2999/5000',
        'content-length': 1000,
      })
      response.write(bytes.subarray(2000, 2500), () => setTimeout(() => response.destroy(), 20))
      return true
    }
    const object = await signpost.download('sp://vision/big', { rangeBytes: 1000 })
    assert.ok(bytes.equals(await object.bytes()))
    assert.ok(rim.log.includes('STORE GET big bytes=2500-2999'), 'the rest of the range was asked for')
  })

  it('refuses to put together an object that changed in between', async () => {
    rim.objects.set('big', randomBytes(5000))
    rim.fault = (_, __, what) => {
      if (what.includes('bytes=3000-')) rim.objects.set('big', randomBytes(5000))
      return false
    }
    const object = await signpost.download('sp://vision/big', { rangeBytes: 1000, concurrency: 1 })
    await assert.rejects(object.bytes(), { code: 'object_changed' })
  })

  it('asks for another URL when one died between ranges', async () => {
    const bytes = randomBytes(5000)
    rim.objects.set('big', bytes)
    let died = false
    rim.fault = (_, response, what) => {
      if (died || !what.includes('bytes=3000-')) return false
      died = true
      return storeError(response, 400, 'ExpiredToken', 'The provided token has expired.')
    }
    const object = await signpost.download('sp://vision/big', { rangeBytes: 1000 })
    assert.ok(bytes.equals(await object.bytes()))
  })

  it('lists page by page, and removes', async () => {
    for (const key of ['a', 'b', 'c']) rim.objects.set(key, Buffer.from(key))
    const keys = []
    for await (const entry of signpost.list('vision', { pageSize: 2 })) keys.push('key' in entry && entry.key)
    assert.deepEqual(keys, ['a', 'b', 'c'])
    await signpost.remove('sp://vision/b')
    assert.deepEqual([...rim.objects.keys()], ['a', 'c'])
  })
})
