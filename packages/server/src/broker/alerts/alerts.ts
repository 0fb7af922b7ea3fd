/** Who is told of findings: set by who may manage connectors and read the trail, shown to who may read it. */
import { SignpostError, type AuditEventType, type ParsedInput, type Reply } from '@signpost/contract'
import type { Decision } from '../../domain/decide-access.ts'
import { isoOf } from '../../domain/instant.ts'
import {
  deleteAlert as deleteRow,
  findAlert,
  insertAlert,
  listAlerts as listRows,
  readAlertState,
  type AlertRow,
} from '../../store/alerts.ts'
import { pageOfRows, readTextCursor } from '../../store/page.ts'
import { findTeam } from '../../store/teams.ts'
import { requireAuditReader } from '../access-log-records.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf, type EventFields } from '../event-of.ts'
import { requireFree, requireOrganisation } from '../gate.ts'
import { sealedTarget, shownAlert, targetOf, type AlertRules } from './alert-record.ts'
import { postAlert } from './post-alert.ts'

const secretBytes = 32

export async function listAlerts(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listAlerts'>,
): Promise<Reply<'listAlerts'>> {
  await requireAuditReader(deps, caller, 'listAlerts', {})
  const { db } = deps.store
  const page = pageOfRows(await listRows(db, { limit, after: readTextCursor(cursor) }), limit, ({ name }) => [
    name,
  ])
  const items = []
  for (const row of page.rows) items.push(shownAlert(row, await readAlertState(db, row.id)))
  return { items, nextCursor: page.nextCursor }
}

/** Of what is read from now on. */
export async function createAlert(
  deps: BrokerDeps,
  caller: Caller,
  { body: { name, url, ...rest } }: ParsedInput<'createAlert'>,
): Promise<Reply<'createAlert'>> {
  const type = 'alert.create'
  const receiver = new URL(url).origin
  const fields = { details: { alert: name, receiver, findings: rest.findings.join(', ') } }
  const decision = await requireAlertAdmin(deps, caller, type, fields)
  checkAddress(url, rest.allowInternal)
  const { db } = deps.store
  requireFree('name', await findAlert(db, name))
  await requireTeams(deps, rest.teams ?? [])
  const id = deps.newId()
  const signingSecret = newSecret(deps)
  const rules: AlertRules = { ...rest, receiver }
  const row: AlertRow = {
    id,
    name,
    settings: JSON.stringify(rules),
    target: sealedTarget(id, { url, signing: signingSecret }, deps.secretBox),
    created_at: deps.clock(),
    created_by: caller.principal.username,
  }
  const event = eventOf(deps, caller, type, decision, fields)
  await deps.store.commit({ statements: [insertAlert(db, row)], events: [event] })
  const state = { waiting: 0, unsent: 0, lastSentAt: null, problem: null }
  return { ...shownAlert(row, state), signingSecret }
}

export async function deleteAlert(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'deleteAlert'>,
): Promise<undefined> {
  const type = 'alert.delete'
  const fields = { details: { alert: name } }
  const decision = await requireAlertAdmin(deps, caller, type, fields)
  const { id } = await requireAlert(deps, name)
  const event = eventOf(deps, caller, type, decision, fields)
  await deps.store.commit({ statements: [deleteRow(deps.store.db, id)], events: [event] })
  return undefined
}

export async function testAlert(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'testAlert'>,
): Promise<Reply<'testAlert'>> {
  const type = 'alert.test'
  const fields = { details: { alert: name } }
  const decision = await requireAlertAdmin(deps, caller, type, fields)
  const row = await requireAlert(deps, name)
  const event = eventOf(deps, caller, type, decision, fields)
  await deps.store.commit({ statements: [], events: [event] })
  const timestamp = isoOf(deps.clock())
  const body = JSON.stringify({ type: 'signpost.alert.test', timestamp, data: { alert: name } })
  const sent = await postAlert(deps, row, targetOf(row, deps.secretBox), { id: event.id, body })
  return sent.ok ? { ok: true, problem: null } : { ok: false, problem: sent.problem }
}

export function checkAddress(url: string, allowInternal: boolean): void {
  if (allowInternal || url.startsWith('https:')) return
  throw new SignpostError('invalid', 'url: must be https, unless allowInternal is set.', { field: 'url' })
}

export async function requireTeams({ store }: BrokerDeps, names: readonly string[]): Promise<void> {
  for (const name of names)
    if (!(await findTeam(store.db, name)))
      throw new SignpostError('conflict', 'teams: there is no team of one of these names.', {
        field: 'teams',
      })
}

export function newSecret({ randomBytes: random }: BrokerDeps): string {
  return `whsec_${Buffer.from(random(secretBytes)).toString('base64')}`
}

/** Whoever sets one has findings sent where they like. */
export async function requireAlertAdmin(
  deps: BrokerDeps,
  caller: Caller,
  type: AuditEventType,
  fields: EventFields,
): Promise<Decision> {
  await requireOrganisation(deps, caller, 'connectors.manage', type, fields)
  return requireOrganisation(deps, caller, 'audit.read', type, fields)
}

export async function requireAlert({ store }: BrokerDeps, name: string): Promise<AlertRow> {
  const row = await findAlert(store.db, name)
  if (!row) throw new SignpostError('not_found', 'There is no such alert.')
  return row
}
