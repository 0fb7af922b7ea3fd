import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AccessLogRecord, LineContext } from '../access-log-record.ts'
import { s3ServerAccess } from './s3-server-access.ts'

const samples = join(import.meta.dirname, '../../../../../tests/data/access-logs')
const lines = (file: string) => readFileSync(join(samples, file), 'utf8').split('\n').filter(Boolean)

function recordOf(line: string, context: LineContext = {}): AccessLogRecord {
  const parsed = s3ServerAccess.parse(line, context)
  assert.equal(parsed.outcome, 'record', JSON.stringify(parsed))
  return (parsed as { record: AccessLogRecord }).record
}

const signature = 'X'.repeat(32)
const signedQuery = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Grant=g-1&X-User=alice%40example.com&X-Amz-Signature=${signature}`

interface Columns {
  bucket: string
  requester: string
  operation: string
  key: string
  request: string
  status: string
  referer: string
  agent: string
  rest: string
}

const rest =
  '- hostid= SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString team-vision.s3.us-east-1.amazonaws.com TLSV1.2 - -'

function line(more: Partial<Columns> = {}): string {
  const columns: Columns = {
    bucket: 'team-vision',
    requester: 'arn:aws:sts::123456789012:assumed-role/signer/alice',
    operation: 'REST.GET.OBJECT',
    key: 'runs/1/model.bin',
    request: `"GET /runs/1/model.bin?${signedQuery} HTTP/1.1"`,
    status: '200 - 1024 1024 12 10',
    referer: '"-"',
    agent: '"curl/8.5"',
    rest,
    ...more,
  }
  const { bucket, requester, operation, key, request, status, referer, agent } = columns
  return `79a5 ${bucket} [23/Nov/2026:12:00:01 +0000] 192.0.2.3 ${requester} 3E57427F3EXAMPLE ${operation} ${key} ${request} ${status} ${referer} ${agent} ${columns.rest}`
}

test('reads a pre-signed read', () => {
  const record = recordOf(line())
  assert.deepEqual(
    { ...record, doubts: [...record.doubts] },
    {
      identity: '3E57427F3EXAMPLE,REST.GET.OBJECT,runs/1/model.bin,-',
      at: Date.UTC(2026, 10, 23, 12, 0, 1),
      atIs: 'start',
      startedAt: null,
      bucket: 'team-vision',
      account: null,
      key: 'runs/1/model.bin',
      action: 'read',
      operation: 'REST.GET.OBJECT',
      method: 'GET',
      status: 200,
      succeeded: true,
      errorCode: null,
      address: '192.0.2.3',
      agent: 'curl/8.5',
      requestId: '3E57427F3EXAMPLE',
      signers: ['arn:aws:sts::123456789012:assumed-role/signer/alice'],
      urlSigner: 'AKIDEXAMPLE',
      authentication: 'query',
      markers: { user: ['alice@example.com'], grant: ['g-1'] },
      oddNames: [],
      signedAt: Date.UTC(2026, 10, 23, 12),
      expiresAt: Date.UTC(2026, 10, 23, 13),
      bytesSent: 1024,
      bytesReceived: null,
      uploadId: null,
      partNumber: null,
      doubts: [],
    },
  )
})

test('reads every published sample: 18, 24, 26 and more columns', () => {
  for (const file of [
    'awsdocs-logformat',
    'logstash-patterns-spec',
    'otel-valid-multi',
    'otel-too-many-values',
  ]) {
    for (const text of lines(`aws-s3-access/${file}.log`)) {
      const record = recordOf(text)
      assert.deepEqual(record.doubts, [], text)
      assert.equal(record.status, Number(/" (\d{3}) /.exec(text)![1]))
      assert.ok(record.bucket !== null && record.agent !== null && record.address !== null)
    }
  }
  const put = recordOf(lines('aws-s3-access/awsdocs-logformat.log')[4]!)
  assert.deepEqual([put.key, put.action, put.authentication], ['s3-dg.pdf', 'write', 'header'])
  const legacy = recordOf(lines('aws-s3-access/logstash-patterns-spec.log')[1]!)
  assert.deepEqual(
    [legacy.key, legacy.status, legacy.succeeded, legacy.authentication, legacy.signers],
    ['foo/bar.html', 304, true, 'unknown', []],
  )
})

test('takes 18, 24, 25, 26 and more columns, and a host id with a blank', () => {
  const columns = rest.split(' ')
  for (const count of [1, 7, 8, 9, 11]) {
    const tail = [...columns, 'us-east-1', 'new'].slice(0, count).join(' ')
    const record = recordOf(line({ rest: tail }))
    assert.deepEqual([record.doubts, record.authentication], [[], 'query'], tail)
  }
  const blank = recordOf(line({ rest: rest.replace('hostid=', 'host id=') }))
  assert.deepEqual([blank.doubts, blank.authentication], [[], 'query'])
  for (const count of [2, 3, 5])
    assert.deepEqual(recordOf(line({ rest: columns.slice(0, count).join(' ') })).doubts, ['columns'])
})

test('takes the key from the path, once decoded; the key column says where it begins', () => {
  const host = (name: string) => rest.replace('team-vision.s3.us-east-1.amazonaws.com', name)
  const cases: [path: string, column: string, key: string, host?: string][] = [
    ['/a%20b.txt', 'a%2520b.txt', 'a b.txt'],
    ['/a%20b.txt', 'a%20b.txt', 'a b.txt'],
    ['/%2541.txt', '%252541.txt', '%41.txt'],
    ['/team-vision/a.txt', 'a.txt', 'a.txt', 's3.us-east-1.amazonaws.com'],
    ['/team-vision/a.txt', 'team-vision/a.txt', 'team-vision/a.txt'],
    ['/team-vision/a.txt', 'team-vision/a.txt', 'team-vision/a.txt', '-'],
    ['/a+b', 'a%252Bb', 'a+b'],
    ['/a+b', 'a%2520b', 'a b'],
    ['//a', '/a', '/a'],
    ['/-', '-', '-'],
    ['/%C3%BC%22', '%25C3%25BC%2522', 'ü"'],
  ]
  for (const [path, key, expected, hostHeader] of cases) {
    const request = `"GET ${path}?${signedQuery} HTTP/1.1"`
    const record = recordOf(line({ request, key, rest: hostHeader === undefined ? rest : host(hostHeader) }))
    assert.deepEqual([record.key, record.doubts], [expected, []], `${path} ${key}`)
  }
})

test('trusts the column, and says so, where the path names another key', () => {
  const record = recordOf(line({ key: 'other' }))
  assert.deepEqual([record.key, record.doubts], ['other', ['key']])
  const [, , third] = lines('ceph/cephdocs-bucket-logging-standard.log')
  assert.deepEqual(recordOf(third!).doubts, ['key'])
})

test('reads batch, lifecycle and copy rows', () => {
  const batch = recordOf(
    line({
      operation: 'BATCH.DELETE.OBJECT',
      key: 'a%20b%2541',
      request: '-',
      status: '204 - - - - -',
      referer: '-',
      agent: '-',
      rest: rest.replace('QueryString', 'AuthHeader'),
    }),
  )
  assert.deepEqual(
    [batch.key, batch.action, batch.method, batch.authentication, batch.doubts],
    ['a b%41', 'delete', null, 'header', []],
  )
  const expired = recordOf(
    line({
      requester: 'AmazonS3',
      operation: 'S3.EXPIRE.OBJECT',
      request: '"-"',
      status: '- - - 100 - -',
      agent: '"-"',
      rest: '- hostid= - - - - - - -',
    }),
  )
  assert.deepEqual(
    [expired.action, expired.status, expired.succeeded, expired.authentication],
    ['delete', null, true, 'unknown'],
  )
  const source = recordOf(line({ operation: 'REST.COPY.OBJECT_GET', key: 'source' }))
  assert.deepEqual([source.key, source.action], ['source', 'read'])
})

test('quotes of a client forge no column', () => {
  const forged = '- id SigV4 - QueryString team-audio.s3.amazonaws.com TLSV1.2 - -'
  const header = rest.replace('QueryString', 'AuthHeader')
  const plain = '"GET /runs/1/model.bin HTTP/1.1"'
  for (const injected of [
    `x" ${forged}`,
    `x" "y" ${forged}`,
    `" ${forged} "`,
    `x" 200 - 1 1 1 1 "-" "y" ${forged}`,
  ]) {
    for (const column of ['agent', 'referer']) {
      const record = recordOf(line({ [column]: `"${injected}"`, request: plain, rest: header }))
      assert.equal(record.authentication, 'unknown', injected)
      assert.deepEqual(record.doubts, ['quotes'], injected)
      assert.deepEqual([record.status, record.key, record.agent], [200, 'runs/1/model.bin', null])
      assert.deepEqual(record.markers.user, [])
    }
  }
  // Nor in the request line, whose URI may hold quotes and no blanks.
  const quoted = recordOf(line({ request: `"GET /runs/1/model.bin?x="&${signedQuery} HTTP/1.1"` }))
  assert.deepEqual([quoted.markers.user, quoted.authentication], [['alice@example.com'], 'query'])
  const blanks = line({
    request: `"GET /a HTTP/1.1" 200 - 1 1 1 1 "-" "x" - " HTTP/1.1"`,
    status: '403 AccessDenied 1 1 1 1',
  })
  assert.deepEqual(s3ServerAccess.parse(blanks, {}), { outcome: 'unparsed', reason: 'request-line' })
})

