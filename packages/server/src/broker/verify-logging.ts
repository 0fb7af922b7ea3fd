/** One marked access to a connector's bucket, and whether the bucket's log tells of it. */
import {
  SignpostError,
  type Check,
  type CheckResult,
  type LoggingVerification,
  type ParsedInput,
} from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { listAccessLogRecords } from '../store/access-log-records.ts'
import { findGrant } from '../store/audit-events.ts'
import type { NamedConnectorRow } from '../store/connectors.ts'
import { makeAccess, reason, type MadeAccess } from './bucket-logging/make-access.ts'
import { planBucketLogging, type PlannedLogging } from './bucket-logging/plan.ts'
import { readNow, sourcesOf, type TellingSource } from './bucket-logging/sources.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'

const type = 'connector.logging'
/** Of the access there are few: those of Signpost itself to the same object. */
const recordsMax = 20

export async function verifyLogging(
  deps: BrokerDeps,
  caller: Caller,
  { params, body: { grantId } }: ParsedInput<'verifyLogging'>,
): Promise<LoggingVerification> {
  const { row, decision } = await requireManaged(deps, caller, params.connector, type)
  const did = grantId === undefined ? 'verify' : 'look'
  const fields = {
    connector: row.name,
    details: { did, ...(grantId === undefined ? {} : { grant: grantId }) },
  }
  const event = eventOf(deps, caller, type, decision, fields)
  if (grantId !== undefined) {
    const access = await findAccess(deps, row, grantId)
    await deps.store.commit({ statements: [], events: [event] })
    const before = await arrivalOf(deps, row, access)
    if (before.finding !== null) return answer([], before, await sourcesOf(deps, row))
    // Who waits need not wait for the timer too.
    await readNow(deps, row.id)
    return answer([], await arrivalOf(deps, row, access), await sourcesOf(deps, row))
  }
  const plan = await planBucketLogging(deps, caller, row, undefined)
  await deps.store.commit({ statements: [], events: [event] })
  const sources = await sourcesOf(deps, row)
  const checks = [configurationCheck(plan, sources), sourceCheck(plan, sources)]
  try {
    const made = await makeAccess(deps, caller, row, plan)
    checks.push(accessCheck(made))
    return answer(checks, await arrivalOf(deps, row, made), sources)
  } catch (error) {
    if (!(error instanceof SignpostError) || error.code === 'record_unavailable') throw error
    checks.push(check('logging.access', 'fail', error.message, 'run `signpost doctor`'))
    return { ok: false, checks, access: null, usually: usuallyOf(sources) }
  }
}

interface Arrival extends Pick<MadeAccess, 'grantId' | 'key' | 'at'> {
  source: string | null
  finding: NonNullable<LoggingVerification['access']>['finding']
  why: string
}

/** Of this connector, made for this: other grants are for those who may read the audit trail. */
async function findAccess(
  deps: BrokerDeps,
  { name }: NamedConnectorRow,
  grantId: string,
): Promise<MadeAccess> {
  const row = await findGrant(deps.store.db, grantId)
  const event =
    row && (JSON.parse(row.event) as { reason: string; connector?: string; key?: string; at: string })
  if (event?.reason !== reason || event.connector !== name || event.key === undefined)
    throw new SignpostError('not_found', 'grantId: there is no such access of this connector: verify anew.', {
      field: 'grantId',
    })
  return { grantId, key: event.key, at: Date.parse(event.at), status: null }
}

/** By its key, which no other access has: some logs tell no more. */
async function arrivalOf(
  deps: BrokerDeps,
  { id: connectorId }: NamedConnectorRow,
  { grantId, key, at }: MadeAccess,
): Promise<Arrival> {
  const rows = await listAccessLogRecords(deps.store.db, { connectorId, key }, { limit: recordsMax })
  const told = rows
    .filter(({ finding }) => finding !== 'own')
    .map((row) => ({ row, evidence: JSON.parse(row.evidence) as { action: string; reason: string } }))
    .filter(({ evidence }) => evidence.action === 'read')
  const best = told.find(({ row }) => row.grant_id === grantId) ?? told[0]
  const finding = (best?.row.finding ?? null) as Arrival['finding']
  return {
    grantId,
    key,
    at,
    finding,
    source: best?.row.source_name ?? null,
    why: best?.evidence.reason ?? '',
  }
}

