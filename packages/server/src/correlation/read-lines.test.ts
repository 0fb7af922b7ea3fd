import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { constants, createGunzip, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import type { LogFormat } from './access-log-record.ts'
import { readLines, type LogPiece } from './read-lines.ts'
import { cutAtFrameEnds } from './zstd-frames.ts'

const limits = { lineBytesMax: 100, fileBytesMax: 10_000 }

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function read(
  bytes: Uint8Array | string,
  shape: LogFormat['shape'] = 'lines',
  size = 7,
): Promise<LogPiece[]> {
  const pieces: LogPiece[] = []
  for await (const some of readLines(chunksOf(Buffer.from(bytes), size), shape, limits)) pieces.push(...some)
  return pieces
}

const texts = (...values: string[]) => values.map((text) => ({ text }))

test('takes LF, CRLF, a byte order mark, empty lines, and no end of the last line', async () => {
  for (const size of [1, 2, 3, 100]) {
    assert.deepEqual(await read('\ufeffa\r\nb\n\nüc', 'lines', size), texts('a', 'b', '', 'üc'))
    assert.deepEqual(await read('a\n', 'lines', size), texts('a'))
    assert.deepEqual(await read('', 'lines', size), [])
  }
})

test('unpacks gzip and zstd, also several members one after another', async () => {
  for (const pack of [gzipSync, zstdCompressSync]) {
    assert.deepEqual(await read(pack('a\nb\n')), texts('a', 'b'))
    const joined = Buffer.concat([pack('a\n'), pack('b\n'), pack('c'.repeat(90))])
    for (const size of [1, 7, 1000])
      assert.deepEqual(await read(joined, 'lines', size), texts('a', 'b', 'c'.repeat(90)))
    // Cut off in the last of them; and something else behind it.
    const broken = { problem: 'compression' }
    assert.deepEqual((await read(joined.subarray(0, joined.length - 3), 'lines', 1000)).at(-1), broken)
  }
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  const pzstd = [skippable, zstdCompressSync('a\n'), skippable, zstdCompressSync('b\n')]
  for (const size of [1, 7, 1000])
    assert.deepEqual(await read(Buffer.concat(pzstd), 'lines', size), texts('a', 'b'))
  const garbage = Buffer.concat([zstdCompressSync('a\n'), Buffer.from('garbage')])
  assert.deepEqual(await read(garbage), [{ text: 'a' }, { problem: 'compression' }])
})

test('says so where this Node has no zstd', async () => {
  const source = chunksOf(zstdCompressSync('a\n'), 1000)
  const pieces: LogPiece[] = []
  for await (const some of readLines(source, 'lines', limits, { createGunzip })) pieces.push(...some)
  assert.deepEqual(pieces, [{ problem: 'no-zstd' }])
})

test('cuts frames of every layout where they end', async () => {
  const parameters = [
    {},
    { [constants.ZSTD_c_checksumFlag]: 1 },
    { [constants.ZSTD_c_contentSizeFlag]: 0 },
    { [constants.ZSTD_c_windowLog]: 20, [constants.ZSTD_c_checksumFlag]: 1 },
  ]
  // Stored, repeated and compressed blocks, of one and of many to a frame.
  const contents = ['', 'a', 'x'.repeat(400_000), randomBytes(300_000), 'some words, '.repeat(50_000)]
  const frames = parameters.flatMap((params) => contents.map((text) => zstdCompressSync(text, { params })))
  for (const size of [4099, 10_000_000]) {
    let ends = 0
    const wanted = frames.map((frame) => (ends += frame.length))
    let at = 0
    const cuts = new Set<number>()
    for await (const piece of cutAtFrameEnds(chunksOf(Buffer.concat(frames), size) as AsyncIterable<Buffer>))
      cuts.add((at += piece.length))
    assert.deepEqual(
      wanted.filter((end) => !cuts.has(end)),
      [],
    )
    assert.equal(at, ends)
  }
})

test('tells what is broken in a packed file after what came before it', async () => {
  for (const pack of [gzipSync, zstdCompressSync]) {
    const packed = pack(`${'a\n'.repeat(20)}${Array.from({ length: 300 }, (_, at) => at * 7919).join('\n')}`)
    const broken = await read(packed.subarray(0, packed.length - 20))
    assert.deepEqual(broken.at(-1), { problem: 'compression' })
    const flipped = Buffer.from(packed)
    flipped[30]! ^= 0xff
    assert.deepEqual((await read(flipped)).at(-1), { problem: 'compression' })
  }
})

test('throws what its source throws, packed or not', async () => {
  const failing = async function* (first: Uint8Array): AsyncGenerator<Uint8Array> {
    yield first
    throw new Error('the bucket is gone')
  }
  for (const first of [Buffer.from('a\nb'), gzipSync('a\nb').subarray(0, 15)])
    await assert.rejects(async () => {
      for await (const some of readLines(failing(first), 'lines', limits)) assert.ok(some)
    }, /the bucket is gone/)
})

test('counts a line that is too long, and goes on with the next', async () => {
  const long = 'x'.repeat(101)
  assert.deepEqual(await read(`a\n${long}\nb\n${long}`), [
    { text: 'a' },
    { problem: 'too-long' },
    { text: 'b' },
    { problem: 'too-long' },
  ])
  const record = `{"a":"${long}"}`
  assert.deepEqual(await read(`{"b":1}${record}{"c":1}`, 'json'), [
    { text: '{"b":1}' },
    { problem: 'too-long' },
    { text: '{"c":1}' },
  ])
})

test('stops at what a file may unpack to', async () => {
  const pieces = await read(gzipSync('a\n'.repeat(100_000)), 'lines', 100_000)
  assert.deepEqual(pieces.at(-1), { problem: 'too-large' })
  assert.ok(pieces.length <= 5001)
})

test('holds no line in memory that is too long', async () => {
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(2 ** 20, 'x')
    for (let count = 0; count < 300; count += 1) yield chunk
  }
  for (const shape of ['lines', 'json'] as const) {
    const before = process.memoryUsage().arrayBuffers
    const pieces: LogPiece[] = []
    for await (const some of readLines(endless(), shape)) pieces.push(...some)
    assert.deepEqual(pieces, [{ problem: 'too-long' }])
    assert.ok(process.memoryUsage().arrayBuffers - before < 50 * 2 ** 20)
  }
})