test('neither the URL nor the column alone makes a request pre-signed', () => {
  const header = recordOf(line({ rest: rest.replace('QueryString', 'AuthHeader') }))
  assert.deepEqual([header.authentication, header.doubts], ['unknown', ['authentication']])
  const column = recordOf(line({ request: '"GET /runs/1/model.bin?X-User=alice HTTP/1.1"' }))
  assert.deepEqual([column.authentication, column.doubts], ['unknown', ['authentication']])
  const anonymous = recordOf(
    line({
      requester: '-',
      request: '"GET /runs/1/model.bin?X-User=alice HTTP/1.1"',
      rest: '- hostid= - ECDHE - team-vision.s3.amazonaws.com TLSV1.2 - -',
    }),
  )
  assert.deepEqual([anonymous.authentication, anonymous.signers], ['none', []])
})

test('refuses what is no such line, with a reason', () => {
  const cases: [string, string][] = [
    ['nonsense', 'fields'],
    [line().replace('23/Nov/2026', '33/Nov/2026'), 'time'],
    [line().replace(' HTTP/1.1"', '"'), 'request-line'],
    [line().replace('/runs/1/model.bin?', '/runs 1/model.bin?'), 'request-line'],
    [line().replace('200 - 1024', '200 - x'), 'fields'],
  ]
  for (const [text, reason] of cases)
    assert.deepEqual(s3ServerAccess.parse(text, {}), { outcome: 'unparsed', reason }, text)
  assert.deepEqual(s3ServerAccess.parse('', {}), { outcome: 'skipped', reason: 'empty' })
})
