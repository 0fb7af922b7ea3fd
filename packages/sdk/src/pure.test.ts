import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, parseAddress } from './address.ts'
import { createLiveUrl } from './live-url.ts'
import { parseNdjson } from './ndjson.ts'
import { parseContentRange } from './open-object.ts'
import { createMeter, type Progress } from './progress.ts'
import { backoffMs } from './retry.ts'
import { redactUrl } from './transfer-error.ts'
import { collect } from './testing/rim.ts'
import { createCutter } from './upload-source.ts'
import type { IssuedUrl } from '@signpost/contract'

describe('an address', () => {
  it('takes the key as it stands', () => {
    for (const key of ['', 'a/b c', '100%?#', '/lead', 'a//b', 'ü\n']) {
      const address = { team: 'vision', key }
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }
    assert.deepEqual(parseAddress('sp://vision'), { team: 'vision', key: '' })
  })

  it('is refused when it is none', () => {
    for (const text of ['', 'vision/a', 's3://vision/a', 'sp:///a', 'sp://'])
      assert.throws(() => parseAddress(text), { code: 'invalid', field: 'address' }, text)
  })
})

describe('NDJSON', () => {
  const streamOf = (bytes: Uint8Array, size: number) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size))
        controller.close()
      },
    })

  it('is the same however it is split', async () => {
    const bytes = new TextEncoder().encode('{"a":1}\n\n{"b":"zwölf €"}\r\n[3]\n4')
    for (let size = 1; size <= bytes.length; size += 1) {
      assert.deepEqual(await collect(parseNdjson(streamOf(bytes, size))), [
        { a: 1 },
        { b: 'zwölf €' },
        [3],
        4,
      ])
    }
  })

  it('does not take a line that is cut off for a whole one', async () => {
    await assert.rejects(
      collect(parseNdjson(streamOf(new TextEncoder().encode('{"a":1}\n{"b":'), 4))),
      SyntaxError,
    )
  })

  it('pulls no more than is read, and cancels the stream when its reader leaves', async () => {
    let pulled = 0
    let cancelled = false
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => controller.enqueue(new TextEncoder().encode(`${++pulled}\n`)),
        cancel: () => void (cancelled = true),
      },
      { highWaterMark: 0 },
    )
    for await (const line of parseNdjson(stream)) if (line === 3) break
    assert.equal(pulled, 3)
    assert.ok(cancelled)
  })
})

describe('a URL that is kept alive', () => {
  const urlUntil = (ms: number) => ({ expiresAt: new Date(ms).toISOString() }) as IssuedUrl

  it('is asked for once by all who need it, and again shortly before its end', async () => {
    let now = 0
    let asked = 0
    const live = createLiveUrl(
      async () => urlUntil(now + 60_000 + asked++),
      () => now,
    )
    const [first, second] = await Promise.all([live.get(), live.get()])
    assert.equal(first, second)
    now = 54_000
    assert.equal(await live.get(), first)
    now = 55_001
    assert.notEqual(await live.get(), first)
    assert.equal(asked, 2)
  })

  it('is used even if this clock takes it for dead already', async () => {
    let asked = 0
    const live = createLiveUrl(
      async () => urlUntil(++asked),
      () => 1_000_000,
    )
    assert.equal(await live.get(), await live.get())
    assert.equal(asked, 1)
  })

  it('is asked for again when the store refused it, once for all who say so', async () => {
    let asked = 0
    const live = createLiveUrl(
      async () => urlUntil(1_000_000 + ++asked),
      () => 0,
    )
    const dead = await live.get()
    live.drop(dead)
    const next = await live.get()
    live.drop(dead)
    assert.equal(await live.get(), next)
    assert.equal(asked, 2)
  })
})

it('cuts a stream into pieces of the wished size', async () => {
  async function* chunks() {
    for (const size of [3, 0, 5, 1, 7]) yield new Uint8Array(size).fill(size)
  }
  const cutter = createCutter(chunks(), undefined)
  const sizes = []
  for (let piece = await cutter.take(4); piece.length > 0; piece = await cutter.take(4))
    sizes.push(piece.length)
  assert.deepEqual(sizes, [4, 4, 4, 4])
})

it('stops waiting for a stream when the signal aborts', async () => {
  const abort = new AbortController()
  const never: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
  }
  const cutter = createCutter(never, abort.signal)
  setTimeout(() => abort.abort(new Error('enough')), 5)
  await assert.rejects(cutter.take(1), /enough/)
})

it('sums progress over pieces, and takes back what has to be sent again', () => {
  const seen: Progress[] = []
  const meter = createMeter(10, (progress) => seen.push(progress))
  const first = meter.piece()
  const second = meter.piece()
  first(4)
  second(3)
  second(0)
  second(6)
  assert.deepEqual(
    seen.map(({ transferredBytes }) => transferredBytes),
    [4, 7, 4, 10],
  )
})

it('waits twice as long with each try, with jitter, and never longer than the limit', () => {
  const policy = { retries: 5, baseMs: 100, maxMs: 1000 }
  assert.deepEqual(
    [0, 1, 2, 3, 4, 10].map((attempt) => backoffMs(policy, attempt, () => 1)),
    [100, 200, 400, 800, 1000, 1000],
  )
  assert.equal(
    backoffMs(policy, 1, () => 0),
    100,
  )
})

it('reads a content range', () => {
  assert.deepEqual(parseContentRange('bytes 5-9/20'), { start: 5, end: 10, sizeBytes: 20 })
  for (const text of [null, '', 'bytes */20', 'bytes 5-9/*']) assert.equal(parseContentRange(text), undefined)
})

it('shows a URL without its credential', () => {
  assert.equal(redactUrl('https://u:p@s3.example/b/k?X-Amz-Signature=cafe#f'), 'https://s3.example/b/k?…')
  assert.equal(redactUrl('https://s3.example/b/k'), 'https://s3.example/b/k')
  assert.equal(redactUrl('nonsense?sig=cafe'), '(not a URL)')
})