function answer(before: Check[], arrival: Arrival, sources: TellingSource[]): LoggingVerification {
  const checks = [...before, arrivalCheck(arrival, sources)]
  const { grantId, key, at, finding, source } = arrival
  return {
    ok: checks.every(({ result }) => result !== 'fail'),
    checks,
    access: { grantId, key, at: isoOf(at), finding, arrivedIn: finding === null ? null : (source ?? '') },
    usually: usuallyOf(sources),
  }
}

function configurationCheck({ reply, input }: PlannedLogging, sources: TellingSource[]): Check {
  const name = 'logging.switched_on'
  const { state, current, obstacles } = reply
  if (state === 'always') return check(name, 'pass', 'This store always writes its log.')
  if (state === 'on') return check(name, 'pass', `The bucket logs to ${current}.`)
  if (state === 'unknown')
    return check(name, 'not_possible', obstacles[0] ?? 'It is no setting of the bucket that can be read.')
  const arriving = sources.find(({ lastArrivalAt }) => lastArrivalAt !== null)
  if (arriving !== undefined)
    return check(name, 'pass', `The bucket's own log is off; ${arriving.name} tells of accesses.`)
  const fix = `\`signpost logs apply ${input.settings.name} --to LOG-BUCKET\`, or another log of \`signpost logs plan\``
  return check(name, 'fail', 'The bucket writes no access log.', fix)
}

function sourceCheck({ input }: PlannedLogging, sources: TellingSource[]): Check {
  const name = 'logging.source'
  if (sources.length > 0) return check(name, 'pass', `Told by ${sources.map((one) => one.name).join(', ')}.`)
  const fix = `make a log source: \`signpost logs plan ${input.settings.name}\` says which`
  return check(name, 'fail', 'No log source tells of this bucket: what it logs is not read.', fix)
}

function accessCheck({ grantId, status }: MadeAccess): Check {
  const name = 'logging.access'
  if (status !== null && status !== 0 && (status < 300 || status === 404))
    return check(name, 'pass', `One access was made, as grant ${grantId}.`)
  if (status === 0 || status === null)
    return check(name, 'fail', 'The bucket did not answer the access that was made.', 'run `signpost doctor`')
  const seen = `The bucket answered HTTP ${status} to the access (grant ${grantId}).`
  return check(name, 'warn', `${seen} It stands in the log as refused.`, 'run `signpost doctor`')
}

function arrivalCheck({ finding, source, why }: Arrival, sources: TellingSource[]): Check {
  const name = 'logging.arrived'
  if (finding === null) {
    const usually = usuallyOf(sources)
    const when = usually === null ? 'Nothing reads its log.' : `It usually arrives ${usually}.`
    return check(name, 'not_possible', `The access has not arrived. ${when}`)
  }
  const from = source === null ? '' : ` by ${source}`
  if (finding === 'matched')
    return check(name, 'pass', `The access arrived${from}, and was put down to its grant.`)
  if (finding === 'likely')
    return check(
      name,
      'pass',
      `The access arrived${from}; this log does not say enough to prove whose it was.`,
    )
  return check(
    name,
    'warn',
    `The access arrived${from}, and was taken for ${finding} (${why}).`,
    'see the access log record for what the line says; is the source set to the right connector and format?',
  )
}

function usuallyOf(sources: TellingSource[]): string | null {
  return sources.toSorted((a, b) => a.usualSeconds - b.usualSeconds)[0]?.usually ?? null
}

function check(name: string, result: CheckResult, seen: string, fix: string | null = null): Check {
  return { name, result, seen, fix, paste: null }
}
