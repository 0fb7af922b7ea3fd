import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessEvidence, AuditEvent } from '@signpost/contract'
import { insertConnector } from '../store/connectors.ts'
import { connectorRow } from '../store/store-fixture.ts'
import { ingestRecords } from './ingest.ts'
import { deliveryOf, onBothEngines, scid } from './testing/log-store.ts'
import { dayStart, grantIdOf, issuedEvent, s3Line } from './testing/s3-log.ts'

const reasonIn = (evidence: string) => (JSON.parse(evidence) as AccessEvidence).reason

onBothEngines('findings of logs', (log) => {
  test('tells what does not fit, and puts it down to nobody', async () => {
    const { deps, rowsById } = log()
    const event = issuedEvent(7)
    const cases: [string, Parameters<typeof s3Line>[1], AuditEvent?][] = [
      ['user_mismatch', { user: 'user-8' }],
      ['not_issued_here', { key: 'vision/other.bin' }],
      ['refused', { status: '403 AccessDenied' }],
      ['after_expiry', { afterMs: 3_700_000 }],
      ['not_issued_here', {}, issuedEvent(7, { grantId: grantIdOf(999_999) })],
      ['not_issued_here', { authentication: 'AuthHeader', query: '' }],
      ['marker_tampered', { query: 'X-User=eve&X-User=user-7' }],
    ]
    const lines = cases.map(([, over, of], index) =>
      s3Line(of ?? event, { ...over, requestId: `case-${index}` }),
    )
    const counts = await ingestRecords(deps, { ...deliveryOf('cases'), lines })
    assert.equal(counts.records, cases.length)
    const byId = await rowsById('case-')
    for (const [index, [finding]] of cases.entries()) {
      const row = byId.get(`case-${index}`)!
      assert.equal(row.finding, finding, String(index))
      assert.equal(row.username, finding === 'after_expiry' ? 'user-7' : null, finding)
    }
  })

  test('finds the grant by user and object where the URL names none, and others’ grants are told as theirs', async () => {
    const { store, deps, rows } = log()
    const key = 'vision/azure.bin'
    const other = '8b0e0000-516e-5ea0-8a26-54fa6ff6986b'
    const azure = { bucket: 'blobs', connector: 'blue', signer: '11111111-2222-4333-8444-555555555555', key }
    const settings = JSON.stringify({
      kind: 'azure',
      bucket: 'blobs',
      account: 'store1',
      credential: { type: 'managedIdentity' },
    })
    await store.commit({
      statements: [insertConnector(store.db, connectorRow('blue', { kind: 'azure', settings }))],
      events: [
        issuedEvent(5001, { ...azure, marker: scid, username: 'user-1' }),
        issuedEvent(5002, {
          ...azure,
          marker: scid,
          username: 'user-1',
          expiresAt: '2026-11-23T12:00:00.000Z',
        }),
      ],
    })
    const se = encodeURIComponent(issuedEvent(5001).expiresAt!.replace('.000', ''))
    const entry = (user: string, id: string) =>
      JSON.stringify({
        time: new Date(dayStart + 60_000).toISOString(),
        category: 'StorageRead',
        operationName: 'GetBlob',
        statusCode: 200,
        statusText: 'SASSuccess',
        callerIpAddress: '192.0.2.1:4000',
        correlationId: id,
        uri: `https://store1.blob.core.windows.net/blobs/${key}?se=${se}&skoid=${azure.signer}&sp=r&scid=${user}&sig=REDACTED`,
        identity: { type: 'DelegationSas', requester: { objectId: azure.signer } },
        properties: { accountName: 'store1', objectKey: `/store1/blobs/${key}` },
      })
    const lines = [entry(scid, 'one'), entry(other, 'two')]
    const delivery = { ...deliveryOf('azure'), format: 'azure-resource', lines }
    const counts = await ingestRecords(deps, delivery)
    assert.deepEqual(counts.findings, { matched: 1, user_mismatch: 1 })
    const [row] = await rows({ key, finding: 'matched' })
    assert.deepEqual(
      [row?.username, row?.grant_id, row?.connector_id, reasonIn(row!.evidence)],
      ['user-1', grantIdOf(5001), 'id-blue', 'user_and_object'],
    )
    const [mismatch] = await rows({ key, finding: 'user_mismatch' })
    assert.equal(mismatch?.username, null)
  })

  test('knows who was stopped when', async () => {
    const { store, deps, rowsById } = log()
    const at = (ms: number) => new Date(dayStart + ms).toISOString()
    const told = (type: AuditEvent['type'], ms: number, details: AuditEvent['details']) =>
      ({
        id: `${type}-${ms}`,
        at: at(ms),
        type,
        decision: 'allow',
        reason: 'admin',
        details: details!,
      }) as const
    const events: AuditEvent[] = [
      told('user.update', 100_000, { user: 'user-3', active: false }),
      told('user.update', 200_000, { user: 'user-3', active: true }),
      told('apiKey.delete', 100_000, { key: 'key-user-4' }),
      {
        ...told('restriction.create', 100_000, { restriction: 'r1', user: 'user-5', actions: 'read' }),
        team: 'vision',
      },
      told('restriction.end', 200_000, { restriction: 'r1' }),
    ]
    await store.commit({ statements: [], events })
    const used = (index: number, afterMs: number) =>
      s3Line(issuedEvent(index), { afterMs, requestId: `stop-${index}-${afterMs}` })
    const lines = [3, 4, 5, 6].flatMap((index) => [
      used(index, 50_000),
      used(index, 150_000),
      used(index, 250_000),
    ])
    const delivery = { ...deliveryOf('stops'), lines }
    await ingestRecords({ ...deps }, delivery)
    const byId = [...(await rowsById('stop-'))]
    const reasons = Object.fromEntries(byId.map(([id, { evidence }]) => [id, reasonIn(evidence)]))
    assert.deepEqual(reasons, {
      'stop-3-50000': 'grant',
      'stop-3-150000': 'user_deactivated',
      'stop-3-250000': 'grant',
      'stop-4-50000': 'grant',
      'stop-4-150000': 'key_deleted',
      'stop-4-250000': 'key_deleted',
      'stop-5-50000': 'grant',
      'stop-5-150000': 'restricted',
      'stop-5-250000': 'grant',
      'stop-6-50000': 'grant',
      'stop-6-150000': 'grant',
      'stop-6-250000': 'grant',
    })
  })
})
