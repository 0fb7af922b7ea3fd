import { Client, DatabaseError, types } from 'pg'
import type { ClientConfig } from 'pg'

/** A commit that takes longer than this counts as lost: the caller must get an answer. */
const queryMillisecondsMax = 30_000
const connectMillisecondsMax = 5000
/** A replica that stops in the middle of a commit (its machine is gone, or frozen) gives its locks back: others wait for them. */
const idleMillisecondsMax = 10_000

/** As for every connection to PostgreSQL: bigint comes as a number (times and counters are below 2^53). */
export function postgresConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'signpost',
    connectionTimeoutMillis: connectMillisecondsMax,
    keepAlive: true,
    types: { getTypeParser: (oid, format) => (oid === 20 ? Number : types.getTypeParser(oid, format)) },
  } as ClientConfig
}

/** Opens the connection for writes, on which every commit waits for the disk. */
export async function connectForWriting(url: string): Promise<Client> {
  const client = new Client({ ...postgresConfig(url), query_timeout: queryMillisecondsMax })
  // Errors show in the queries; without a listener, losing the connection would end the process.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('set synchronous_commit = on')
    await client.query('set lock_timeout = 20000')
    await client.query(`set idle_in_transaction_session_timeout = ${idleMillisecondsMax}`)
    await requireDurable(client)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** Refuses a server that says "committed" before the disk has it. */
async function requireDurable(client: Client): Promise<void> {
  const { rows } = await client.query<{ fsync: string; full_page_writes: string; commit: string }>(
    `select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
      current_setting('synchronous_commit') as commit`,
  )
  const { fsync, full_page_writes, commit } = rows[0]!
  const off = [
    ...(fsync === 'on' ? [] : ['fsync']),
    ...(full_page_writes === 'on' ? [] : ['full_page_writes']),
    ...(commit === 'on' ? [] : ['synchronous_commit']),
  ]
  if (off.length > 0) {
    throw new Error(
      `PostgreSQL runs with ${off.join(' and ')} off: a power cut could lose the record of a URL that was issued. Turn it on, then start again.`,
    )
  }
}

/** Is the connection of no more use after this error? Only PostgreSQL's own answers leave it usable. */
export function breaksConnection(error: unknown): boolean {
  return !(error instanceof DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC'
}
