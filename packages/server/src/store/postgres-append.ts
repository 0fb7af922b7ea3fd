/** Events of a group onto the chain, on PostgreSQL: one statement, its parameters cut out of the pack where they lie. */
import type { ClientBase } from 'pg'
import type { ChainHead } from './chain-opening.ts'
import type { CommitGroup } from './commit-group.ts'
import { packedHash } from './event-link.ts'
import { keyAt, marksOfEvent, sameHead, type EventHead, type EventPack } from './event-pack.ts'
import { keyPlace, slotOf } from './key-place.ts'
import {
  addLineOfBytes,
  addLines,
  addParameter,
  addText,
  beginBind,
  beginParameter,
  endBind,
  endLines,
  queryWith,
  type BindMessage,
} from './postgres-message.ts'

/** Thrown when the kept head is not the one that this process left: what was sent before may still have been committed. */
export const headMoved = Symbol('head moved')

/**
 * Moves the kept head, and only if it is the one that was expected, inserts what the head was moved for. So a transaction of
 * a lost connection that still goes through cannot make two events of one number. Columns go as one text each: neither an
 * event's JSON nor a column (`searchable`) has a newline.
 */
const append = {
  name: 'append-audit-events',
  text: `with head as (
    update audit_chains set head_seq = $5, head_hash = $6
    where chain = $1 and head_seq = $2 and head_hash = $3 returning chain
  ), runs as (
    insert into audit_runs (chain, first_seq, last_seq, at, type, decision, principal_id, username, team)
    select head.chain, r.* from head, unnest(
      string_to_array($7, E'\\n')::bigint[], string_to_array($8, E'\\n')::bigint[], string_to_array($9, E'\\n')::bigint[],
      string_to_array($10, E'\\n'), string_to_array($11, E'\\n'),
      string_to_array($12, E'\\n', ''), string_to_array($13, E'\\n', ''), string_to_array($14, E'\\n', '')
    ) as r
  ), events as (
    insert into audit_events (chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash)
    select head.chain, $2::bigint + e.n, e.run_seq, e.at, e.object_key, e.key_place, e.grant_id, e.event, e.hash
    from head, unnest(
      string_to_array($15, E'\\n')::bigint[], string_to_array($16, E'\\n')::bigint[],
      string_to_array($17, E'\\n', '')::bigint[],
      string_to_array($18, E'\\n', ''), string_to_array($19, E'\\n', ''),
      string_to_array($20, E'\\n'), string_to_array($4, E'\\n')
    ) with ordinality as e (run_seq, at, key_place, object_key, grant_id, event, hash, n)
  )
  select count(*)::int as heads from head`,
}
const parametersOfAppend = 20

export async function appendUnits(
  client: ClientBase,
  start: ChainHead,
  group: CommitGroup,
  message: BindMessage,
  isWanted: (unit: number) => boolean = () => true,
): Promise<ChainHead> {
  const head = writeAppend(message, start, group, isWanted)
  const { rows } = await queryWith<{ heads: number }>(client, append, message)
  if (rows[0]?.heads !== 1)
    throw Object.assign(new Error('another has moved the chain on'), { [headMoved]: true })
  return head
}

/** Events that lie one behind the other, and belong to one run. */
interface Part {
  begin: number
  end: number
  heading: EventHead
  runSeq: number
}

/** Writes the statement's parameters, and answers the head that it leaves. */
function writeAppend(
  message: BindMessage,
  start: ChainHead,
  { events, eventCounts }: CommitGroup,
  isWanted: (unit: number) => boolean,
): ChainHead {
  const head = { ...start }
  const parts = partsOf(events.heads, eventCounts, isWanted, start.seq)
  beginBind(message, append.name, parametersOfAppend)
  for (const text of [start.chain, `${start.seq}`, start.hash]) addParameter(message, text)
  lines(message, parts, ({ begin, end }) => {
    for (let event = begin; event < end; event++) {
      head.hash = packedHash(head, events, event)
      head.seq += 1
      addText(message, `${head.hash}\n`)
    }
  })
  for (const text of [`${head.seq}`, head.hash]) addParameter(message, text)
  writeRuns(message, parts, head.seq)
  lines(message, parts, ({ begin, end, runSeq }) => addLines(message, runSeq, end - begin))
  lines(message, parts, ({ begin, end, heading }) => addLines(message, heading.at, end - begin))
  let { seq } = start
  lines(message, parts, ({ begin, end }) => {
    for (let event = begin; event < end; event++)
      addText(message, `${keyPlace(slotOf(head.firstSlot, ++seq), keyAt(events, event)) ?? ''}\n`)
  })
  // Key, grant id and text, as they lie in the pack.
  for (const mark of [1, 2, 0]) lines(message, parts, (part) => addCut(message, events, part, mark))
  endBind(message)
  return head
}

function partsOf(
  heads: readonly EventHead[],
  eventCounts: readonly number[],
  isWanted: (unit: number) => boolean,
  headSeq: number,
): Part[] {
  const parts: Part[] = []
  let before: Part | undefined
  let seq = headSeq
  let event = 0
  let head = 0
  for (const [unit, count] of eventCounts.entries()) {
    const wanted = isWanted(unit)
    for (const unitEnd = event + count; event < unitEnd;) {
      const heading = heads[head++]!
      const begin = event
      event += heading.count
      if (!wanted) continue
      const runSeq = before && sameHead(before.heading, heading) ? before.runSeq : seq + 1
      parts.push((before = { begin, end: event, heading, runSeq }))
      seq += heading.count
    }
  }
  return parts
}

/** One parameter: a line for each event. */
function lines(message: BindMessage, parts: readonly Part[], write: (part: Part) => void): void {
  beginParameter(message)
  for (const part of parts) write(part)
  endLines(message)
}

function writeRuns(message: BindMessage, parts: readonly Part[], lastSeq: number): void {
  const runs = parts.filter(({ runSeq }, at) => runSeq !== parts[at - 1]?.runSeq)
  const column = (cell: (run: Part, at: number) => string | number) =>
    addParameter(message, runs.map(cell).join('\n'))
  column(({ runSeq }) => runSeq)
  column((_, at) => (runs[at + 1]?.runSeq ?? lastSeq + 1) - 1)
  column(({ heading }) => heading.at)
  column(({ heading }) => heading.type)
  column(({ heading }) => heading.decision)
  column(({ heading }) => heading.principalId ?? '')
  column(({ heading }) => heading.username ?? '')
  column(({ heading }) => heading.team ?? '')
}

/** What is between this mark and the next of each event, each a line. */
function addCut(message: BindMessage, { bytes, marks }: EventPack, { begin, end }: Part, mark: number): void {
  for (let event = begin; event < end; event++) {
    const at = event * marksOfEvent + mark
    addLineOfBytes(message, bytes, marks[at]!, marks[at + 1]!)
  }
}
