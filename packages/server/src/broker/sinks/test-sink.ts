import { SignpostError, type AuditEvent, type AuditSinkTest } from '@signpost/contract'
import type { Delivery } from '../../sinks/index.ts'
import type { AuditSinkRow } from '../../store/audit-sinks.ts'
import type { BrokerDeps } from '../deps.ts'
import { testBucket } from './sink-bucket.ts'
import { secretsOf, settingsOf } from './sink-record.ts'

/** In no chain: nobody takes it for one of the trail's. */
const testChain = 'test'
const noHash = '0'.repeat(64)

/** Sends the event of the test itself, once, whatever waits. */
export async function sendTest(
  deps: BrokerDeps,
  row: AuditSinkRow,
  event: AuditEvent,
): Promise<AuditSinkTest> {
  const done = await deliverTest(deps, row, event)
  if (!done.ok) return { ok: false, problem: done.problem }
  return done.rejected > 0 ? { ok: false, problem: done.note } : { ok: true, problem: done.note }
}

async function deliverTest(deps: BrokerDeps, row: AuditSinkRow, event: AuditEvent): Promise<Delivery> {
  const settings = settingsOf(row)
  if (settings.kind === 'files') return testBucket(deps, settings)
  if (!deps.sendToSink) throw new SignpostError('internal', 'This server sends nothing to sinks.')
  const events = [{ chain: testChain, seq: 0, hash: noHash, text: JSON.stringify(event), event }]
  const batch = { id: `${testChain}-${event.id}`, events }
  return deps.sendToSink(settings, secretsOf(row, deps.secretBox), batch)
}
