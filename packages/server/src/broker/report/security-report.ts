/** One time for a security review: what is known, what wants a look, and what is not known. */
import type { Coverage, Finding, ParsedInput, Reply, SecurityReport } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import { countAcknowledged } from '../../store/access-sums.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import { listFindings, loudFindings } from '../../store/findings.ts'
import { countLogFiles } from '../../store/log-files.ts'
import { listLogSources } from '../../store/log-sources.ts'
import { requireAuditReader } from '../access-log-records.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { explained } from '../findings.ts'
import { shownLogSource } from '../log-reading/source-record.ts'
import { spanOf, type Span } from '../who.ts'
import { reportNotes } from './report-notes.ts'
import { readChanges, readRefusals } from './report-events.ts'
import { usageOf, type Usage } from './url-usage.ts'

const examplesMax = 5
const addressesMax = 50
const dayMs = 86_400_000
const asked = { team: undefined, username: undefined, usedMoreThan: 100, endsWithinSeconds: 3600 }

export async function getSecurityReport(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'getSecurityReport'>,
): Promise<Reply<'getSecurityReport'>> {
  await requireAuditReader(deps, caller, 'getSecurityReport', query)
  const span = spanOf(deps, query)
  const usage = await usageOf(deps, span, asked)
  const sources = await reportSources(deps)
  const coverage = coverageOf(usage, sources)
  const refusals = await readRefusals(deps, span)
  const changes = await readChanges(deps, span)
  const checkpoint = await newestCheckpoint(deps)
  const complete = usage.usage.complete && refusals.complete && changes.complete
  const { grants, accesses } = usage
  return {
    madeAt: isoOf(deps.clock()),
    madeBy: caller.principal.username,
    from: isoOf(span.from),
    to: isoOf(span.to),
    coverage,
    sources,
    numbers: {
      issued: grants.all.issued,
      refused: refusals.total,
      accesses: accesses.all.accesses,
      matched: accesses.byFinding.get('matched') ?? 0,
      own: accesses.byFinding.get('own') ?? 0,
      findings: accesses.all.findings,
      bytes: accesses.all.bytes,
      bytesUnknown: accesses.all.bytesUnknown,
      unparsed: sources.reduce((sum, { unparsed }) => sum + unparsed, 0),
    },
    days: daysOf(usage),
    findings: await findingsOf(deps, span, accesses.byFinding),
    addresses: addressesOf(usage),
    usage: usage.usage,
    refusals: refusals.reasons,
    refusedUsers: refusals.users,
    changes: changes.changes,
    checkpoint,
    notes: reportNotes({ coverage, sources, checkpoint, complete, usage: usage.usage, to: span.to }),
  }
}

async function reportSources({ store: { db }, clock }: BrokerDeps): Promise<SecurityReport['sources']> {
  const files = await countLogFiles(db)
  const rows = await listLogSources(db)
  return rows.map((row) => {
    const shown = shownLogSource(row, files.get(row.id) ?? { waiting: 0, failed: 0 }, clock())
    const { name, connector, format, state } = shown
    const { lastAccessAt, lines, unparsed, waiting, failed, problem } = state
    return { name, connector, format, lastAccessAt, lines, unparsed, waiting, failed, problem }
  })
}

/** Every connector that is there, or that URLs or accesses of the time are of. */
function coverageOf({ accesses, grants, names }: Usage, sources: SecurityReport['sources']): Coverage[] {
  const seen = new Map([...accesses.byConnector].map(([id, seenOf]) => [names.get(id) ?? id, seenOf]))
  const all = new Set([...names.values(), ...seen.keys(), ...grants.byConnector.keys()])
  return [...all].toSorted().map((connector) => {
    const issued = grants.byConnector.get(connector)
    const days = seen.get(connector)?.days ?? new Set<number>()
    const silent = [...(issued?.days ?? [])].filter((day) => !days.has(day)).toSorted((a, b) => a - b)
    return {
      connector,
      logged: seen.has(connector),
      sources: sources.filter((one) => one.connector === connector).map(({ name }) => name),
      issued: issued?.issued ?? 0,
      accesses: seen.get(connector)?.accesses ?? 0,
      silentDays: silent.map(dayText),
    }
  })
}

function daysOf({ accesses, grants }: Usage): SecurityReport['days'] {
  const days = new Set([...accesses.byDay.keys(), ...grants.byDay.keys()])
  return [...days]
    .toSorted((a, b) => a - b)
    .map((day) => ({
      day: dayText(day),
      issued: grants.byDay.get(day) ?? 0,
      matched: accesses.byDay.get(day)?.matched ?? 0,
      findings: accesses.byDay.get(day)?.findings ?? 0,
    }))
}

function dayText(day: number): string {
  return isoOf(day * dayMs).slice(0, 10)
}

async function findingsOf(
  { store: { db } }: BrokerDeps,
  span: Span,
  counts: ReadonlyMap<Finding, number>,
): Promise<SecurityReport['findings']> {
  const all: SecurityReport['findings'] = []
  const acknowledged = await countAcknowledged(db, span)
  for (const finding of loudFindings) {
    const count = counts.get(finding)
    if (count === undefined) continue
    const rows = await listFindings(db, { ...span, finding }, { limit: examplesMax })
    all.push({
      finding,
      count,
      acknowledged: acknowledged.get(finding) ?? 0,
      examples: rows.slice(0, examplesMax).map((row) => explained(row)),
    })
  }
  return all
}

/** Those that something is wrong with come first. */
function addressesOf({ accesses: { byAddress } }: Usage): SecurityReport['addresses'] {
  return [...byAddress]
    .toSorted(([, a], [, b]) => b.findings - a.findings || b.accesses - a.accesses)
    .slice(0, addressesMax)
    .map(([address, { users, ...share }]) => ({ address, users: [...users].toSorted(), ...share }))
}

async function newestCheckpoint({ store: { db } }: BrokerDeps): Promise<SecurityReport['checkpoint']> {
  const row = await findNewestCheckpoint(db)
  return row ? { number: row.number, at: isoOf(row.at), digest: row.digest } : null
}
