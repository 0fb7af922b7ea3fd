import { setImmediate as turn } from 'node:timers/promises'
import {
  batchItemsMax,
  SignpostError,
  UrlRequest,
  type AuditEvent,
  type ParsedInput,
} from '@signpost/contract'
import type { Decision } from '../domain/decide-access.ts'
import type { TextBytes } from '../domain/text-bytes.ts'
import type { Statement, TargetRow } from '../store/store.ts'
import { addToUnit, clearUnitPack, type UnitPack } from '../store/unit-pack.ts'
import { createBatchRoom, type BatchRoom } from './batch-rooms.ts'
import { commitIssued } from './budget-use.ts'
import { objectDecider, type ObjectDecider } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { askedFields, askOf, isRecordedRefusal } from './issue-url.ts'
import { issuedUrlFields } from './issued-url-text.ts'
import { issueItem, type Issued } from './issuing.ts'
import { openIssuing, type Issuing } from './open-issuing.ts'
import { decisionMs, requireKeyAlive } from './key-alive.ts'
import { plainItem } from './plain-item.ts'
import { problemOf } from './problem.ts'
import { recordRefusal, refusalError, refusedFields, requireAllowed } from './refuse.ts'

/**
 * The first chunks are small, since the second is signed before the first goes out and the first line shall be out soon;
 * each is as long as all before it, until one commit is shared among many.
 */
const firstChunkItems = 100
const chunkItems = 1000
/** Then it is others' turn, for a moment. */
const itemsInRow = 250
/** So often a chunk is signed before it is refused. */
const triesMax = 20

/** Who asks and where the answers come from. */
interface Source {
  caller: Caller
  issuing: Issuing
  decide: ObjectDecider
  decidedAt: number
}

interface Chunk {
  lines: Buffer
  firstIndex: number
  /** Rejects if its records could not be written: then its lines are worth nothing. */
  committed: Promise<void>
}

/**
 * Many URLs: yields whole NDJSON lines, one line an item, in order. While one chunk waits for the disk the
 * next is signed; no line is yielded before the records of all its chunk are written. When records can no longer be
 * written, each item that is left has an error line. Bytes that are yielded are good until the next are asked for.
 */
export async function* issueUrls(
  deps: BrokerDeps,
  caller: Caller,
  { params, body: { items } }: ParsedInput<'issueUrls'>,
): AsyncGenerator<string | Buffer> {
  if (items.length > batchItemsMax) {
    throw new SignpostError(
      'too_many_items',
      `items: at most ${batchItemsMax} in one call; send the rest in another.`,
      { field: 'items' },
    )
  }
  const source = await open(deps, caller, params.team, items.length)
  const room = deps.rooms?.take() ?? createBatchRoom()
  try {
    yield* signAll(source, items, room)
  } finally {
    deps.rooms?.giveBack(room)
  }
}

/** In chunks: while one is committed, the next is signed. */
async function* signAll(
  opened: Source,
  items: readonly unknown[],
  { lines, events }: BatchRoom,
): AsyncGenerator<string | Buffer> {
  const { caller, issuing } = opened
  const { deps, target } = issuing
  let source = opened
  let waiting: Chunk | undefined
  let index = 0
  for (let count = 0; waiting || index < items.length; count++) {
    const end = Math.min(items.length, index + Math.min(index || firstChunkItems, chunkItems))
    let next: Chunk | undefined
    let stopped: { error: unknown } | null = null
    try {
      if (index < items.length) {
        if (deps.clock() - source.decidedAt > decisionMs) {
          const now = await requireKeyAlive(deps, caller)
          source = await open(deps, now, target.team, items.length - index)
        }
        next = await signChunk(source, items, index, end, lines[count % 2]!, events)
      }
    } catch (error) {
      if (!waiting) throw error
      stopped = { error }
    }
    if (waiting) {
      const failure = await failureOf(waiting)
      // Nothing has gone out yet: the whole call is refused.
      if (failure && waiting.firstIndex === 0) throw failure.error
      if (failure) return yield failedLines(failure, caller, waiting.firstIndex, items.length)
      yield waiting.lines
    }
    if (stopped) return yield failedLines(stopped, caller, index, items.length)
    waiting = next
    index = end
  }
}

/** Decides and opens the connector. An outsider is refused as a whole; a member may still be refused item by item. */
async function open(deps: BrokerDeps, caller: Caller, team: string, items: number): Promise<Source> {
  const { principal } = caller
  const target = await deps.store.hot.findTarget(team, principal.id)
  const decide = objectDecider(deps, caller, target)
  const fields = { team, details: { items } }
  const read = decide('read', '')
  if (isForAllItems(read)) await requireAllowed(deps, caller, read, { type: 'url.issue', fields })
  try {
    const issuing = await openIssuing(deps, caller, target as TargetRow)
    await issuing.budget?.look()
    return { caller, issuing, decide, decidedAt: issuing.signedAt }
  } catch (error) {
    if (isRecordedRefusal(error)) await recordRefusal(deps, caller, 'url.issue', error.code, fields)
    throw error
  }
}

