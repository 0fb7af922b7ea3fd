/** How long what was recorded is kept, and what is held back from it. */
import {
  SignpostError,
  type AuditHold,
  type AuditRetention,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import { isoOf, isoOrNull } from '../../domain/instant.ts'
import { deleteHold, findHold, insertHold, listHolds, type HoldRow } from '../../store/audit-holds.ts'
import { pageOfRows, readTextCursor } from '../../store/page.ts'
import { findRetention, nextRevision, requireRevision, saveRetention } from '../../store/retention.ts'
import { requireAuditReader } from '../access-log-records.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { checkPlainText, requireFree, requireOrganisation } from '../gate.ts'
import { requireKnown } from './known-names.ts'

export async function getAuditRetention(deps: BrokerDeps, caller: Caller): Promise<AuditRetention> {
  await requireAuditReader(deps, caller, 'getAuditRetention', {})
  const { trail_days, access_log_days, unparsed_days } = await findRetention(deps.store.db)
  return { trailDays: trail_days, accessLogDays: access_log_days, unparsedDays: unparsed_days }
}

export async function setAuditRetention(
  deps: BrokerDeps,
  caller: Caller,
  { body }: ParsedInput<'setAuditRetention'>,
): Promise<AuditRetention> {
  const type = 'audit.retention'
  const details = { ...body }
  const decision = await requireOrganisation(deps, caller, 'audit.manage', type, { details })
  const { db } = deps.store
  const { revision, ...before } = await findRetention(db)
  const row = {
    trail_days: body.trailDays,
    access_log_days: body.accessLogDays,
    unparsed_days: body.unparsedDays,
  }
  const was = { trailDaysBefore: before.trail_days, accessLogDaysBefore: before.access_log_days }
  const event = eventOf(deps, caller, type, decision, {
    details: { ...details, ...was, unparsedDaysBefore: before.unparsed_days },
  })
  await deps.store.commit({
    statements: [requireRevision(db, revision), ...saveRetention(db, row)],
    events: [event],
  })
  return body
}

export async function listAuditHolds(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listAuditHolds'>,
): Promise<Reply<'listAuditHolds'>> {
  const after = readTextCursor(cursor)
  await requireAuditReader(deps, caller, 'listAuditHolds', {})
  const page = pageOfRows(await listHolds(deps.store.db, { limit, after }), limit, ({ name }) => [name])
  return { items: page.rows.map(shown), nextCursor: page.nextCursor }
}

/** In force for the next batch that is taken away, in every replica. */
export async function createAuditHold(
  deps: BrokerDeps,
  caller: Caller,
  { body }: ParsedInput<'createAuditHold'>,
): Promise<AuditHold> {
  const type = 'audit.hold'
  const { name, reason, username, team, from, to, evenIfUnknown } = body
  const row: HoldRow = {
    id: deps.newId(),
    name,
    reason,
    username: username ?? null,
    team: team ?? null,
    from_at: from === undefined ? null : Date.parse(from),
    to_at: to === undefined ? null : Date.parse(to),
    created_at: deps.clock(),
  }
  const fields = fieldsOf(row)
  const decision = await requireOrganisation(deps, caller, 'audit.manage', type, fields)
  checkPlainText('reason', reason)
  if (row.from_at !== null && row.to_at !== null && row.to_at <= row.from_at)
    throw new SignpostError('invalid', 'to: must be later than `from`.', { field: 'to' })
  const { db } = deps.store
  requireFree('name', await findHold(db, name))
  if (!evenIfUnknown) await requireKnown(db, row)
  await deps.store.commit({
    statements: [insertHold(db, row), nextRevision(db)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return shown(row)
}

export async function endAuditHold(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'endAuditHold'>,
): Promise<undefined> {
  const type = 'audit.release'
  const decision = await requireOrganisation(deps, caller, 'audit.manage', type, { details: { hold: name } })
  const { db } = deps.store
  const row = await findHold(db, name)
  if (!row) throw new SignpostError('not_found', 'There is no such hold.')
  await deps.store.commit({
    statements: [deleteHold(db, row.id), nextRevision(db)],
    events: [eventOf(deps, caller, type, decision, fieldsOf(row))],
  })
  return undefined
}

function fieldsOf({ name, reason, username, team, from_at: from, to_at: to }: HoldRow) {
  return {
    ...(team === null ? {} : { team }),
    details: {
      hold: name,
      why: reason,
      ...(username === null ? {} : { user: username }),
      ...(from === null ? {} : { from: isoOf(from) }),
      ...(to === null ? {} : { to: isoOf(to) }),
    },
  }
}

function shown({ name, reason, username, team, from_at, to_at, created_at }: HoldRow): AuditHold {
  const [from, to] = [isoOrNull(from_at), isoOrNull(to_at)]
  return { name, reason, username, team, from, to, createdAt: isoOf(created_at) }
}
