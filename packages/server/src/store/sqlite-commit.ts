import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { addUnit, emptyGroup } from './commit-group.ts'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import { newChain, openingEvent } from './chain-opening.ts'
import type { ChainHead, ChainOpening } from './chain-opening.ts'
import { packedHash } from './event-link.ts'
import { grantIdAt, keyAt, sameHead, textAt, type EventHead, type EventPack } from './event-pack.ts'
import { keyPlace, nextSlotSql, slotOf } from './key-place.ts'
import { fieldOf } from './conflicts.ts'
import { conflictOf, unitProblem } from './sqlite-errors.ts'
import type { Statement } from './store.ts'
import { createStatementCache } from './sqlite-statements.ts'

/**
 * Writes groups of units, each in one transaction. Throws when nothing of the group was written (disk full, say); then
 * the next group can be tried all the same.
 */
export function createSqliteCommitter(db: DatabaseSync, opening: ChainOpening) {
  const prepare = createStatementCache(db)
  const head = newChain(opening.chain)
  const inserts = prepareInserts(db)
  const saveHead = db.prepare('update audit_chains set head_seq = ?, head_hash = ? where chain = ?')
  const readHead = db.prepare(
    'select head_seq as seq, head_hash as hash, first_slot as "firstSlot" from audit_chains where chain = ?',
  )

  const restoreHead = () => {
    Object.assign(head, readHead.get(opening.chain) ?? newChain(opening.chain))
  }

  const inTransaction = <T>(write: () => T): T => {
    db.exec('begin immediate')
    try {
      const result = write()
      saveHead.run(head.seq, head.hash, head.chain)
      db.exec('commit')
      return result
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      restoreHead()
      throw error
    }
  }

  const writeGroup = (group: CommitGroup, guardAll: boolean) =>
    inTransaction(() => writeUnits(group, { db, prepare, inserts, head, guardAll }))

  openChain(db, opening, (write) => inTransaction(() => write(inserts, head)))

  return (group: CommitGroup): UnitFailure[] => {
    try {
      return writeGroup(group, false)
    } catch (error) {
      // An event was refused in a unit without a savepoint (a doubled grant id): once more, each unit for itself.
      if (!unitProblem(error)) throw error
      return writeGroup(group, true)
    }
  }
}

interface Inserts {
  run: StatementSync
  event: StatementSync
}

function prepareInserts(db: DatabaseSync): Inserts {
  return {
    run: db.prepare(
      `insert into audit_runs
        (chain, first_seq, last_seq, at, type, decision, principal_id, username, team)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    event: db.prepare(
      `insert into audit_events (chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash)
        values (?, ?, ?, ?, ?, ?, ?, cast(? as text), ?)`,
    ),
  }
}

interface Writing {
  db: DatabaseSync
  prepare: (sql: string) => StatementSync
  inserts: Inserts
  /** Moved on by what is written. */
  head: ChainHead
  /** A savepoint for every unit, not only for those that have statements. */
  guardAll: boolean
}

function writeUnits(group: CommitGroup, writing: Writing): UnitFailure[] {
  const { db, prepare, inserts, head, guardAll } = writing
  const failures: UnitFailure[] = []
  const place: Place = { event: 0, head: 0 }
  for (let unit = 0; unit < group.eventCounts.length; unit++) {
    const statements = group.statements[unit]
    const start = { ...place }
    let count = group.eventCounts[unit]!
    if (!statements && !guardAll) {
      // Units of events alone are written as one: so they may share their runs.
      while (unit + 1 < group.eventCounts.length && !group.statements[unit + 1])
        count += group.eventCounts[++unit]!
      insertEvents(group.events, place, count, inserts, head)
      continue
    }
    const before = { ...head }
    db.exec('savepoint unit')
    try {
      for (const statement of statements ?? []) runStatement(prepare, statement)
      insertEvents(group.events, place, count, inserts, head)
      db.exec('release unit')
    } catch (error) {
      const problem = unitProblem(error)
      if (!problem || !db.isTransaction) throw error
      db.exec('rollback to unit; release unit')
      failures.push({ unit, ...problem })
      Object.assign(head, before)
      Object.assign(place, skip(group.events, start, count))
    }
  }
  return failures
}

function runStatement(prepare: (sql: string) => StatementSync, statement: Statement): void {
  const { changes } = prepare(statement.sql).run(...(statement.parameters as (string | number | null)[]))
  if (statement.expectRows !== undefined && Number(changes) !== statement.expectRows)
    throw conflictOf(changes, fieldOf(statement))
}

/** Where the next event of a group is. */
interface Place {
  event: number
  head: number
}

function insertEvents(
  pack: EventPack,
  place: Place,
  count: number,
  inserts: Inserts,
  chain: ChainHead,
): void {
  const end = place.event + count
  while (place.event < end) {
    const { at, type, decision, principalId, username, team } = pack.heads[place.head]!
    const run = nextRun(pack, place, end)
    const first = chain.seq + 1
    inserts.run.run(chain.chain, first, chain.seq + run, at, type, decision, principalId, username, team)
    for (const runEnd = place.event + run; place.event < runEnd; place.event++) {
      const hash = packedHash(chain, pack, place.event)
      chain.seq += 1
      chain.hash = hash
      const key = keyAt(pack, place.event)
      const grantId = grantIdAt(pack, place.event)
      const indexed = keyPlace(slotOf(chain.firstSlot, chain.seq), key)
      const text = textAt(pack, place.event)
      inserts.event.run(chain.chain, chain.seq, first, at, key, indexed, grantId, text, hash)
    }
  }
}

/** How many events have the next head, and those after it if they are the same. Moves on behind these. */
function nextRun({ heads }: EventPack, place: Place, end: number): number {
  const head = heads[place.head++]!
  let { count } = head
  while (place.event + count < end && sameHead(head, heads[place.head]!)) count += heads[place.head++]!.count
  return count
}

/** The place behind a unit that begins at `start`. */
function skip({ heads }: EventPack, start: Place, count: number): Place {
  const end = start.event + count
  let { event, head } = start
  while (event < end) event += (heads[head++] as EventHead).count
  return { event, head }
}

/** Begins this process's chain, and anchors the others in its first event. */
function openChain(
  db: DatabaseSync,
  opening: ChainOpening,
  transaction: (write: (inserts: Inserts, head: ChainHead) => void) => void,
): void {
  transaction((inserts, head) => {
    const others = db
      .prepare(
        `select chain, head_seq as seq, head_hash as hash from audit_chains
          where head_seq > anchored_seq order by chain`,
      )
      .all() as unknown as ChainHead[]
    db.exec('update audit_chains set anchored_seq = head_seq where head_seq > anchored_seq')
    const { first_slot: firstSlot } = db
      .prepare(
        `insert into audit_chains (chain, opened_at, head_seq, head_hash, anchored_seq, first_slot)
          values (?, ?, 0, ?, 0, ${nextSlotSql}) returning first_slot`,
      )
      .get(opening.chain, opening.at, head.hash) as { first_slot: number }
    head.firstSlot = firstSlot
    const group = emptyGroup()
    addUnit(group, { statements: [], events: [openingEvent(opening, others)] })
    insertEvents(group.events, { event: 0, head: 0 }, 1, inserts, head)
  })
}
