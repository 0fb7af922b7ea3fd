/** Everything that the server does at a pace of its own. */
import type { AppParts } from './app.ts'
import type { LastUsed } from './authn/last-used.ts'
import type { Refusals } from './authn/refusals.ts'
import { forgetOldUses } from './broker/budget-use.ts'
import type { BrokerDeps } from './broker/deps.ts'
import { examineDue } from './broker/doctor.ts'
import { forgetEndedKeys } from './broker/forget-ended-keys.ts'
import { forgetOldReplies } from './broker/idempotency.ts'
import { forgetOldLogins } from './broker/login.ts'
import { runAlerts } from './broker/alerts/run-alerts.ts'
import { noteAuditSinks } from './broker/audit-sinks.ts'
import { createLogReader } from './broker/log-reading/read-sources.ts'
import { noteLogSources } from './broker/log-sources.ts'
import { expireOld } from './broker/retention/expire.ts'
import { runMoves } from './broker/move/run-moves.ts'
import { createSinkRunner } from './broker/sinks/run-sinks.ts'
import { sweepRestrictions } from './broker/restrictions.ts'
import { signCheckpoint } from './broker/sign-checkpoint.ts'
import { sweepUploads } from './broker/sweep-uploads.ts'
import type { TeamUses } from './broker/team-uses.ts'
import { forgetOldVerifications, verifyDueWrites } from './broker/verify-write.ts'
import type { Chore } from './chores.ts'

export interface ChoreDeps {
  deps: BrokerDeps
  lastUsed: Pick<LastUsed, 'flush'>
  teamUses: Pick<TeamUses, 'flush'>
  refusals: Pick<Refusals, 'flush'>
  /** Names this process, where one at a time is at work. */
  workerId: string
  /** Aborted when the server closes. */
  signal: AbortSignal
  parts: Pick<AppParts, 'checkpointMinutes' | 'doctorHours' | 'logsIntervalSeconds' | 'sinksIntervalSeconds'>
}

export function choresOf({
  deps,
  lastUsed,
  teamUses,
  refusals,
  workerId,
  signal,
  parts,
}: ChoreDeps): Chore[] {
  const { connectors } = deps
  return [
    { name: 'flush last use', everyMs: 60_000, run: () => lastUsed.flush() },
    { name: 'flush team uses', everyMs: 60_000, run: () => teamUses.flush() },
    { name: 'flush refusals', everyMs: 60_000, run: () => refusals.flush() },
    { name: 'verify writes', everyMs: 60_000, run: () => verifyDueWrites(deps, signal) },
    { name: 'forget verifications', everyMs: 60 * 60_000, run: () => forgetOldVerifications(deps) },
    { name: 'sweep uploads', everyMs: 5 * 60_000, run: () => sweepUploads(deps) },
    { name: 'look at referenced secrets', everyMs: 5_000, run: () => connectors.lookAtReferences() },
    ...checkpointChores(deps, parts.checkpointMinutes ?? 0),
    ...doctorChores(deps, parts.doctorHours ?? 0, signal),
    ...logChores(deps, parts.logsIntervalSeconds ?? 0, workerId),
    { name: 'tell of findings', everyMs: 15_000, run: (ending) => runAlerts(deps, ending) },
    ...sinkChores(deps, parts.sinksIntervalSeconds ?? 0, workerId),
    { name: 'move objects', everyMs: 1000, run: (ending) => runMoves(deps, workerId, ending) },
    { name: 'forget finished logins', everyMs: 10 * 60_000, run: () => forgetOldLogins(deps) },
    { name: 'forget ended sessions', everyMs: 60 * 60_000, run: () => forgetEndedKeys(deps) },
    { name: 'forget budget uses', everyMs: 60 * 60_000, run: () => forgetOldUses(deps) },
    { name: 'expire what is old', everyMs: 10 * 60_000, run: (ending) => expireOld(deps, ending) },
    { name: 'sweep restrictions', everyMs: 10 * 60_000, run: () => sweepRestrictions(deps) },
    { name: 'forget idempotency keys', everyMs: 60 * 60_000, run: () => forgetOldReplies(deps) },
  ]
}

/** Looks every minute whether one is due: replicas share one sequence, and the newest counts for all. */
function checkpointChores(deps: BrokerDeps, minutes: number): Chore[] {
  if (minutes === 0) return []
  const everyMs = 60_000
  const run = () => signCheckpoint(deps, { ifOlderThanMs: minutes * 60_000 - everyMs / 2 })
  return [{ name: 'sign a checkpoint', everyMs, run }]
}

function logChores(deps: BrokerDeps, seconds: number, workerId: string): Chore[] {
  const { ingestFile } = deps
  const note = { name: 'note log sources', everyMs: 60_000, run: () => noteLogSources(deps) }
  if (seconds === 0 || ingestFile === undefined) return [note]
  const run = createLogReader({ ...deps, ingestFile }, workerId)
  return [note, { name: 'read access logs', everyMs: seconds * 1000, run }]
}

function sinkChores(deps: BrokerDeps, seconds: number, workerId: string): Chore[] {
  const { sendToSink } = deps
  if (seconds === 0 || sendToSink === undefined) return []
  const run = createSinkRunner({ ...deps, sendToSink }, workerId)
  return [
    { name: 'note audit sinks', everyMs: 15_000, run: () => noteAuditSinks(deps) },
    { name: 'send audit events', everyMs: seconds * 1000, run },
  ]
}

/** Looks every few minutes which bucket's turn it is. */
function doctorChores(deps: BrokerDeps, hours: number, signal: AbortSignal): Chore[] {
  if (hours === 0) return []
  return [{ name: 'doctor', everyMs: 5 * 60_000, run: () => examineDue(deps, hours * 3_600_000, signal) }]
}
