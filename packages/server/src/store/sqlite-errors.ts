import { brokenProblem, changedProblem, referenceProblem, takenProblem } from './conflicts.ts'
import type { UnitFailure } from './commit-group.ts'

/** Extended result codes, https://www.sqlite.org/rescode.html */
const constraint = 19
const foreignKey = 787
const unique = [1555, 2067]
/** Results that concern one statement: SQLITE_ERROR, _TOOBIG, _MISMATCH, _RANGE. All others concern the database. */
const ofStatement = [1, 18, 20, 25]

const rowsNotMet = Symbol('rows')

/** Thrown where `expectRows` is not met. */
export function conflictOf(changes: number | bigint, field?: string): Error {
  return Object.assign(new Error(`changed ${changes} rows`), { [rowsNotMet]: field })
}

/** What is wrong with one unit; undefined: it is the database (full, broken, locked), and the whole group fails. */
export function unitProblem(error: unknown): Omit<UnitFailure, 'unit'> | undefined {
  if (!(error instanceof Error)) return undefined
  if (rowsNotMet in error) return changedProblem(error.message, error[rowsNotMet] as string | undefined)
  // A value that cannot be bound, such as undefined or a boolean.
  if ('code' in error && String(error.code).startsWith('ERR_INVALID_ARG')) return brokenProblem(error.message)
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined
  if (error.errcode === foreignKey) return referenceProblem(error.message)
  if (unique.includes(error.errcode)) {
    return takenProblem(/: (?:.*, )?(\w+\.\w+)$/.exec(error.message)?.[1], error.message)
  }
  const kind = error.errcode & 0xff
  return kind === constraint || ofStatement.includes(kind) ? brokenProblem(error.message) : undefined
}
