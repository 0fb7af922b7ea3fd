/** Two stores have a bucket of one name: what the log of the one tells is put down to nobody by the URLs of the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessEvidence } from '@signpost/contract'
import { insertConnector } from '../store/connectors.ts'
import { statementOf } from '../store/statement.ts'
import { connectorRow } from '../store/store-fixture.ts'
import { ingestRecords } from './ingest.ts'
import { onBothEngines, scid, sourceId, type LogStore } from './testing/log-store.ts'
import { bucketName, dayStart, issuedEvent, s3Line, signerName } from './testing/s3-log.ts'

onBothEngines('buckets of one name', (log) => {
  let files = 0
  const read = (source: string, lines: string[], format = 's3-server-access') => {
    const fileName = `file-${(files += 1)}`
    return ingestRecords(log().deps, { sourceId: source, fileName, version: 'v1', format, lines })
  }
  const addPlace = async ({ store }: LogStore, name: string, row: Parameters<typeof connectorRow>[1]) => {
    const source = { name: `of-${name}`, connector_id: `id-${name}`, settings: '{}', progress: '{}' }
    const insert = store.db
      .insertInto('log_sources')
      .values({ id: `source-${name}`, created_at: 1, format: 's3-server-access', ...source })
    await store.commit({
      statements: [insertConnector(store.db, connectorRow(name, row)), statementOf(insert)],
      events: [],
    })
    return `source-${name}`
  }

  test('a line of the one that shows a URL of the other names nobody, and is told with who had it', async () => {
    const { rowsById } = log()
    const settings = {
      kind: 's3',
      bucket: bucketName,
      credential: { type: 'static', accessKeyId: signerName },
    }
    // Staging beside production, with the same key.
    const source = await addPlace(log(), 'staging', { settings: JSON.stringify(settings) })
    await read(source, [
      s3Line(issuedEvent(3), { requestId: 'other-1' }),
      s3Line(issuedEvent(3), { requestId: 'other-2', status: '403 AccessDenied' }),
      s3Line(issuedEvent(3), { requestId: 'other-3', user: 'user-8' }),
      s3Line(issuedEvent(3, { signer: 'AKIDOTHER' }), { requestId: 'other-4' }),
    ])
    const found = await rowsById('other-')
    const told = (id: string) => {
      const { finding, username, grant_id, evidence } = found.get(id)!
      const { reason, candidates } = JSON.parse(evidence) as AccessEvidence
      return [finding, reason, username, grant_id, candidates?.[0]?.username]
    }
    assert.deepEqual(told('other-1'), ['likely', 'other_store', null, null, 'user-3'])
    assert.deepEqual(told('other-2'), ['refused', 'refused_by_store', null, null, 'user-3'])
    assert.equal(told('other-3')[0], 'user_mismatch')
    assert.deepEqual(told('other-4').slice(0, 3), ['not_issued_here', 'other_signer', null])
  })

  test('the log of the bucket itself is believed as before', async () => {
    const { rowsById, store } = log()
    await store.commit({
      statements: [
        statementOf(
          store.db.updateTable('log_sources').set({ connector_id: 'id-main' }).where('id', '=', sourceId),
        ),
      ],
      events: [],
    })
    await read(sourceId, [s3Line(issuedEvent(4), { requestId: 'own-1' })])
    const row = (await rowsById('own-')).get('own-1')!
    assert.deepEqual([row.finding, row.username], ['matched', 'user-4'])
  })

  test('a SAS of one account is not put down to the URL for another account’s container', async () => {
    const signer = '11111111-2222-4333-8444-555555555555'
    const place = (account: string) => ({
      kind: 'azure' as const,
      settings: JSON.stringify({
        kind: 'azure',
        bucket: 'blobs',
        account,
        credential: { type: 'managedIdentity' },
      }),
    })
    await addPlace(log(), 'blue', place('store1'))
    const source = await addPlace(log(), 'green', place('store2'))
    const key = 'vision/sas.bin'
    const issued = issuedEvent(5003, {
      bucket: 'blobs',
      connector: 'blue',
      signer,
      key,
      marker: scid,
      username: 'user-1',
    })
    await log().store.commit({ statements: [], events: [issued] })
    const se = encodeURIComponent(issued.expiresAt!.replace('.000', ''))
    const entry = (account: string) =>
      JSON.stringify({
        time: new Date(dayStart + 60_000).toISOString(),
        category: 'StorageRead',
        operationName: 'GetBlob',
        statusCode: 200,
        statusText: 'SASSuccess',
        callerIpAddress: '192.0.2.1:4000',
        correlationId: account,
        uri: `https://${account}.blob.core.windows.net/blobs/${key}?se=${se}&skoid=${signer}&sp=r&scid=${scid}&sig=REDACTED`,
        identity: { type: 'DelegationSas', requester: { objectId: signer } },
        properties: { accountName: account, objectKey: `/${account}/blobs/${key}` },
      })
    const other = await read(source, [entry('store2')], 'azure-resource')
    assert.deepEqual(other.findings, { not_issued_here: 1 })
    const own = await read('source-blue', [entry('store1')], 'azure-resource')
    assert.deepEqual(own.findings, { matched: 1 })
  })
})
