import type { ClientBase } from 'pg'
import { changedProblem, fieldOf } from './conflicts.ts'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import type { ChainHead } from './chain-opening.ts'
import { appendUnits } from './postgres-append.ts'
import { unitProblem } from './postgres-errors.ts'
import type { BindMessage } from './postgres-message.ts'
import type { Statement } from './store.ts'

/**
 * Writes a group in one transaction and answers the head that it leaves, or throws and has written nothing (or, where the
 * connection broke during the commit, does not know). Events of a group without statements go in one round trip.
 */
export async function commitToPostgres(
  client: ClientBase,
  head: ChainHead,
  group: CommitGroup,
  message: BindMessage,
): Promise<{ head: ChainHead; failures: UnitFailure[] }> {
  const append = (start: ChainHead, isWanted?: (unit: number) => boolean) =>
    appendUnits(client, start, group, message, isWanted)
  const hasStatements = group.statements.some((statements) => statements !== null)
  try {
    if (!hasStatements) return { head: await append(head), failures: [] }
    return await inTransaction(client, async () => {
      await lockBudgets(client, group)
      const failures = await runAll(client, group)
      const failed = new Set(failures.map(({ unit }) => unit))
      return { head: await append(head, (unit) => !failed.has(unit)), failures }
    })
  } catch (error) {
    // An event was refused (a doubled grant id): once more, each unit for itself.
    if (!unitProblem(error)) throw error
    return inTransaction(client, async () => {
      await lockBudgets(client, group)
      return eachForItself(client, head, group, append)
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

async function eachForItself(
  client: ClientBase,
  start: ChainHead,
  group: CommitGroup,
  append: (start: ChainHead, isWanted: (unit: number) => boolean) => Promise<ChainHead>,
) {
  const failures: UnitFailure[] = []
  let head = start
  for (const [unit, statements] of group.statements.entries()) {
    const problem = await guarded(client, async () => {
      const rowsProblem = await runStatements(client, statements ?? [])
      if (rowsProblem) return rowsProblem
      head = await append(head, (one) => one === unit)
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
