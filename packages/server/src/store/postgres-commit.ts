import type { ClientBase } from 'pg'
import { changedProblem, fieldOf } from './conflicts.ts'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import type { ChainHead } from './chain-opening.ts'
import { packedHash } from './event-link.ts'
import { keyAt, marksOfEvent, sameHead, type EventHead, type EventPack } from './event-pack.ts'
import { keyPlace, slotOf } from './key-place.ts'
import { unitProblem } from './postgres-errors.ts'
import type { Statement } from './store.ts'

/** Thrown when the kept head is not the one that this process left: what was sent before may still have been committed. */
export const headMoved = Symbol('head moved')

/**
 * Writes a group in one transaction and answers the head that it leaves, or throws and has written nothing (or, where the
 * connection broke during the commit, does not know). Events of a group without statements go in one round trip.
 */
export async function commitToPostgres(
  client: ClientBase,
  head: ChainHead,
  group: CommitGroup,
): Promise<{ head: ChainHead; failures: UnitFailure[] }> {
  const hasStatements = group.statements.some((statements) => statements !== null)
  try {
    if (!hasStatements) return { head: await appendUnits(client, head, group), failures: [] }
    return await inTransaction(client, async () => {
      await lockBudgets(client, group)
      const failures = await runAll(client, group)
      const failed = new Set(failures.map(({ unit }) => unit))
      return { head: await appendUnits(client, head, group, (unit) => !failed.has(unit)), failures }
    })
  } catch (error) {
    // An event was refused (a doubled grant id): once more, each unit for itself.
    if (!unitProblem(error)) throw error
    return inTransaction(client, async () => {
      await lockBudgets(client, group)
      return eachForItself(client, head, group)
    })
  }
}