/** Refused for who and where the caller is, and not for what an item asks. */
function isForAllItems({ visible, reason }: Decision): boolean {
  return !visible || reason === 'organisation_admin_not_a_member' || reason === 'outside_network'
}

/** Of what budgets count, a chunk is signed anew where another replica has taken what it was to have. */
async function signChunk(...chunk: Parameters<typeof signOnce>): Promise<Chunk> {
  const { budget } = chunk[0].issuing
  for (let tries = 1; ; tries++) {
    const signed = await signOnce(...chunk)
    const failure = budget && (await failureOf(signed))
    if (!failure || !isExhausted(failure.error) || tries === triesMax) return signed
  }
}

function isExhausted(error: unknown): boolean {
  return error instanceof SignpostError && error.code === 'budget_exhausted'
}

async function signOnce(
  source: Source,
  items: readonly unknown[],
  begin: number,
  end: number,
  lines: TextBytes,
  pack: UnitPack,
): Promise<Chunk> {
  lines.clear()
  clearUnitPack(pack)
  const statements: Statement[] = []
  const add = (index: number, result: Issued | Refused) => {
    if (result.event) addToUnit(pack, result.event)
    if ('look' in result && result.look) statements.push(result.look)
    lines.add(lineOf(index, result, source.caller))
  }
  const late: Promise<Issued | Refused>[] = []
  for (let index = begin; index < end; index++) {
    // With the first, the records of the chunk before leave: they are written while this one is signed.
    if ((index - begin) % itemsInRow === 0) await turn()
    const result = issueOrRefuse(source, items[index])
    // Written out at once, so that little is kept; but in the order of the items.
    if (late.length > 0 || result instanceof Promise) late.push(Promise.resolve(result))
    else add(index, result)
  }
  const firstLate = end - late.length
  for (const [i, result] of (await Promise.all(late)).entries()) add(firstLate + i, result)
  const committed = commitIssued(source.issuing, { statements, events: [], pack })
  // Awaited later; a rejection in between is not an unhandled one.
  committed.catch(() => undefined)
  return { lines: lines.bytes(), firstIndex: begin, committed }
}

interface Refused {
  error: unknown
  event: AuditEvent | null
}

function issueOrRefuse(source: Source, raw: unknown): Issued | Refused | Promise<Issued | Refused> {
  let item = plainItem(raw)
  if (!item) {
    const parsed = UrlRequest.safeParse(raw)
    if (!parsed.success) return { error: itemError(parsed.error.issues[0]), event: null }
    item = parsed.data
  }
  const decision = source.decide(askOf(item), item.key)
  if (decision.outcome === 'deny') {
    return refuse(source, item, refusalError(decision, source.caller), decision)
  }
  try {
    const issued = issueItem(source.issuing, item, decision)
    return issued instanceof Promise ? issued.catch((error: unknown) => refuse(source, item, error)) : issued
  } catch (error) {
    return refuse(source, item, error)
  }
}

function refuse({ caller, issuing }: Source, item: UrlRequest, error: unknown, decided?: Decision): Refused {
  const { deps, target } = issuing
  if (!(error instanceof SignpostError)) {
    deps.log.error({ err: error, requestId: caller.call.requestId }, 'unexpected error in a batch')
    return { error, event: null }
  }
  const decision = { outcome: 'deny', reason: decided?.reason ?? error.code } as const
  const fields = askedFields(target.team, target, item)
  const event = isRecordedRefusal(error)
    ? eventOf(deps, caller, 'url.issue', decision, decided ? refusedFields(decided, fields) : fields)
    : null
  return { error, event }
}

function lineOf(index: number, result: Issued | Refused, caller: Caller): string {
  if ('reply' in result) return `{"index":${index},${issuedUrlFields(result.reply)}}\n`
  return `${JSON.stringify({ index, error: problemOf(result.error, caller.call.requestId) })}\n`
}

async function failureOf({ committed }: Chunk): Promise<{ error: unknown } | null> {
  return committed.then(
    () => null,
    (error: unknown) => ({ error }),
  )
}

function failedLines({ error }: { error: unknown }, caller: Caller, begin: number, end: number): string {
  const problem = JSON.stringify(problemOf(error, caller.call.requestId))
  let lines = ''
  for (let index = begin; index < end; index++) lines += `{"index":${index},"error":${problem}}\n`
  return lines
}

/** The first thing that is wrong with an item, by its field. */
function itemError(issue: { path: PropertyKey[]; message: string } | undefined): SignpostError {
  const field = issue?.path.map(String).join('.').slice(0, 200) || 'item'
  return new SignpostError('invalid', `${field}: ${issue?.message ?? 'is not valid'}.`, { field })
}
