import { SignpostError } from '@signpost/contract'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Pool } from 'pg'
import type { ClientBase, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg'
import { breaksConnection, postgresConfig } from './postgres-connection.ts'

export interface ReadingPool {
  query: <R extends QueryResultRow>(query: QueryConfig) => Promise<QueryResult<R>>
  forKysely: PostgresPool
  end: () => Promise<void>
}

/** pg waits for what is answered, though its types do not say so. */
const prepareConnection = ((client) => {
  // The error shows in the query; without a listener, losing the connection while one runs would end the process.
  client.on('error', () => undefined)
  return client.query('set default_transaction_read_only = on')
}) as (client: ClientBase) => void

/** The connections for reads. That the database is gone, or does not take a connection, is told apart from our own faults. */
export function openReadingPool(url: string, max: number): ReadingPool {
  const pool = new Pool({
    ...postgresConfig(url),
    max,
    // Writes go through `commit` alone. Nobody gets the connection before it is so.
    onConnect: prepareConnection,
  })
  // An idle connection that is lost is replaced at the next read.
  pool.on('error', () => undefined)
  const end = async () => {
    if (!pool.ended) await pool.end()
  }
  return {
    query: (query) => pool.query(query).catch(sayAway),
    forKysely: { options: pool.options, end, connect: () => pool.connect().then(forKysely, sayAway) },
    end,
  }
}

function forKysely(client: PoolClient): PostgresPoolClient {
  let isLost = false
  const query = (sql: string, parameters: readonly unknown[]) =>
    client.query(sql, [...parameters]).catch((error: unknown) => {
      isLost ||= breaksConnection(error)
      return sayAway(error)
    })
  return {
    query: query as unknown as PostgresPoolClient['query'],
    // PostgreSQL says that it ends a connection before it does: without a word, the next read would get this one.
    release: (destroy) => client.release(destroy === true || isLost),
  }
}

function sayAway(cause: unknown): never {
  if (!breaksConnection(cause) || cause instanceof TypeError) throw cause
  throw new SignpostError('record_unavailable', 'The database does not answer now; try again later.', {
    cause,
    retryAfterSeconds: 1,
  })
}
