/** When a request of Google's usage log began: its end, less the time it took, where that is the time of one request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gcsUsage } from './gcs-usage.ts'

const end = Date.UTC(2026, 10, 23, 12)

function recordOf(over: Record<string, string> = {}) {
  const cells = {
    time_micros: `${end}000`,
    c_ip: '192.0.2.1',
    c_ip_type: '1',
    c_ip_region: '',
    cs_method: 'GET',
    cs_uri: '/data/a.bin?X-Goog-Signature=00',
    sc_status: '200',
    cs_bytes: '0',
    sc_bytes: '10',
    time_taken_micros: '1500000',
    cs_host: 'storage.googleapis.com',
    cs_referer: '',
    cs_user_agent: 'curl',
    s_request_id: 'r-1',
    cs_operation: 'GET_Object',
    cs_bucket: 'data',
    cs_object: 'a.bin',
    ...over,
  }
  const line = Object.values(cells)
    .map((text) => `"${text}"`)
    .join(',')
  const parsed = gcsUsage.parse(line, {})
  assert.equal(parsed.outcome, 'record', line)
  return parsed.outcome === 'record' ? parsed.record : assert.fail()
}

test('it began as long before its end as it took; the end stays what the access is told apart by', () => {
  const { at, atIs, startedAt } = recordOf()
  assert.deepEqual([at, atIs, startedAt], [end, 'end', end - 1500])
  assert.equal(recordOf({ time_taken_micros: '0' }).startedAt, end)
  assert.equal(recordOf({ time_taken_micros: '1' }).startedAt, end - 1)
  assert.equal(recordOf({ time_taken_micros: '86400000000' }).startedAt, end - 86_400_000)
})

test('what is no time, longer than a day, or of more than one request tells no beginning', () => {
  for (const taken of ['', '-', '-5', '1e6', '1.5', 'NaN', '86400000001', '9999999999999999', ' 1'])
    assert.equal(recordOf({ time_taken_micros: taken }).startedAt, null, taken)
  assert.equal(recordOf({ cs_method: 'POST' }).startedAt, null)
  for (const uri of ['/data/a.bin?upload_id=x', '/data/a.bin?X-Goog-Date=1&Upload_Id=x'])
    assert.equal(recordOf({ cs_method: 'PUT', cs_uri: uri }).startedAt, null, uri)
  assert.equal(recordOf({ cs_method: 'PUT', cs_uri: '/data/a.bin?uploadId=2~x' }).startedAt, end - 1500)
})
