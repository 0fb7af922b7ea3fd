import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessLogRecord } from '../access-log-record.ts'
import { azureEventGrid } from './azure-event-grid.ts'

const data = {
  api: 'PutBlockList',
  clientRequestId: '6d79dbfb-0e37-4fc4-981f-442c9ca65760',
  requestId: '831e1650-001e-001b-66ab-eeb76e000000',
  contentLength: 524288,
  url: 'https://acme.blob.core.windows.net/runs/a/b.bin',
}
const event = {
  topic: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acme',
  subject: '/blobServices/default/containers/runs/blobs/a/b.bin',
  eventType: 'Microsoft.Storage.BlobCreated',
  eventTime: '2026-06-26T18:41:00.9584103Z',
  id: '831e1650-001e-001b-66ab-eeb76e069631',
  data,
}

function recordOf(value: object): AccessLogRecord {
  const parsed = azureEventGrid.parse(JSON.stringify(value), {})
  if (parsed.outcome !== 'record') assert.fail(JSON.stringify(parsed))
  return parsed.record
}

test('a blob that was put together: what and when, and neither who nor how much', () => {
  const { account, bucket, key, action, operation, at, atIs, succeeded, status, ...rest } = recordOf(event)
  assert.deepEqual(
    [account, bucket, key, action, operation, at, atIs, succeeded, status],
    [
      'acme',
      'runs',
      'a/b.bin',
      'write',
      'PutBlockList',
      Date.UTC(2026, 5, 26, 18, 41, 0, 958),
      'end',
      true,
      null,
    ],
  )
  const { authentication, signers, urlSigner, address, bytesReceived, requestId, markers, doubts } = rest
  assert.deepEqual(
    [authentication, signers, urlSigner, address, bytesReceived, requestId, markers, doubts],
    ['untold', [], null, null, null, data.requestId, { user: [], grant: [] }, []],
  )
})

test('as a CloudEvent it is the same; delivered again it is the same access', () => {
  const { topic: source, eventType: type, eventTime: time, ...rest } = event
  const cloud = { specversion: '1.0', source, type, time, ...rest }
  assert.deepEqual(recordOf(cloud), recordOf(event))
  assert.notEqual(recordOf({ ...event, id: 'another' }).identity, recordOf(event).identity)
})

test('names with odd characters are taken from the subject, and an address that says another is told', () => {
  for (const name of ['a b+%41', '%25', 'ü/"x"', 'x/blobs/y', ' ', 'a\nb']) {
    const subject = `/blobServices/default/containers/runs/blobs/${name}`
    for (const path of [name, encodeURIComponent(name)]) {
      const url = `https://acme.blob.core.windows.net/runs/${path}`
      const { key, doubts } = recordOf({ ...event, subject, data: { ...data, url } })
      assert.deepEqual([key, doubts], [name, []], `${subject} ${url}`)
    }
    const { doubts } = recordOf({ ...event, subject })
    assert.deepEqual(doubts, ['key'])
  }
  const { url: _, ...withoutUrl } = data
  assert.deepEqual(recordOf({ ...event, data: withoutUrl }).doubts, [])
})

test('deletions, changes of the tier and what came by SFTP', () => {
  const of = (eventType: string, more: object) =>
    recordOf({ ...event, eventType: `Microsoft.Storage.${eventType}`, data: { ...data, ...more } })
  assert.equal(of('BlobDeleted', { api: 'DeleteBlob' }).action, 'delete')
  assert.equal(of('BlobTierChanged', { api: 'SetBlobTier' }).action, 'other')
  assert.deepEqual(of('BlobCreated', { api: 'SftpCommit', identity: 'localuser' }).signers, ['localuser'])
  assert.equal(of('BlobCreated', { api: 'PutBlob' }).bytesReceived, 524288)
})

test('what tells of no blob is passed over, and what is broken is kept as such', () => {
  for (const eventType of [
    'Microsoft.Storage.DirectoryCreated',
    'Microsoft.Storage.LifecyclePolicyCompleted',
    'Microsoft.EventGrid.SubscriptionDeletedEvent',
    'Evil.Storage.BlobCreated',
  ])
    assert.deepEqual(azureEventGrid.parse(JSON.stringify({ ...event, eventType }), {}), {
      outcome: 'skipped',
      reason: 'other-category',
    })
  for (const [broken, reason] of [
    [{ ...event, subject: '/blobServices/default/containers/runs' }, 'fields'],
    [{ ...event, subject: '/blobServices/default/containers/runs/blobs/' }, 'fields'],
    [{ ...event, data: {} }, 'fields'],
    [{ ...event, id: undefined }, 'fields'],
    [{ ...event, eventTime: 'yesterday' }, 'time'],
  ] as const)
    assert.deepEqual(azureEventGrid.parse(JSON.stringify(broken), {}), { outcome: 'unparsed', reason })
})
