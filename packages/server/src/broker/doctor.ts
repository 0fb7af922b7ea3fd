/** Looks at a bucket from every side, and keeps what was found last. */
import { SignpostError, type DoctorReport, type ParsedInput, type Reply } from '@signpost/contract'
import { examineBucket, halvesOf, type Examination } from '../connectors/index.ts'
import type { OpenConnector } from '../domain/connector.ts'
import { isoOf } from '../domain/instant.ts'
import { findConnectorById, type ConnectorRow, type NamedConnectorRow } from '../store/connectors.ts'
import { findDoctorReport, listExamined, saveDoctorReport } from '../store/doctor-reports.ts'
import { findTeamById, listTeamsAtLocation } from '../store/teams.ts'
import { logFactsOf } from './bucket-logging/log-facts.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { sinkFactsOf } from './sinks/sink-facts.ts'

/** So many at most in one run of the timer; the next one goes on. */
const examinedMax = 1000
/** A bucket that says nothing must not take the time of the examination itself. */
const pingMs = 2_000
/** Prefixes of teams at most, to find one that the credential is good for. */
const triedMax = 3

export async function runDoctor(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name }, body: { origins } }: ParsedInput<'runDoctor'>,
): Promise<Reply<'runDoctor'>> {
  const { row, decision } = await requireManaged(deps, caller, name, 'connector.doctor')
  const checkId = deps.newId()
  const event = eventOf(deps, caller, 'connector.doctor', decision, { connector: name, grantId: checkId })
  await deps.store.commit({ statements: [], events: [event] })
  const look = async () => examine(deps, row, { checkId, origins })
  // It asks the bucket some sixty times: who calls again and again shares one report.
  return deps.looks?.(`doctor ${row.id} ${row.version} ${origins?.join(' ')}`, look) ?? look()
}

export async function getDoctorReport(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name } }: ParsedInput<'getDoctorReport'>,
): Promise<Reply<'getDoctorReport'>> {
  const { row } = await requireManaged(deps, caller, name, 'connector.doctor')
  const report = await findDoctorReport(deps.store.db, row.id)
  if (report === undefined)
    throw new SignpostError('not_found', 'The doctor has not looked at this connector yet: run it.')
  return JSON.parse(report) as DoctorReport
}

/** Beside the request that made or changed the connector: the answer does not wait for it. */
export function examineLater(deps: BrokerDeps, connectorId: string): void {
  deps.beside?.('doctor', async (signal) => {
    const row = await findConnectorById(deps.store.db, connectorId)
    if (row) await examineRecorded(deps, row, 'connected', signal)
  })
}

/** Looks again at what was looked at longer ago than this. Tells the metrics of all of them. Safe on several replicas. */
export async function examineDue(deps: BrokerDeps, everyMs: number, signal?: AbortSignal): Promise<number> {
  let looked = 0
  for (const { id, name, at, report } of await listExamined(deps.store.db, examinedMax)) {
    if (signal?.aborted) break
    if (at !== null && report !== null && deps.clock() - at < everyMs) {
      deps.noteDoctor?.(name, (JSON.parse(report) as DoctorReport).ok)
      continue
    }
    const row = await findConnectorById(deps.store.db, id)
    // Another replica may have been here since.
    if (!row || (await findDoctorReport(deps.store.db, id)) !== (report ?? undefined)) continue
    await examineRecorded(deps, row, 'scheduled', signal)
    looked += 1
  }
  return looked
}

/** Nobody asked: the event has no principal. */
async function examineRecorded(
  deps: BrokerDeps,
  row: NamedConnectorRow,
  reason: 'scheduled' | 'connected',
  signal: AbortSignal | undefined,
): Promise<void> {
  const checkId = deps.newId()
  const event = {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'connector.doctor' as const,
    decision: 'allow' as const,
    reason,
    connector: row.name,
    // By it the URLs are known in the bucket's log.
    grantId: checkId,
  }
  await deps.store.commit({ statements: [], events: [event] })
  await examine(deps, row, { checkId, signal })
}