export async function inTransaction<T>(client: ClientBase, write: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await write()
    const { command } = await client.query('commit')
    // PostgreSQL answers a commit of a failed transaction with ROLLBACK, not with an error.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/**
 * All budgets that the group takes of, in one order, so that no two replicas wait for each other. What is read of them by
 * a later statement is what whoever had the lock before has left.
 */
async function lockBudgets(client: ClientBase, { statements }: CommitGroup): Promise<void> {
  const ids = new Set(statements.flatMap((unit) => unit?.flatMap(({ budget }) => budget ?? []) ?? []))
  if (ids.size === 0) return
  await client.query('select id from budgets where id = any($1) order by id for update', [[...ids]])
}

async function runAll(client: ClientBase, group: CommitGroup): Promise<UnitFailure[]> {
  const failures: UnitFailure[] = []
  for (const [unit, statements] of group.statements.entries()) {
    if (!statements) continue
    const problem = await guarded(client, () => runStatements(client, statements))
    if (problem) failures.push({ unit, ...problem })
  }
  return failures
}

async function eachForItself(client: ClientBase, start: ChainHead, group: CommitGroup) {
  const failures: UnitFailure[] = []
  let head = start
  for (const [unit, statements] of group.statements.entries()) {
    const problem = await guarded(client, async () => {
      const rowsProblem = await runStatements(client, statements ?? [])
      if (rowsProblem) return rowsProblem
      head = await appendUnits(client, head, group, (one) => one === unit)
      return undefined
    })
    if (problem) failures.push({ unit, ...problem })
  }
  return { head, failures }
}

type Problem = Omit<UnitFailure, 'unit'>

/** Runs under a savepoint; a problem of the unit undoes it alone. */
async function guarded(
  client: ClientBase,
  write: () => Promise<Problem | undefined>,
): Promise<Problem | undefined> {
  await client.query('savepoint unit')
  let problem: Problem | undefined
  try {
    problem = await write()
  } catch (error) {
    problem = unitProblem(error)
    if (!problem) throw error
  }
  await client.query(
    problem ? 'rollback to savepoint unit; release savepoint unit' : 'release savepoint unit',
  )
  return problem
}

async function runStatements(
  client: ClientBase,
  statements: readonly Statement[],
): Promise<Problem | undefined> {
  for (const statement of statements) {
    const { sql, parameters, expectRows } = statement
    const { rowCount } = await client.query(sql, [...parameters])
    if (expectRows !== undefined && rowCount !== expectRows)
      return changedProblem(`changed ${rowCount} rows`, fieldOf(statement))
  }
  return undefined
}

/**
 * One statement: moves the kept head, and only if it is the one that was expected, inserts what the head was moved for. So
 * a transaction of a lost connection that still goes through cannot make two events of one number. Columns go as one text
 * each: the driver writes out and escapes arrays slowly, and neither an event's JSON nor a column (`searchable`) has a newline.
 */
const appendSql = `with head as (
    update audit_chains set head_seq = $2, head_hash = $3
    where chain = $1 and head_seq = $4 and head_hash = $5 returning chain
  ), runs as (
    insert into audit_runs (chain, first_seq, last_seq, at, type, decision, principal_id, username, team)
    select head.chain, r.* from head, unnest(
      $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[],
      string_to_array($11, E'\\n', ''), string_to_array($12, E'\\n', ''), string_to_array($13, E'\\n', '')
    ) as r
  ), events as (
    insert into audit_events (chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash)
    select head.chain, $4::bigint + e.n, e.run_seq, e.at, e.object_key, e.key_place, e.grant_id, e.event, e.hash
    from head, unnest(
      string_to_array($14, E'\\n')::bigint[], string_to_array($15, E'\\n')::bigint[],
      string_to_array($16, E'\\n', '')::bigint[],
      string_to_array($17, E'\\n', ''), string_to_array($18, E'\\n', ''),
      string_to_array($19, E'\\n'), string_to_array($20, E'\\n')
    ) with ordinality as e (run_seq, at, key_place, object_key, grant_id, event, hash, n)
  )
  select count(*)::int as heads from head`

export async function appendUnits(
  client: ClientBase,
  start: ChainHead,
  group: CommitGroup,
  isWanted: (unit: number) => boolean = () => true,
): Promise<ChainHead> {
  const { head, parameters } = appendParameters(start, group, isWanted)
  const { rows } = await client.query<{ heads: number }>({
    name: 'append-audit-events',
    text: appendSql,
    values: parameters,
  })
  if (rows[0]?.heads !== 1)
    throw Object.assign(new Error('another has moved the chain on'), { [headMoved]: true })
  return head
}

function appendParameters(start: ChainHead, group: CommitGroup, isWanted: (unit: number) => boolean) {
  const head = { ...start }
  const pack = group.events
  const numbers: [number[], number[], number[]] = [[], [], []]
  const words: [string[], string[]] = [[], []]
  const texts: [string[], string[], string[]] = [[], [], []]
  const places: [number[], number[], (number | '')[]] = [[], [], []]
  const hashes: string[] = []
  const wantedEvents: number[] = []
  let event = 0
  let run = 0
  let before: EventHead | undefined
  for (const [unit, count] of group.eventCounts.entries()) {
    const wanted = isWanted(unit)
    for (const end = event + count; event < end;) {
      const heading = pack.heads[run++]!
      const runEnd = event + heading.count
      if (!wanted) {
        event = runEnd
        continue
      }
      if (before && sameHead(before, heading)) numbers[1][numbers[1].length - 1]! += heading.count
      else {
        numbers[0].push(head.seq + 1)
        numbers[1].push(head.seq + heading.count)
        numbers[2].push(heading.at)
        words[0].push(heading.type)
        words[1].push(heading.decision)
        texts[0].push(heading.principalId ?? '')
        texts[1].push(heading.username ?? '')
        texts[2].push(heading.team ?? '')
      }
      before = heading
      const first = numbers[0].at(-1)!
      for (; event < runEnd; event++) {
        head.hash = packedHash(head, pack, event)
        head.seq += 1
        places[0].push(first)
        places[1].push(heading.at)
        places[2].push(keyPlace(slotOf(head.firstSlot, head.seq), keyAt(pack, event)) ?? '')
        hashes.push(head.hash)
        wantedEvents.push(event)
      }
    }
  }
  const lines = (column: (string | number)[]) => column.join('\n')
  const parameters = [
    start.chain,
    head.seq,
    head.hash,
    start.seq,
    start.hash,
    ...numbers,
    ...words,
    ...texts.map(lines),
    ...places.map(lines),
    // Key, grant id and text, as they lie in the pack.
    packedLines(pack, wantedEvents, 1),
    packedLines(pack, wantedEvents, 2),
    packedLines(pack, wantedEvents, 0),
    lines(hashes),
  ]
  return { head, parameters }
}

/** What is between this mark and the next of each event, each a line. The driver sends bytes as they are. */
function packedLines({ bytes, marks }: EventPack, events: readonly number[], mark: number): Buffer {
  let size = 0
  for (const event of events) {
    const at = event * marksOfEvent + mark
    size += marks[at + 1]! - marks[at]! + 1
  }
  const lines = Buffer.allocUnsafeSlow(size)
  let end = 0
  for (const event of events) {
    const at = event * marksOfEvent + mark
    end += bytes.copy(lines, end, marks[at], marks[at + 1])
    lines[end++] = 10
  }
  // None behind the last one.
  return lines.subarray(0, Math.max(0, end - 1))
}
