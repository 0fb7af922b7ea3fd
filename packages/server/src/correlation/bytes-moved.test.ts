/** Of each log that tells it, the bytes of a write are found; of the others they are unknown, and never 0. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccessLogRecord } from './access-log-record.ts'
import { bytesMoved } from './bytes-moved.ts'
import { formatNamed } from './formats/index.ts'
import type { Access } from './formats/testing/made-access.ts'
import { makers } from './formats/testing/made-lines.ts'

const access: Access = {
  bucket: 'runs',
  key: 'a/b',
  method: 'PUT',
  status: 200,
  at: 1_800_000_000_000,
  address: '192.0.2.7',
  agent: 'curl/8.5',
  username: 'alice',
  grantId: '0197a000-0000-7000-8000-000000000001',
  signature: 'f'.repeat(64),
  token: 't'.repeat(64),
}

function recordOf(format: string, change: (text: string) => string, over: Partial<Access> = {}) {
  const { text, context } = makers.find((maker) => maker.format === format)!.make({ ...access, ...over })
  const parsed = formatNamed(format)!.parse(change(text), context)
  if (parsed.outcome !== 'record') assert.fail(JSON.stringify(parsed))
  return parsed.record
}

const merged = (fields: object) => (text: string) => {
  const entry = JSON.parse(text) as Record<string, unknown>
  for (const [name, value] of Object.entries(fields))
    entry[name] = typeof value === 'object' ? { ...(entry[name] as object), ...value } : value
  return JSON.stringify(entry)
}
/** Columns 12 and 13, and the operation. */
const columns = (sent: string, size: string, operation?: string) => (text: string) =>
  text
    .replace(/(" \d{3} -) 12 12 /, `$1 ${sent} ${size} `)
    .replace(/REST\.\w+\.OBJECT/, (named) => operation ?? named)

/** How each log says that 7,654,321 bytes came. */
const tells: Readonly<Record<string, (text: string) => string>> = {
  's3-server-access': columns('-', '7654321'),
  'local-store': columns('-', '7654321'),
  'ceph-bucket-logging': columns('512', '7654321'),
  cloudtrail: merged({ additionalEventData: { bytesTransferredIn: 7_654_321, bytesTransferredOut: 5 } }),
  'gcs-usage': (text) => text.replace('"1","2","3"', '"7654321","2","3"'),
  'azure-resource': merged({ properties: { requestBodySize: 7_654_321, responseBodySize: 5 } }),
  'storage-blob-logs': merged({ RequestBodySize: 7_654_321, ResponseBodySize: 5 }),
  'azure-event-grid': merged({ data: { contentLength: 7_654_321 } }),
  minio: merged({ api: { rx: 7_654_321, tx: 5 } }),
  'ceph-ops': merged({ bytes_received: 7_654_321, bytes_sent: 5 }),
  versitygw: merged({ ObjectSize: 7_654_321, BytesSent: 5 }),
  r2: merged({ request: { bytes: 7_654_321 }, response: { bytes: 5 } }),
}

for (const { format } of makers)
  describe(format, () => {
    const tell = tells[format]
    if (tell) {
      test('tells how much was written', () => {
        assert.equal(bytesMoved(recordOf(format, tell)), 7_654_321)
      })
      test('is unknown where the field is not there', () => {
        const untold = (text: string) =>
          format === 'gcs-usage' ? text.replace('"1","2","3"', '"","2","3"') : columns('-', '-')(text)
        assert.equal(bytesMoved(recordOf(format, untold)), null)
      })
    } else
      test('does not tell how much was written', () => {
        const record = recordOf(format, (text) => text)
        assert.deepEqual([record.action, bytesMoved(record)], ['write', null])
      })
  })

test('S3: parts are counted, and not once more when they are put together; copies bring nothing', () => {
  const of = (operation: string, size: string) =>
    bytesMoved(recordOf('s3-server-access', columns('355', size, operation)))
  assert.equal(of('REST.PUT.PART', '8388608'), 8_388_608)
  assert.equal(of('REST.POST.OBJECT', '77'), 77)
  for (const operation of ['REST.POST.UPLOADS', 'REST.POST.UPLOAD', 'REST.COPY.OBJECT', 'REST.COPY.PART'])
    assert.equal(of(operation, '700156671'), 0, operation)
})

test('S3: the short and the long way through a line tell the same', () => {
  for (const [sent, size] of [
    ['-', '-'],
    ['0', '0'],
    ['12', '-'],
    ['-', '7'],
  ] as const) {
    const short = recordOf('s3-server-access', columns(sent, size))
    const long = recordOf('s3-server-access', columns(sent, size), {
      key: 'a b',
    })
    assert.deepEqual([short.bytesSent, short.bytesReceived], [long.bytesSent, long.bytesReceived])
  }
})

test('versitygw: 0 stands where nobody set it, and the size of what is read is no write', () => {
  assert.equal(bytesMoved(recordOf('versitygw', merged({ ObjectSize: 0 }))), null)
  const read = recordOf('versitygw', merged({ ObjectSize: 9, BytesSent: 4 }), { method: 'GET' })
  assert.equal(bytesMoved(read), 4)
})

test('of a read it is what was sent; what moves nothing of an object is 0', () => {
  const told: AccessLogRecord = recordOf('s3-server-access', columns('12', '99'), { method: 'GET' })
  const of = (over: Partial<AccessLogRecord>) => bytesMoved({ ...told, ...over })
  assert.equal(of({}), 12)
  // S3 writes `-` for zero.
  assert.equal(bytesMoved(recordOf('s3-server-access', columns('-', '99'), { method: 'GET' })), 0)
  assert.equal(of({ bytesSent: null }), null)
  assert.equal(of({ bytesSent: null, method: 'HEAD' }), 0)
  assert.equal(of({ bytesSent: null, action: 'delete' }), 0)
  assert.equal(of({ bytesSent: null, succeeded: false }), 0)
  assert.equal(of({ action: 'write', bytesReceived: null, bytesSent: 5 }), null)
  assert.equal(of({ action: 'write', bytesReceived: null, succeeded: false }), 0)
})
