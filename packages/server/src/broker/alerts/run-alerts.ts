/**
 * Tells of findings. What a file told is counted once, in the unit that notes that it was looked at; what is told goes from
 * the count into a message in one unit, and the message is tried until it is taken: none is lost, one may come twice.
 */
import { SignpostError, type AuditEvent, type FileCounts, type Finding } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { isoOf } from '../../domain/instant.ts'
import type { AccessLogCursor } from '../../store/access-log-records.ts'
import {
  addTally,
  deleteSentMessages,
  insertMessage,
  listAlerts,
  listDueMessages,
  listTallies,
  listUnlookedFiles,
  noteAllLookedAt,
  noteLookedAt,
  noteMessage,
  takeMessage,
  takeTally,
  type AlertRow,
  type LookedAt,
  type MessageRow,
  type Tallied,
} from '../../store/alerts.ts'
import { listFindingsUpwards, type FindingRow } from '../../store/findings.ts'
import { listTeamPrefixes } from '../../store/stop-events.ts'
import type { Statement } from '../../store/store.ts'
import { accessIdOf } from '../access-log-records.ts'
import type { BrokerDeps } from '../deps.ts'
import { isEnabled, rulesOf, targetOf } from './alert-record.ts'
import { postAlert } from './post-alert.ts'

const filesAtOnce = 100
const rowsAtOnce = 2000
const examplesMax = 5
const messagesAtOnce = 100
/** Whoever tries a message has it so long. */
const tryMs = 60_000
const firstWaitMs = 5000
const longestWaitMs = 10 * 60_000
const keptMs = 30 * 86_400_000

/** The chore's work; any number of processes may do it at the same time. */
export async function runAlerts(deps: BrokerDeps, signal: AbortSignal): Promise<void> {
  const { store, clock } = deps
  const alerts = (await listAlerts(store.db)).filter(isEnabled)
  const files = await listUnlookedFiles(store.db, filesAtOnce)
  if (alerts.length === 0) {
    if (files.length > 0) await store.commit({ statements: [noteAllLookedAt(store.db)], events: [] })
    return
  }
  for (const file of files) {
    if (signal.aborted) return
    await lookAtFile(deps, file, alerts)
  }
  for (const alert of alerts) await tellDue(deps, alert)
  await sendDue(deps, alerts, signal)
  await store.commit({ statements: [deleteSentMessages(store.db, clock() - keptMs)], events: [] })
}

async function lookAtFile(deps: BrokerDeps, file: LookedAt, alerts: readonly AlertRow[]): Promise<void> {
  const { db } = deps.store
  // What was read before somebody asked to be told is not new.
  const asking = alerts.filter((alert) => alert.created_at <= file.readAt)
  const tallies = new Map<string, Tallied>()
  const prefixes = asking.some((alert) => rulesOf(alert).teams !== undefined)
    ? await listTeamPrefixes(db)
    : null
  const rules = asking.map((alert) => ({ id: alert.id, ...rulesOf(alert) }))
  for (const finding of new Set(rules.flatMap(({ findings }) => findings)))
    for await (const row of findingsOf(deps, file, finding))
      for (const rule of rules)
        if (rule.findings.includes(finding) && isOfTeams(row, rule.teams, prefixes))
          addTo(tallies, rule.id, row)
  const statements: Statement[] = [noteLookedAt(db, file.id)]
  for (const tally of tallies.values()) statements.push(addTally(db, tally))
  await unlessLate(() => deps.store.commit({ statements, events: [] }))
}

async function* findingsOf(
  { store: { db } }: BrokerDeps,
  file: LookedAt,
  finding: Finding,
): AsyncGenerator<FindingRow> {
  const counts = file.counts === '' ? undefined : (JSON.parse(file.counts) as Partial<FileCounts>)
  if (typeof counts?.firstAt !== 'string' || typeof counts.lastAt !== 'string') return
  const filter = {
    finding,
    fileId: file.id,
    from: Date.parse(counts.firstAt),
    to: Date.parse(counts.lastAt) + 1,
  }
  for (let after: AccessLogCursor | undefined; ;) {
    const rows = await listFindingsUpwards(db, filter, { limit: rowsAtOnce, after })
    yield* rows
    if (rows.length < rowsAtOnce) return
    after = rows.at(-1)
    await setImmediate()
  }
}

