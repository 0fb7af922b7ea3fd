/** One user's time line: what they were given, what the buckets saw of it, and what only names them. */
import { SignpostError, type AccessEvidence, type ParsedInput, type TraceLine } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { isoOf } from '../domain/instant.ts'
import { chainedEventOf, type AuditCursor } from '../store/audit-events.ts'
import type { AccessLogCursor } from '../store/access-log-records.ts'
import { listFindingsUpwards, loudFindings, type FindingRow } from '../store/findings.ts'
import { listAccessesOf } from '../store/grant-uses.ts'
import { listAuditEvents } from '../store/list-audit-events.ts'
import { findPrincipal } from '../store/principals.ts'
import { requireAuditReader, shownRecord } from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { decisionMs, requireKeyAlive } from './key-alive.ts'
import { spanOf, type Span } from './who.ts'

const pageRows = 500

/** `ms`: its place in the order. */
type Timed = TraceLine & { ms: number }

export async function* traceUser(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'traceUser'>,
): AsyncGenerator<TraceLine> {
  await requireAuditReader(deps, caller, 'traceUser', query)
  const span = spanOf(deps, query)
  const { username } = query
  const names = await namesOf(deps, username)
  let decidedAt = deps.clock()
  const lines = merged([
    eventLines(deps, username, span),
    inOrder(accessLines(deps, username, span)),
    ...loudFindings.map((finding) => inOrder(claimLines(deps, { finding, ...span }, names))),
  ])
  for await (const { ms: _, ...line } of lines) {
    // A reader takes its time: whether its key still lets it is looked at anew.
    if (deps.clock() - decidedAt > decisionMs) {
      await requireKeyAlive(deps, caller)
      decidedAt = deps.clock()
    }
    yield line
  }
}

interface Names {
  username: string
  /** All that a URL may name them by. */
  markers: ReadonlySet<string>
}

/** Also of somebody who is gone: their name stays in the record. */
async function namesOf({ store }: BrokerDeps, username: string): Promise<Names> {
  const row = await findPrincipal(store.db, username)
  const hasRecord =
    row !== undefined || (await listAuditEvents(store.db, { username }, { limit: 1 })).length > 0
  if (!hasRecord) throw new SignpostError('not_found', 'There is no user or service account of this name.')
  return { username, markers: new Set([username, ...(row ? [row.scid, row.pseudonym] : [])]) }
}

async function* eventLines(
  { store: { db } }: BrokerDeps,
  username: string,
  span: Span,
): AsyncGenerator<Timed> {
  for (let after: AuditCursor | undefined; ;) {
    const found = await listAuditEvents(
      db,
      { username, ...span },
      { limit: pageRows, after, oldestFirst: true },
    )
    const rows = found.slice(0, pageRows)
    for (const row of rows) yield { ms: row.at, at: isoOf(row.at), kind: 'event', event: chainedEventOf(row) }
    if (found.length <= pageRows) return
    const last = rows.at(-1)!
    after = { at: last.at, chain: last.chain, seq: last.seq }
    await setImmediate()
  }
}

async function* accessLines(
  { store: { db } }: BrokerDeps,
  username: string,
  span: Span,
): AsyncGenerator<Timed> {
  for (let after: AccessLogCursor | undefined; ;) {
    const rows = await listAccessesOf(db, username, span, { limit: pageRows, after })
    for (const row of rows)
      yield { ms: placeOf(row.at), at: isoOf(row.at), kind: 'access', access: shownRecord(row) }
    if (rows.length < pageRows) return
    after = rows.at(-1)
    await setImmediate()
  }
}

type Kind = Span & { finding: (typeof loudFindings)[number] }

/** All are looked at, page by page: no index knows the names that somebody wrote into a URL. */
async function* claimLines(
  { store: { db } }: BrokerDeps,
  kind: Kind,
  { username, markers }: Names,
): AsyncGenerator<Timed> {
  const texts = [...markers].map((marker) => JSON.stringify(marker))
  for (let after: AccessLogCursor | undefined; ;) {
    const rows = await listFindingsUpwards(db, kind, { limit: pageRows, after })
    for (const row of rows) {
      const isNamed = row.username !== username && texts.some((text) => row.evidence.includes(text))
      const claim = isNamed ? claimOf(row, username, markers) : undefined
      if (claim !== undefined)
        yield { ms: placeOf(row.at), at: isoOf(row.at), kind: 'claim', access: shownRecord(row), claim }
    }
    if (rows.length < pageRows) return
    after = rows.at(-1)
    await setImmediate()
  }
}

function claimOf(
  { evidence }: FindingRow,
  username: string,
  markers: ReadonlySet<string>,
): TraceLine['claim'] | undefined {
  const { claimed, candidates = [] } = JSON.parse(evidence) as AccessEvidence
  if (claimed?.user?.some((user) => markers.has(user))) return 'claimed'
  return candidates.some((candidate) => candidate.username === username) ? 'candidate' : undefined
}

/** Many logs tell whole seconds: such an access was at any time in its second, and after the question that led to it. */
function placeOf(at: number): number {
  return at % 1000 === 0 ? at + 999 : at
}

/** Second by second, for those of whole seconds come before the others of theirs. */
async function* inOrder(lines: AsyncGenerator<Timed>): AsyncGenerator<Timed> {
  let second: Timed[] = []
  const sorted = () => second.toSorted((one, other) => one.ms - other.ms)
  for await (const line of lines) {
    const [first] = second
    if (first && Math.floor(first.ms / 1000) !== Math.floor(line.ms / 1000)) {
      yield* sorted()
      second = []
    }
    second.push(line)
  }
  yield* sorted()
}

/** Each in the order of time, all together in the order of time; of one instant, in the order of the sources. */
async function* merged(sources: AsyncGenerator<Timed>[]): AsyncGenerator<Timed> {
  const next = async (source: AsyncGenerator<Timed>) => {
    const { done, value } = await source.next()
    return done === true ? undefined : value
  }
  const heads: (Timed | undefined)[] = []
  for (const source of sources) heads.push(await next(source))
  for (;;) {
    let first: number | undefined
    for (const [index, line] of heads.entries())
      if (line && (first === undefined || line.ms < heads[first]!.ms)) first = index
    if (first === undefined) return
    yield heads[first]!
    heads[first] = await next(sources[first]!)
  }
}
