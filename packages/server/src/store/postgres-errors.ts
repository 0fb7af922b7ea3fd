import { DatabaseError } from 'pg'
import { brokenProblem, referenceProblem, takenProblem } from './conflicts.ts'
import type { UnitFailure } from './commit-group.ts'

/** Unique constraints and indexes by name -> `table.column`, as SQLite names them. */
const uniqueColumns: Readonly<Record<string, string>> = {
  principals_username: 'principals.username',
  principals_external_id: 'principals.external_id',
  teams_external_id: 'teams.external_id',
  teams_name: 'teams.name',
  connectors_name: 'connectors.name',
  connectors_is_default: 'connectors.is_default',
  idempotency_keys_pkey: 'idempotency_keys.idempotency_key',
}

/**
 * What is wrong with one unit, by SQLSTATE (PostgreSQL documentation, appendix A); undefined: it is the database or the way
 * to it (full, read-only, restarting, gone), and the whole group fails.
 */
export function unitProblem(error: unknown): Omit<UnitFailure, 'unit'> | undefined {
  // Thrown by the driver before anything was sent, such as for a value that it cannot write out.
  if (error instanceof TypeError) return brokenProblem(error.message)
  if (!(error instanceof DatabaseError)) return undefined
  const { code = '', constraint } = error
  // The server's text may quote a value: its code and the constraint's name say enough.
  const cause = `SQLSTATE ${code}${constraint === undefined ? '' : `, constraint ${constraint}`}`
  if (code === '23505') return takenProblem(uniqueColumns[constraint ?? ''], cause)
  if (code === '23503' || code === '23001') return referenceProblem(cause)
  const kind = code.slice(0, 2)
  // Data, other constraints, syntax and names, limits of a statement.
  return ['22', '23', '42', '54'].includes(kind) && code !== '42501' ? brokenProblem(cause) : undefined
}

/**
 * Deadlock or serialization failure: nobody has done anything wrong, and nothing of the transaction was written. Done once more, as
 * a whole, it mostly goes through: what was in the way is done by then.
 */
export function isPassing(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40P01' || error.code === '40001')
}
