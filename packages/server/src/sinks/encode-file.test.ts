/** Files, read back by others: gunzip, and a Parquet reader. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { encodeFile, fileName, isSameFile } from './encode-file.ts'
import { bareEvent, sinkEvent } from './testing/events.ts'

const ndjson = { prefix: 'audit/', format: 'ndjson', shape: 'plain' } as const
const parquet = { ...ndjson, format: 'parquet' } as const
const events = [
  sinkEvent(1, { details: { number: 5, no: null, text: 'ä' } }),
  sinkEvent(2, { key: 'größe/模型\n', partNumber: 7 }),
  { ...bareEvent('chain.open'), seq: 9_007_199_254_740_991 },
]

describe('a file of the audit trail', () => {
  test('is named by its day, its chain and what it holds', () => {
    const batch = { id: 'chain-1-1-3', firstAt: Date.parse('2026-01-02T23:59:59.999Z') }
    assert.equal(fileName(ndjson, batch), 'audit/ndjson/2026/01/02/chain-1-1-3.ndjson.gz')
    assert.equal(fileName(parquet, batch), 'audit/parquet/2026/01/02/chain-1-1-3.parquet')
    const ocsf = { ...ndjson, shape: 'ocsf' } as const
    assert.equal(fileName(ocsf, batch), 'audit/ndjson-ocsf/2026/01/02/chain-1-1-3.ndjson.gz')
  })

  test('is the same bytes each time', async () => {
    for (const settings of [ndjson, parquet])
      assert.deepEqual(await encodeFile(settings, events), await encodeFile(settings, events))
  })

  test("in NDJSON is the export's lines, each event's text byte for byte", async () => {
    const lines = gunzipSync(await encodeFile(ndjson, events))
      .toString()
      .split('\n')
    assert.equal(lines.pop(), '')
    for (const [index, one] of events.entries())
      assert.equal(
        lines[index],
        `{"chain":"chain-1","seq":${one.seq},"hash":"${one.hash}","event":${one.text}}`,
      )
  })

  test('in Parquet has a column for each field, and the text byte for byte', async () => {
    const bytes = await encodeFile(parquet, events)
    const file = bytes.slice().buffer
    const rows = await parquetReadObjects({ file })
    assert.equal(rows.length, 3)
    for (const [index, { chain, seq, hash, text, event }] of events.entries()) {
      const row = rows[index]!
      assert.deepEqual(
        [row['chain'], row['seq'], row['hash'], row['event']],
        [chain, BigInt(seq), hash, text],
      )
      assert.deepEqual(row['at'], new Date(event.at))
      for (const name of ['type', 'username', 'key', 'grantId', 'action', 'partNumber'] as const)
        assert.equal(row[name] ?? undefined, event[name], name)
      assert.equal(row['expiresAt'] === undefined || row['expiresAt'] === null, event.expiresAt === undefined)
    }
    assert.deepEqual(JSON.parse(rows[0]!['details'] as string), events[0]!.event.details)
    const types = new Map(parquetMetadata(file).schema.map((one) => [one.name, one]))
    assert.equal(types.get('seq')?.repetition_type, 'REQUIRED')
    assert.equal(types.get('at')?.converted_type, 'TIMESTAMP_MILLIS')
    assert.equal(types.get('partNumber')?.type, 'INT32')
  })

  test('with none of a field in it still has its column', async () => {
    const bytes = await encodeFile(parquet, [bareEvent('chain.open')])
    const [row] = await parquetReadObjects({ file: bytes.slice().buffer })
    assert.ok('key' in row! && 'partNumber' in row && 'expiresAt' in row)
  })

  test('is known again however it was packed, and told from another', async () => {
    const bytes = await encodeFile(ndjson, events)
    const packed = gzipSync(gunzipSync(bytes), { level: 1 })
    assert.notDeepEqual(new Uint8Array(packed), new Uint8Array(bytes))
    assert.equal(await isSameFile(ndjson, packed, bytes), true)
    assert.equal(await isSameFile(ndjson, await encodeFile(ndjson, events.slice(1)), bytes), false)
    assert.equal(await isSameFile(ndjson, Buffer.from('what'), bytes), false)
    assert.equal(await isSameFile(parquet, await encodeFile(parquet, events.slice(1)), bytes), false)
  })
})
