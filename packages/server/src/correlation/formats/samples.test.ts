/** The published samples of the logs that are JSON. Amazon's and Ceph's lines: `s3-server-access.test.ts`. */
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AccessLogRecord } from '../access-log-record.ts'
import { parseLog } from '../parse-log.ts'
import { formatNamed } from './index.ts'

const samples = join(import.meta.dirname, '../../../../../tests/data/access-logs')

async function recordsOf(file: string, format: string): Promise<AccessLogRecord[]> {
  const records: AccessLogRecord[] = []
  for await (const lines of parseLog(formatNamed(format)!, createReadStream(join(samples, file))))
    for (const line of lines) {
      assert.equal(line.outcome, 'record', JSON.stringify(line))
      if (line.outcome === 'record') records.push(line.record)
    }
  return records
}

const brief = ({ action, bucket, key, status, succeeded, authentication }: AccessLogRecord) => [
  action,
  bucket,
  key,
  status ?? succeeded,
  authentication,
]

test("CloudTrail: Amazon's own records, in a document and alone", async () => {
  const document = await recordsOf('aws-cloudtrail/awsdocs-s3-0.json', 'cloudtrail')
  assert.deepEqual(document.map(brief), [
    ['list', null, null, true, 'query'],
    ['other', null, null, true, 'header'],
    ['other', 'DOC-EXAMPLE-BUCKET1', null, true, 'header'],
  ])
  assert.deepEqual(document[0]?.signers, [
    'arn:aws:iam::111122223333:user/myUserName',
    'AKIAIOSFODNN7EXAMPLE',
  ])
  const [alone] = await recordsOf('aws-cloudtrail/awsdocs-s3-1.json', 'cloudtrail')
  // `Key` here, `key` elsewhere.
  assert.deepEqual(brief(alone!), ['write', 'DOC-EXAMPLE-BUCKET1', 'path/upload.sh', true, 'header'])
  assert.deepEqual(
    [alone!.identity, alone!.requestId, alone!.at, alone!.atIs, alone!.bytesReceived],
    [
      'ee3b4e0c-ab12-459b-9998-0a5a6f2e4015',
      '8E96D972160306FA',
      Date.UTC(2020, 10, 30, 15, 44, 33),
      'end',
      10,
    ],
  )
})

test('Azure: a document of an event hub, and lines of a storage account', async () => {
  const [listed] = await recordsOf('azure/otel-storage-read-delegationsas.json', 'azure-resource')
  assert.deepEqual(brief(listed!), ['list', 'randomuser', 'randomdata.csv', 500, 'query'])
  const { account, urlSigner, signers, expiresAt, errorCode, doubts } = listed!
  assert.deepEqual(
    [account, urlSigner, signers, expiresAt, errorCode, doubts],
    [
      'randomstor',
      '12345678-90ab-cdef-1234-567890abcdef',
      ['abcdef12-3456-7890-abcd-ef1234567890'],
      Date.UTC(2025, 8, 17, 15, 22, 45),
      'Error',
      [],
    ],
  )
  const lines = await recordsOf('azure/panther-storage-sas.ndjson', 'azure-resource')
  assert.deepEqual(lines.map(brief), [
    ['read', 'backups', 'data.zip', 200, 'query'],
    ['delete', 'financial', 'records.xlsx', 202, 'query'],
    ['write', 'logs', 'app.log', 201, 'query'],
    ['read', 'downloads', 'file.pdf', 200, 'header'],
    ['read', 'secrets', 'key.txt', 403, 'query'],
    // Without an address: only the object's key, from the log's own column.
    ['read', 'sensitive-data', 'financials/report_2025.xlsx', true, 'unknown'],
    ['read', 'backups', 'database_backup.bak', true, 'unknown'],
    ['write', 'uploads', 'data.json', true, 'unknown'],
    ['read', 'secrets', 'config.json', false, 'unknown'],
  ])
  assert.deepEqual(
    lines.map(({ address }) => address),
    ['8.8.8.8', '1.1.1.1', '10.158.74.16', '9.9.9.9', '4.4.4.4', '8.8.8.8', '1.1.1.1', '10.0.0.1', '9.9.9.9'],
  )
  assert.doesNotMatch(JSON.stringify(lines), /SIGNATURE_HERE|ATTACKER_SIG|INTERNAL_SIG/)
})

test("Google's audit log: one entry that is spread over lines, and one a line", async () => {
  const [entry] = await recordsOf('gcs/alloy-gcs-data-access.json', 'gcs-audit')
  const key = 'load-generator-20/01EM34PFBC2SCV3ETBGRAQZ090/deletion-mark.json'
  assert.deepEqual(brief(entry!), ['read', 'dev-us-central1-cortex-tsdb-dev', key, 200, 'unknown'])
  assert.deepEqual(
    [entry!.signers, entry!.address, entry!.at],
    [
      ['1040409107725-compute@developer.gserviceaccount.com'],
      '34.66.19.193',
      Date.UTC(2021, 0, 1, 2, 17, 10, 655),
    ],
  )
  const lines = await recordsOf('gcs/panther-gcs-data-access.ndjson', 'gcs-audit')
  assert.deepEqual(
    lines.map(({ action, bucket, key: object }) => [action, bucket, object]),
    [
      ['read', 'source-bucket', 'sensitive.txt'],
      ['read', 'prod-bucket', 'file.txt'],
      ['read', 'test-bucket', 'file.txt'],
      ['write', 'victim-bucket', 'victim-file.txt'],
      ['list', 'victim-bucket', 'victim-file.txt'],
      ['write', 'data-bucket', 'HOW_TO_DECRYPT_FILES.txt'],
      ['write', 'data-bucket', 'quarterly_report_2025.pdf'],
    ],
  )
  // Two entries of one request are two accesses.
  assert.equal(new Set(lines.map(({ identity }) => identity)).size, lines.length)
})

test('a log in the hands of another format gives nothing that looks like an access', async () => {
  const files = [
    'aws-cloudtrail/awsdocs-s3-0.json',
    'azure/panther-storage-sas.ndjson',
    'gcs/panther-gcs-data-access.ndjson',
  ]
  const owners = ['cloudtrail', 'azure-resource', 'gcs-audit']
  for (const format of [
    'cloudtrail',
    'azure-resource',
    'gcs-audit',
    'ceph-ops',
    'minio',
    'versitygw',
    's3-server-access',
  ])
    for (const [index, file] of files.entries()) {
      if (owners[index] === format) continue
      for await (const lines of parseLog(formatNamed(format)!, createReadStream(join(samples, file))))
        for (const line of lines) assert.notEqual(line.outcome, 'record', `${file} as ${format}`)
    }
})
