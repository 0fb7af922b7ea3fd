import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { detectFormat } from './detect.ts'
import { makers } from './testing/made-lines.ts'

const samples = join(import.meta.dirname, '../../../../../tests/data/access-logs')
const detected = (text: string | Buffer, fileName = 'log') => detectFormat(Buffer.from(text), fileName)?.name

const made = {
  bucket: 'team-vision',
  key: 'runs/1',
  method: 'GET' as const,
  status: 200,
  at: Date.UTC(2026, 10, 23, 12),
  address: '192.0.2.1',
  agent: 'curl/8.5',
  username: 'alice',
  grantId: 'g-1',
  signature: 's',
  token: 't',
}

test('knows the published samples, whole and cut off anywhere after their first line', () => {
  const files: [file: string, format: string][] = [
    ['aws-s3-access/awsdocs-logformat.log', 's3-server-access'],
    ['aws-cloudtrail/awsdocs-s3-0.json', 'cloudtrail'],
    ['aws-cloudtrail/awsdocs-s3-1.json', 'cloudtrail'],
    ['azure/otel-storage-read-delegationsas.json', 'azure-resource'],
    ['azure/panther-storage-sas.ndjson', 'azure-resource'],
    ['gcs/alloy-gcs-data-access.json', 'gcs-audit'],
    ['gcs/panther-gcs-data-access.ndjson', 'gcs-audit'],
    ['ceph/cephdocs-bucket-logging-standard.log', 'ceph-bucket-logging'],
    ['ceph/cephdocs-bucket-logging-journal.log', 'ceph-bucket-logging'],
  ]
  for (const [file, format] of files) {
    const bytes = readFileSync(join(samples, file))
    assert.equal(detected(bytes), format, file)
    for (let length = 1; length < bytes.length; length += 37) {
      const found = detected(bytes.subarray(0, length))
      assert.ok(found === undefined || found === format, `${file}, ${length} bytes: ${found}`)
    }
  }
})

test('knows what each log writes, and takes none for another', () => {
  for (const { format, make } of makers) {
    const { text } = make(made)
    const header = format === 'gcs-usage' ? '"time_micros","c_ip","cs_method","cs_uri"\n' : ''
    const found = detected(`${header}${text}\n${text}\n`)
    // What stands in Amazon's columns, and says nothing of its writer.
    const isOpen = ['s3-server-access', 'local-store', 'ceph-bucket-logging'].includes(format)
    assert.equal(found, isOpen ? undefined : format)
  }
})

test('the name of the object, as Amazon gives it, tells what the lines leave open', () => {
  const line = makers.find(({ format }) => format === 's3-server-access')!.make(made).text
  assert.equal(detected(line, 'logs/2026-11-23-12-00-00-0123456789ABCDEF'), 's3-server-access')
  assert.equal(detected(line, 'access.log'), undefined)
  assert.equal(detected(line.replace('79a5', '000000000000'), 'access.log'), 'local-store')
  // Nor does a name make something else of a file.
  assert.equal(detected('{"a":1}', 'logs/2026-11-23-12-00-00-0123456789ABCDEF'), undefined)
})

test('does not guess', () => {
  const cloudTrail = makers.find(({ format }) => format === 'cloudtrail')!.make(made).text
  const minio = makers.find(({ format }) => format === 'minio')!.make(made).text
  for (const text of [
    '',
    '\n\n',
    'hello',
    '{}',
    '{',
    '[]',
    '{"eventName":"GetObject"}',
    `${cloudTrail}\n${minio}\n`,
    `${minio}\nnonsense\n`,
    Buffer.from([0x1f, 0x8b, 8, 0]),
    Buffer.alloc(1000, 0xff),
  ])
    assert.equal(detected(text), undefined, text.toString())
})

test('a client cannot make its log unknown by what it asks for', () => {
  const [first = '', ...rest] = readFileSync(
    join(samples, 'aws-s3-access/awsdocs-logformat.log'),
    'utf8',
  ).split('\n')
  for (const injected of ['"GET / x HTTP/1.1" 200', '"', '"POST " " " {"'])
    assert.equal(detected([first.replace(/"GET [^"]*"/, injected), ...rest].join('\n')), 's3-server-access')
})
