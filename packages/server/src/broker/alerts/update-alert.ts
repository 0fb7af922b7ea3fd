/** An alert as it is to be from now on. What it has not told yet of findings that it is still for, it tells. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import {
  deleteOtherTallies,
  findAlert,
  readAlertState,
  updateAlert as updateRow,
  type AlertRow,
} from '../../store/alerts.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { requireFree } from '../gate.ts'
import { isEnabled, rulesOf, sealedTarget, shownAlert, targetOf, type AlertRules } from './alert-record.ts'
import { checkAddress, newSecret, requireAlert, requireAlertAdmin, requireTeams } from './alerts.ts'

type Body = ParsedInput<'updateAlert'>['body']

export async function updateAlert(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, body }: ParsedInput<'updateAlert'>,
): Promise<Reply<'updateAlert'>> {
  const type = 'alert.update'
  const fields = { details: detailsOf(name, body) }
  const decision = await requireAlertAdmin(deps, caller, type, fields)
  if (Object.keys(body).length === 0)
    throw new SignpostError('invalid', 'body: names nothing to change.', { field: 'body' })
  const row = await requireAlert(deps, name)
  const { db } = deps.store
  if (body.name !== undefined && body.name !== name) requireFree('name', await findAlert(db, body.name))
  await requireTeams(deps, body.teams ?? [])
  const signingSecret = body.newSigningSecret === true ? newSecret(deps) : undefined
  const changed = changedRow(deps, row, body, signingSecret)
  const { findings } = rulesOf(changed)
  // Who silences an alert is seen to: what it was and what it is now.
  const shift = { before: rulesText(row), after: rulesText(changed) }
  await deps.store.commit({
    statements: [updateRow(db, row, changed), deleteOtherTallies(db, row.id, findings)],
    events: [eventOf(deps, caller, type, decision, { details: { ...fields.details, ...shift } })],
  })
  const shown = shownAlert({ ...row, ...changed }, await readAlertState(db, row.id))
  return signingSecret === undefined ? shown : { ...shown, signingSecret }
}

function detailsOf(alert: string, body: Body): Record<string, string> {
  const { name, url, findings } = body
  return {
    alert,
    changed: Object.keys(body).join(', '),
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { receiver: new URL(url).origin }),
    ...(findings === undefined ? {} : { findings: findings.join(', ') }),
  }
}

/** Nothing in it is secret. */
function rulesText(row: Pick<AlertRow, 'settings'>): string {
  const { findings, teams = null, minimum, quietSeconds, allowInternal } = rulesOf(row)
  const enabled = isEnabled(row)
  return JSON.stringify({ enabled, findings, teams, minimum, quietSeconds, allowInternal })
}

function changedRow(
  { secretBox }: BrokerDeps,
  row: AlertRow,
  body: Body,
  signingSecret: string | undefined,
): Pick<AlertRow, 'name' | 'settings' | 'target'> {
  const { name = row.name, url, teams, newSigningSecret: _, ...rest } = body
  const { teams: teamsBefore, ...before } = rulesOf(row)
  const of = teams === undefined ? teamsBefore : (teams ?? undefined)
  const rules: AlertRules = {
    ...before,
    ...withoutUndefined(rest),
    ...(of === undefined ? {} : { teams: of }),
    ...(url === undefined ? {} : { receiver: new URL(url).origin }),
  }
  const settings = JSON.stringify(rules)
  const isSameTarget = url === undefined && signingSecret === undefined && body.allowInternal === undefined
  if (isSameTarget) return { name, settings, target: row.target }
  const earlier = targetOf(row, secretBox)
  const target = { url: url ?? earlier.url, signing: signingSecret ?? earlier.signing }
  checkAddress(target.url, rules.allowInternal)
  return { name, settings, target: sealedTarget(row.id, target, secretBox) }
}

function withoutUndefined<T extends object>(all: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never
}
