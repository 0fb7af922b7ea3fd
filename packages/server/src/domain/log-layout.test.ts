import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dayPrefixes, endOfFolder, isFolderOfLogs, isLogFile } from './log-layout.ts'

describe('the layout of log files', () => {
  test("a folder's date is over when its last day is", () => {
    const azure = 'resourceId=/subscriptions/0/blobServices/default/y=2026/m=11/d=23/'
    const cases: [string, string][] = [
      ['AWSLogs/123456789012/CloudTrail/us-east-1/2026/', '2027-01-01'],
      ['AWSLogs/123456789012/CloudTrail/us-east-1/2026/12/', '2027-01-01'],
      ['AWSLogs/123456789012/CloudTrail/us-east-1/2026/02/28/', '2026-03-01'],
      ['p/123456789012/us-east-1/my-bucket/2026/11/23/', '2026-11-24'],
      [azure, '2026-11-24'],
      [`${azure}h=10/`, '2026-11-24'],
      [`${azure}h=10/m=00/`, '2026-11-24'],
      ['data-plane/2026-11-23/', '2026-11-24'],
      ['dt=2026-11-23/', '2026-11-24'],
      ['2026/11/23/10/', '2026-11-24'],
    ]
    for (const [path, end] of cases) assert.equal(endOfFolder(path), Date.parse(end), path)
  })

  test('what names no date is not skipped', () => {
    for (const path of [
      '',
      'AWSLogs/',
      'AWSLogs/123456789012/',
      'AWSLogs/123456789012/CloudTrail/us-east-1/',
      'runs/1999/',
      'runs/20260/',
      'runs/2026/13/',
      'runs/2026/11/00/',
      'runs/2026/11/42/',
      'a2026/',
      'y=2026/m=11/d=23',
    ])
      assert.equal(endOfFolder(path), undefined, path)
  })

  test('what holds no accesses is left aside', () => {
    assert.ok(isFolderOfLogs('AWSLogs/123456789012/CloudTrail/'))
    assert.equal(isFolderOfLogs('AWSLogs/123456789012/CloudTrail-Digest/'), false)
    assert.equal(isFolderOfLogs('AWSLogs/123456789012/CloudTrail-Insight/'), false)
    assert.equal(isFolderOfLogs('control-plane/'), false)
    assert.ok(isLogFile('gcs-usage', 'logs/b_usage_2026_11_23_10_00_00_0a_v0'))
    assert.equal(isLogFile('gcs-usage', 'logs/b_storage_2026_11_23_10_00_00_0a_v0'), false)
    assert.ok(isLogFile('cloudtrail', 'a/1_CloudTrail_us_20261123T0000Z_x.json.gz'))
    assert.equal(isLogFile('cloudtrail', 'a/readme.txt'), false)
    assert.equal(isLogFile('s3-server-access', 'a/'), false)
  })

  test('flat names are asked for by the day, the first and the last included', () => {
    const from = Date.parse('2026-02-27T23:00:00Z')
    const to = Date.parse('2026-03-01T00:00:00Z')
    assert.deepEqual(dayPrefixes('flat', 'l/', from, to), ['l/2026-02-27', 'l/2026-02-28', 'l/2026-03-01'])
    assert.deepEqual(dayPrefixes('gcs-usage', 'l/b', to, to), ['l/b_usage_2026_03_01'])
  })
})
