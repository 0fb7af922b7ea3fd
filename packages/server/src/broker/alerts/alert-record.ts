/** An alert's row: its rules, where it leads (sealed), and how it is shown. */
import type { Alert, Finding, ParsedInput } from '@signpost/contract'
import { isoOf, isoOrNull } from '../../domain/instant.ts'
import type { AlertRow, AlertState } from '../../store/alerts.ts'
import type { SecretBox } from '../deps.ts'

export type AlertRules = Pick<ParsedInput<'createAlert'>['body'], 'teams' | 'minimum' | 'quietSeconds'> & {
  findings: Finding[]
  /** Left out: true, as it is for those made before there was a choice. */
  enabled?: boolean
  /** Origin of the receiver, for showing. */
  receiver: string
  allowInternal: boolean
}

/** Many receivers are known by their address alone: it is as secret as the key. */
export interface AlertTarget {
  url: string
  signing: string
}

export function rulesOf({ settings }: Pick<AlertRow, 'settings'>): AlertRules {
  return JSON.parse(settings) as AlertRules
}

export function isEnabled(row: Pick<AlertRow, 'settings'>): boolean {
  return rulesOf(row).enabled ?? true
}

/** Throws `credential_unavailable` where no master key opens it. */
export function targetOf({ id, target }: Pick<AlertRow, 'id' | 'target'>, secretBox: SecretBox): AlertTarget {
  return JSON.parse(secretBox.open(target, bindingOf(id))) as AlertTarget
}

export function sealedTarget(id: string, target: AlertTarget, secretBox: SecretBox): string {
  return secretBox.seal(JSON.stringify(target), bindingOf(id))
}

export function resealedTarget(row: Pick<AlertRow, 'id' | 'target'>, secretBox: SecretBox): string {
  return secretBox.seal(secretBox.open(row.target, bindingOf(row.id)), bindingOf(row.id))
}

export function shownAlert(row: AlertRow, state: AlertState): Alert {
  const { receiver, allowInternal, findings, teams, minimum, quietSeconds } = rulesOf(row)
  return {
    name: row.name,
    enabled: isEnabled(row),
    receiver,
    allowInternal,
    findings,
    teams: teams ?? null,
    minimum,
    quietSeconds,
    createdAt: isoOf(row.created_at),
    createdBy: row.created_by,
    state: { ...state, lastSentAt: isoOrNull(state.lastSentAt) },
  }
}

function bindingOf(id: string): string {
  return `alert ${id}`
}
