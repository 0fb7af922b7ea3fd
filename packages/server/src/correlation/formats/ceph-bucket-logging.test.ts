import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cephBucketLogging } from './ceph-bucket-logging.ts'

const samples = join(import.meta.dirname, '../../../../../tests/data/access-logs')
const lines = (file: string) => readFileSync(join(samples, file), 'utf8').split('\n').filter(Boolean)

test('reads what Ceph writes in these columns, and its journal', () => {
  const keys = (file: string) =>
    lines(`ceph/cephdocs-bucket-logging-${file}.log`).map((text) => {
      const parsed = cephBucketLogging.parse(text, {})
      return parsed.outcome === 'record'
        ? [parsed.record.bucket, parsed.record.key, parsed.record.action]
        : parsed
    })
  assert.deepEqual(keys('standard'), [
    ['fish', 'myfile', 'write'],
    ['fish', 'myfile', 'read'],
    ['fish', 'myfile', 'delete'],
  ])
  assert.deepEqual(keys('journal'), [
    ['fish', 'myfile', 'write'],
    ['fish', 'myfile', 'delete'],
  ])
})
