import type { AuditEvent } from '@signpost/contract'
import type { SinkBatch, SinkEvent } from '../types.ts'

const base: AuditEvent = {
  id: '01a206f5-dceb-7000-b730-9be01eaf05b5',
  at: '2026-11-23T06:00:00.123Z',
  type: 'url.issue',
  decision: 'allow',
  reason: 'role',
  principalId: '01a206f5-0000-7000-b730-9be01eaf05b5',
  principalKind: 'user',
  username: 'alice',
  apiKeyId: 'abcdefghijkl',
  address: '192.0.2.7',
  agent: 'tests/1',
  requestId: '01a206f5-1111-7000-b730-9be01eaf05b5',
  team: 'vision',
  connector: 'main',
  bucket: 'data',
  key: 'vision/runs/7/model.bin',
  action: 'write',
  method: 'PUT',
  grantId: '01a206f5-2222-7000-b730-9be01eaf05b5',
  expiresAt: '2026-11-23T07:00:00.000Z',
}

export function sinkEvent(seq = 1, more: Partial<AuditEvent> = {}): SinkEvent {
  const event = { ...base, ...more }
  return { chain: 'chain-1', seq, hash: 'ab'.repeat(32), text: JSON.stringify(event), event }
}

/** An event of a process, with nobody behind it. */
export function bareEvent(type: AuditEvent['type'], more: Partial<AuditEvent> = {}): SinkEvent {
  const event: AuditEvent = { id: base.id, at: base.at, type, decision: 'allow', reason: 'role', ...more }
  return { chain: 'chain-1', seq: 1, hash: 'ab'.repeat(32), text: JSON.stringify(event), event }
}

export function sinkBatch(...events: SinkEvent[]): SinkBatch {
  return { id: `chain-1-${events[0]?.seq ?? 0}-${events.at(-1)?.seq ?? 0}`, events }
}