async function examine(
  deps: BrokerDeps,
  row: ConnectorRow,
  {
    checkId,
    origins = deps.browserOrigins ?? [],
    signal,
  }: { checkId: string; origins?: readonly string[] | undefined; signal?: AbortSignal | undefined },
): Promise<DoctorReport> {
  const begun = deps.clock()
  const { ok, checks } = await looked(deps, row, { checkId, origins }, signal)
  const report: DoctorReport = {
    connector: row.name,
    at: isoOf(begun),
    ok,
    durationMs: Math.max(0, Math.round(deps.clock() - begun)),
    checks,
  }
  // What was broken off says nothing about the bucket.
  if (!signal?.aborted) await keep(deps, row, begun, report)
  return report
}

async function looked(
  deps: BrokerDeps,
  row: ConnectorRow,
  asked: Pick<Examination, 'checkId' | 'origins'>,
  signal: AbortSignal | undefined,
): Promise<Pick<DoctorReport, 'ok' | 'checks'>> {
  try {
    const examination = await examinationOf(deps, row, asked)
    return await examineBucket(examination, deps, { signal })
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    const { seen, fix } = halvesOf(error.message)
    const check = { name: 'credential.available', result: 'fail' as const, seen, paste: null }
    return {
      ok: false,
      checks: [{ ...check, fix: fix ?? 'mend what is named there, or give the credential anew' }],
    }
  }
}

async function examinationOf(
  deps: BrokerDeps,
  row: ConnectorRow,
  asked: Pick<Examination, 'checkId' | 'origins'>,
): Promise<Examination> {
  const { db } = deps.store
  const owner = row.team_id === null ? undefined : await findTeamById(db, row.team_id)
  const isOwn = owner?.connector_id === row.id
  const [record, { connector }] = await Promise.all([
    deps.connectors.record(row.id),
    deps.connectors.open(row.id, row.version),
  ])
  if (!record) throw new SignpostError('conflict', 'The connector was deleted in the meantime: look again.')
  return {
    settings: record.settings,
    open: connector,
    heldBack: deps.connectors.heldBack(row.id),
    prefix: row.team_id === null ? await sharedPrefix(deps, row, connector) : isOwn ? owner.prefix : '',
    isShared: row.team_id === null,
    ...asked,
    policy: deps.policies(row.policy, isOwn ? owner.policy : ''),
    logs: await logFactsOf(deps, row),
    // Sinks are the organisation's: a team's admin is told nothing of them.
    ...(row.team_id === null ? { sinks: await sinkFactsOf(deps) } : {}),
  }
}

/**
 * Where to look on a shared connector: in the folder that holds all its teams, so that nothing shows up in any team's own;
 * but in a team's where the credential is good for those alone.
 */
async function sharedPrefix(
  { store }: BrokerDeps,
  row: ConnectorRow,
  connector: Pick<OpenConnector, 'ping'>,
): Promise<string> {
  const teams = await listTeamsAtLocation(store.db, row.location)
  const prefixes = teams
    .filter(({ connector_id }) => connector_id === row.id || (connector_id === null && row.is_default === 1))
    .map(({ prefix }) => prefix)
  const common = commonFolder(prefixes)
  for (const prefix of [common, ...prefixes.slice(0, triedMax)])
    try {
      await connector.ping(pingMs, prefix === '' ? undefined : prefix)
      return prefix
    } catch (error) {
      // Only a refusal is about the prefix.
      if (!(error instanceof SignpostError && error.code === 'bucket_refused')) return common
    }
  return common
}

function commonFolder(prefixes: readonly string[]): string {
  let common = prefixes[0] ?? ''
  for (const prefix of prefixes)
    while (!prefix.startsWith(common))
      common = common.slice(0, common.lastIndexOf('/', common.length - 2) + 1)
  return common
}

async function keep(deps: BrokerDeps, row: ConnectorRow, at: number, report: DoctorReport): Promise<void> {
  const { db } = deps.store
  const before = await findDoctorReport(db, row.id)
  await deps.store.commit({
    statements: [saveDoctorReport(db, row.id, at, JSON.stringify(report))],
    events: [],
  })
  deps.noteDoctor?.(row.name, report.ok)
  const wasOk = before === undefined || (JSON.parse(before) as DoctorReport).ok
  const failed = report.checks.filter(({ result }) => result === 'fail').map(({ name }) => name)
  if (wasOk && !report.ok)
    deps.log.warn({ connector: row.name, failed }, 'the doctor found a bucket that does not work')
}
