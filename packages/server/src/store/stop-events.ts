/** Events after which a user, a key or a team was to get no further: few beside those of URLs, with an index that those do not enter. */
import { sql } from 'kysely'
import type { Db } from './statement.ts'

const types = [
  'user.create',
  'user.update',
  'user.delete',
  'serviceAccount.create',
  'serviceAccount.update',
  'serviceAccount.delete',
  'apiKey.delete',
  'restriction.create',
  'restriction.end',
  'revocation.step',
]

/** Allowed ones from `from` on, the oldest first; `max` at most. */
export async function listStopEvents(db: Db, from: number, max: number): Promise<string[]> {
  const rows = await db
    .selectFrom('audit_runs as r')
    .innerJoin('audit_events as e', (join) =>
      join
        .onRef('e.chain', '=', 'r.chain')
        .onRef('e.seq', '>=', 'r.first_seq')
        .onRef('e.seq', '<=', 'r.last_seq'),
    )
    .select('e.event')
    .where('r.type', 'in', types)
    .where(sql<boolean>`r.type <> 'url.issue'`)
    .where('r.decision', '=', 'allow')
    .where('r.at', '>=', from)
    .orderBy('r.at')
    .orderBy('r.chain')
    .orderBy('e.seq')
    .limit(max)
    .execute()
  return rows.map(({ event }) => event)
}

/** Where teams' objects begin. */
export async function listTeamPrefixes(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('teams').select(['name', 'prefix']).execute()
  return new Map(rows.map(({ name, prefix }) => [name, prefix]))
}
