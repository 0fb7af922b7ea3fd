/**
 * The doctor's URLs are no grants of anybody: the trail holds one event for all of an examination, before the first of them.
 * An access counts as one of them only where nothing else can be hidden so: by the bucket's own signature, in the time of
 * the examination, to a key that was made up for it. Its id stands in the bucket's log, for everybody to copy who may read that.
 */
import type { AuditEvent } from '@signpost/contract'
import { isKeyOfCheck } from '../domain/own-check.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import { proofOf } from './access-proof.ts'
import { beginningOf, isCopy, skewMs } from './compare-grant.ts'

/** A minute at most for all checks, and five for the last of its URLs; then room for an answer that is slow. */
const runMs = 10 * 60_000

export interface OwnRun {
  checkId: string
  /** By its name. */
  connector: string
  at: number
}

export function ownRunOf(text: string): OwnRun | undefined {
  const { type, decision, grantId, connector, at } = JSON.parse(text) as AuditEvent
  if (type !== 'connector.doctor' || decision !== 'allow') return undefined
  return grantId === undefined || connector === undefined
    ? undefined
    : { checkId: grantId, connector, at: Date.parse(at) }
}

/** By whom it was signed is for `matchAccess` to look at. */
export function isOfRun(record: AccessLogRecord, { checkId, at: from }: OwnRun): boolean {
  const { key, markers, authentication, operation } = record
  if (key === null || !isKeyOfCheck(key, checkId)) return false
  if (authentication !== 'query' || markers.grant.some((grant) => grant !== checkId)) return false
  // What was copied there came from somewhere else, and would be read from here.
  if (isCopy(operation) && proofOf(record) !== 'refused') return false
  const at = beginningOf(record) ?? record.at
  return at >= from - skewMs && at <= from + runMs
}
