/** Whoever gives a user the name of something else, and has the user erased, takes nothing else away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRetention } from '../../store/retention.ts'
import { statementOf } from '../../store/statement.ts'
import { eraseRecords } from './erase-logs.ts'
import { onBothEngines } from './testing/both-engines.ts'

const evidence = {
  reason: 'direct_credential',
  operation: 'REST.GET.OBJECT',
  action: 'read',
  authentication: 'header',
  method: 'GET',
  bucket: 'data',
  agent: 'aws-cli',
  signers: ['AKIDBROKER', 'eve@example.com'],
  also: ['own_credential'],
}

onBothEngines('erasing a user called like something else', (create) => {
  for (const [username, isTouched] of [
    ['GET', false],
    ['data', false],
    ['AKIDBROKER', false],
    ['own_credential', false],
    ['direct_credential', false],
    ['eve@example.com', true],
  ] as const)
    test(username, async () => {
      const store = await (await create()).open()
      try {
        const nobody = { principal_id: null, username: null, team: null, grant_id: null }
        const place = { object_key: null, key_place: null, address: '192.0.2.7', bytes: null }
        const record = { at: 1, digest: 1, file_id: 1, connector_id: 'c', ...nobody, ...place }
        const finding = 'not_issued_here' as const
        const row = { ...record, finding, evidence: JSON.stringify(evidence) }
        const insert = statementOf(store.db.insertInto('access_log_records').values(row))
        await store.commit({ statements: [insert], events: [] })
        const { revision } = await findRetention(store.db)
        const erasure = {
          person: { username, ids: new Set<string>(), names: new Set([username]) },
          erasure: 'erased-1',
          keys: false,
          revision,
          holds: [],
          isLate: () => false,
          record: () => ({
            id: 'e',
            at: '2026-01-01T00:00:00.000Z',
            type: 'audit.erase' as const,
            decision: 'allow' as const,
            reason: 'x',
          }),
        }
        const { count } = await eraseRecords({ store }, erasure, true)
        const [left] = await store.db.selectFrom('access_log_records').selectAll().execute()
        assert.equal(count, isTouched ? 1 : 0)
        assert.equal(left!.address, isTouched ? null : '192.0.2.7')
        if (!isTouched) assert.equal(left!.evidence, row.evidence)
        else assert.doesNotMatch(left!.evidence, /eve@|aws-cli/)
      } finally {
        await store.close()
      }
    })
})