test('finds records one a line, joined, in arrays, in documents and in a stream that never ends', async () => {
  const records = ['{"a":1}', '{"b":{"c":["}","\\"{"]}}', '{"d":[{"e":1},{"f":2}]}']
  for (const text of [
    records.join('\n'),
    records.join(''),
    `[${records.join(',')}]`,
    `[${records.join(',\n')},\n`,
    `[${records.join(',\n')}`,
    `{"Records":[${records.join(',')}]}`,
    `\ufeff{\n  "records": [\n    ${records.join(',\n    ')}\n  ]\n}\n`,
    `{"Records":[${records[0]}]}\n{"Records":[${records.slice(1).join(',')}]}`,
  ]) {
    for (const size of [1, 5, 1000]) assert.deepEqual(await read(text, 'json', size), texts(...records), text)
  }
})

test('a record that was cut off does not swallow those after it', async () => {
  const [one, two] = ['{"a":1}', '{"b":[{"c":1}]}']
  for (const stump of [
    '{"x":1',
    '{"x":"un',
    '{"x":1,',
    '{"x":[1',
    '{"x":[1,2',
    '{',
    '{"x":[{"y":1}',
    '{"x":"a\\',
  ]) {
    const pieces = await read(`${one}\n${stump}\n${two}\n${one}\n`, 'json')
    assert.deepEqual(pieces, texts(one, stump, two, one), stump)
  }
})

test('gives a line that is no JSON as it is', async () => {
  assert.deepEqual(
    await read('log starts 1\n{"a":1}\nnot {"b":1}\n', 'json'),
    texts('log starts 1', '{"a":1}', 'not {"b":1}'),
  )
  // Too deep for any log: read as a line.
  assert.deepEqual(await read(`{"a":${'['.repeat(300)}\n{"a":1}`, 'json'), [
    { problem: 'too-long' },
    { text: '{"a":1}' },
  ])
})

test('finds the same in any cut of the bytes', async () => {
  const json = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 }), {
    maxLength: 4,
  })
  await fc.assert(
    fc.asyncProperty(json, fc.integer({ min: 1, max: 40 }), async (values, size) => {
      const documents = values
        .map((value) => JSON.stringify(value))
        .filter((text) => Buffer.byteLength(text) <= limits.lineBytesMax && !/^\{"records"/i.test(text))
      assert.deepEqual(await read(documents.join('\n'), 'json', size), texts(...documents))
    }),
  )
})

test('what a source gives at once is taken in pieces, so that nobody waits for all of it to be parsed', async () => {
  const line = `${'a'.repeat(99)}\n`
  const bytes = Buffer.from(line.repeat(5000))
  const lengths: number[] = []
  for await (const some of readLines(chunksOf(bytes, bytes.length), 'lines')) lengths.push(some.length)
  assert.ok(Math.max(...lengths) < 700, lengths.join())
  assert.equal(
    lengths.reduce((sum, length) => sum + length),
    5000,
  )
})
