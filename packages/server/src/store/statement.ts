import type { CompiledQuery, Kysely } from 'kysely'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

/** What the query functions take: reads are run on it, writes only compiled with it. */
export type Db = Kysely<Tables>

/** A write that goes into a `WriteUnit`. With `expectRows` the unit is refused unless exactly so many rows were changed. */
export function statementOf(query: { compile(): CompiledQuery }, expectRows?: number): Statement {
  const { sql, parameters } = query.compile()
  return expectRows === undefined ? { sql, parameters } : { sql, parameters, expectRows }
}