function isOfTeams(
  { team, object_key: key }: FindingRow,
  teams: readonly string[] | undefined,
  prefixes: ReadonlyMap<string, string> | null,
): boolean {
  if (teams === undefined) return true
  if (team !== null) return teams.includes(team)
  return teams.some((name) => {
    const prefix = prefixes?.get(name)
    return prefix !== undefined && key?.startsWith(prefix) === true
  })
}

function addTo(tallies: Map<string, Tallied>, alertId: string, row: FindingRow): void {
  const { finding, connector_id: connectorId, at } = row
  const name = `${alertId} ${finding} ${connectorId}`
  const tally = tallies.get(name)
  const examples = tally === undefined ? [] : (JSON.parse(tally.examples) as string[])
  if (examples.length < examplesMax) examples.push(accessIdOf(row))
  tallies.set(name, {
    alert_id: alertId,
    finding,
    connector_id: connectorId,
    count: (tally?.count ?? 0) + 1,
    first_at: tally?.first_at ?? at,
    last_at: at,
    examples: JSON.stringify(examples),
  })
}

async function tellDue({ store, clock, newId }: BrokerDeps, alert: AlertRow): Promise<void> {
  const { minimum, quietSeconds } = rulesOf(alert)
  const now = clock()
  for (const tally of await listTallies(store.db, alert.id)) {
    if (tally.count < minimum || tally.told_at + quietSeconds * 1000 > now) continue
    const { finding, connector, count, first_at: firstAt, last_at: lastAt, examples } = tally
    const data = {
      alert: alert.name,
      finding,
      connector,
      count,
      firstAt: isoOf(firstAt),
      lastAt: isoOf(lastAt),
      findingIds: JSON.parse(examples) as string[],
    }
    const body = JSON.stringify({ type: 'signpost.finding', timestamp: isoOf(now), data })
    const message = insertMessage(store.db, { id: newId(), alert_id: alert.id, body, created_at: now })
    const { connector: _, ...row } = tally
    await unlessLate(() => store.commit({ statements: [takeTally(store.db, row, now), message], events: [] }))
  }
}

/** One receiver that is down holds up its own messages alone. */
async function sendDue(deps: BrokerDeps, alerts: readonly AlertRow[], signal: AbortSignal): Promise<void> {
  const due = await listDueMessages(deps.store.db, deps.clock(), messagesAtOnce)
  const byAlert = Map.groupBy(due, ({ alert_id: id }) => id)
  await Promise.all(
    alerts.map(async (alert) => {
      for (const message of byAlert.get(alert.id) ?? [])
        if (signal.aborted || !(await sendOne(deps, alert, message))) return
    }),
  )
}

/** False: it was not taken. */
async function sendOne(deps: BrokerDeps, alert: AlertRow, message: MessageRow): Promise<boolean> {
  const { store, clock } = deps
  const taken = takeMessage(store.db, message, clock() + tryMs)
  if (!(await unlessLate(() => store.commit({ statements: [taken], events: [] })))) return true
  const problem = await tried(deps, alert, message)
  const now = clock()
  if (problem !== null) {
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(message.tries, 20))
    const set = { sent_at: null, problem, next_try_at: now + wait }
    await store.commit({ statements: [noteMessage(store.db, message.id, set)], events: [] })
    return false
  }
  const note = noteMessage(store.db, message.id, { sent_at: now, problem: null })
  await store.commit({ statements: [note], events: [sentEvent(deps, alert, message)] })
  return true
}

async function tried(deps: BrokerDeps, alert: AlertRow, message: MessageRow): Promise<string | null> {
  try {
    const sent = await postAlert(deps, alert, targetOf(alert, deps.secretBox), message)
    return sent.ok ? null : sent.problem
  } catch (error) {
    if (error instanceof SignpostError) return error.message
    throw error
  }
}

function sentEvent({ newId, clock }: BrokerDeps, alert: AlertRow, { id, body }: MessageRow): AuditEvent {
  const { data } = JSON.parse(body) as { data: { finding: string; connector: string; count: number } }
  const { finding, connector, count } = data
  const details = { alert: alert.name, message: id, finding, count }
  return {
    id: newId(),
    at: isoOf(clock()),
    type: 'alert.send',
    decision: 'allow',
    reason: 'alert',
    connector,
    details,
  }
}

/** False: another process was first, and nothing was written. */
async function unlessLate(commit: () => Promise<void>): Promise<boolean> {
  try {
    await commit()
    return true
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'conflict') return false
    throw error
  }
}
