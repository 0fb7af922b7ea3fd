import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { AuditEvent } from '@signpost/contract'
import fc from 'fast-check'
import { columnsOf } from '../store/audit-columns.ts'
import { addUnit, emptyGroup } from '../store/commit-group.ts'
import { grantIdAt, keyAt } from '../store/event-pack.ts'
import type { Caller } from './deps.ts'
import { whoOf } from './event-of.ts'
import { createIssuedEventWriter } from './issued-event.ts'

const text = fc.string({ unit: 'binary' })
const callers: fc.Arbitrary<Caller> = fc.record({
  principal: fc.record({
    id: text,
    kind: fc.constantFrom('user', 'serviceAccount'),
    username: text,
    organisationRole: fc.constant('member'),
    pseudonym: text,
    scid: text,
    apiKeyId: text,
    organisationPermissions: fc.constant(new Set<never>()),
    keyKind: fc.constantFrom('apiKey', 'accessToken'),
  }),
  call: fc.record(
    { requestId: text, address: text, agent: text },
    { requiredKeys: ['requestId', 'address'] },
  ),
})

test('an event is written as JSON.stringify writes it, and its columns are those of its text', () => {
  const property = fc.property(
    callers,
    fc.record({ team: text, name: text, bucket: text }),
    fc.array(
      fc.record({
        key: text,
        marker: fc.option(text),
        signer: fc.oneof(fc.constant('AKIDEXAMPLE'), text),
        reason: fc.constantFrom('team_viewer', 'team_member'),
        fields: fc.option(fc.record({ uploadId: text, partNumber: fc.nat() }, { requiredKeys: [] }), {
          nil: undefined,
        }),
      }),
      { minLength: 1 },
    ),
    (caller, { team, name, bucket }, items) => {
      let ids = 0
      const signedAt = 1_800_000_000_123
      const named = { name, bucket }
      const write = createIssuedEventWriter({
        newId: () => `id-${++ids}`,
        caller,
        target: { team },
        named,
        signedAt,
      })
      const written = items.map(({ key, marker, signer, reason, fields }, index) => ({
        expected: {
          id: `id-${index + 1}`,
          at: '2027-01-15T08:00:00.123Z',
          type: 'url.issue',
          decision: 'allow',
          reason,
          ...whoOf(caller),
          team,
          connector: name,
          bucket,
          key,
          action: 'read',
          method: 'GET',
          grantId: 'grant',
          expiresAt: '2027-01-15T09:00:00.000Z',
          limitedBy: 'policy',
          ...(marker === null ? {} : { marker }),
          signer,
          signatureDigest: hash('sha256', 'signature'),
          ...fields,
        } satisfies AuditEvent as AuditEvent,
        event: write({
          request: {
            key,
            action: 'read',
            method: 'GET',
            marker: { username: '', pseudonym: '', scid: '', grantId: 'grant' },
          },
          signed: { marker, signer, signature: 'signature' },
          expiresAt: '2027-01-15T09:00:00.000Z',
          limitedBy: 'policy',
          reason,
          fields,
        }),
      }))
      for (const { expected, event } of written) assert.equal(event.text, JSON.stringify(expected))
      const group = emptyGroup()
      addUnit(group, { statements: [], events: written.map(({ event }) => event) })
      const [head] = group.events.heads
      const columns = columnsOf(written[0]!.expected)
      assert.deepEqual(
        { ...head, object_key: keyAt(group.events, 0), grant_id: grantIdAt(group.events, 0) },
        {
          count: items.length,
          at: columns.at,
          type: columns.type,
          decision: columns.decision,
          principalId: columns.principal_id,
          username: columns.username,
          team: columns.team,
          object_key: columns.object_key,
          grant_id: columns.grant_id,
        },
      )
    },
  )
  fc.assert(property)
})
