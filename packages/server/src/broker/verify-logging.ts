/** One marked access to a connector's bucket, and whether the bucket's log tells of it. */
import {
  SignpostError,
  type Check,
  type CheckResult,
  type LoggingVerification,
  type ParsedInput,
} from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { findGrant } from '../store/audit-events.ts'
import type { NamedConnectorRow } from '../store/connectors.ts'
import { makeAccess, reason, type MadeAccess } from './bucket-logging/make-access.ts'
import { planBucketLogging, type PlannedLogging } from './bucket-logging/plan.ts'
import { formatsOf, look, tellingSources, type Arrival, type Formats } from './bucket-logging/arrival.ts'
import { readNow, type TellingSource } from './bucket-logging/sources.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'

const type = 'connector.logging'

export async function verifyLogging(
  deps: BrokerDeps,
  caller: Caller,
  { params, body: { grantId, log } }: ParsedInput<'verifyLogging'>,
): Promise<LoggingVerification> {
  const { row, decision } = await requireManaged(deps, caller, params.connector, type)
  const did = grantId === undefined ? 'verify' : 'look'
  const fields = {
    connector: row.name,
    details: {
      did,
      ...(grantId === undefined ? {} : { grant: grantId }),
      ...(log === undefined ? {} : { log }),
    },
  }
  const event = eventOf(deps, caller, type, decision, fields)
  if (grantId !== undefined) {
    const access = await findAccess(deps, row, grantId)
    await deps.store.commit({ statements: [], events: [event] })
    const formats = log && (await formatsOf(deps, caller, row, log))
    const before = await look(deps, row, access, formats)
    if (before.finding !== null) return answer([], before)
    // Who waits need not wait for the timer too.
    await readNow(deps, row.id)
    return answer([], await look(deps, row, access, formats))
  }
  const plan = await planBucketLogging(deps, caller, row, { log })
  await deps.store.commit({ statements: [], events: [event] })
  const formats = log && new Set(plan.reply.ways.map(({ format }) => format))
  const sources = await tellingSources(deps, row, formats)
  const checks = [configurationCheck(plan, sources), sourceCheck(plan, sources, formats)]
  try {
    const made = await makeAccess(deps, caller, row, plan)
    checks.push(accessCheck(made))
    return answer(checks, await look(deps, row, made, formats))
  } catch (error) {
    if (!(error instanceof SignpostError) || error.code === 'record_unavailable') throw error
    checks.push(check('logging.access', 'fail', error.message, 'run `signpost doctor`'))
    return { ok: false, checks, access: null, usually: usuallyOf(sources) }
  }
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

function answer(before: Check[], arrival: Arrival): LoggingVerification {
  const checks = [...before, arrivalCheck(arrival)]
  const { access, finding, source, sources } = arrival
  const { grantId, key, at } = access
  return {
    ok: checks.every(({ result }) => result !== 'fail'),
    checks,
    access: { grantId, key, at: isoOf(at), finding, arrivedIn: finding === null ? null : (source ?? '') },
    usually: usuallyOf(sources),
  }
}

function configurationCheck({ reply, input }: PlannedLogging, sources: TellingSource[]): Check {
  const name = 'logging.switched_on'
  const { state, current, obstacles, ways } = reply
  const isAsked = state === 'always' || ways.some(({ isSetting }) => isSetting)
  if (!isAsked && ways[0] !== undefined)
    return check(name, 'not_possible', `${ways[0].title}: no setting of the bucket that can be read.`)
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

function sourceCheck(
  { input }: PlannedLogging,
  sources: TellingSource[],
  formats: Formats | undefined = new Set(),
): Check {
  const name = 'logging.source'
  const untold = [...formats].filter((format) => sources.every((one) => one.format !== format))
  if (sources.length > 0 && untold.length === 0)
    return check(name, 'pass', `Told by ${sources.map((one) => one.name).join(', ')}.`)
  const fix = `make a log source: \`signpost logs plan ${input.settings.name}\` says which`
  const what = untold.length > 0 ? `No log source of ${untold.join(' or ')}` : 'No log source'
  return check(name, 'fail', `${what} tells of this bucket: what it logs is not read.`, fix)
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

function arrivalCheck({ finding, source, why, missing, sources }: Arrival): Check {
  const name = 'logging.arrived'
  if (finding === null) {
    const usually = usuallyOf(sources)
    const when = usually === null ? 'Nothing reads its log.' : `It usually arrives ${usually}.`
    const what = source === null ? 'not arrived' : `arrived by ${source}, and not in ${missing.join(', ')}`
    return check(name, 'not_possible', `The access has ${what}. ${when}`)
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
