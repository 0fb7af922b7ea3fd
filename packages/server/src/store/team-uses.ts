import { sql } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

export interface TeamUse {
  principalId: string
  teamId: string
  /** ms since the epoch */
  at: number
}

/** Never sets a clock back; who or what is gone meanwhile is no error. */
export function noteTeamUse(db: Db, { principalId, teamId, at }: TeamUse): Statement {
  return statementOf(
    db
      .insertInto('team_uses')
      .columns(['principal_id', 'team_id', 'last_used_at'])
      .expression((eb) =>
        eb
          .selectFrom(['principals', 'teams'])
          // PostgreSQL takes a parameter in this place for a text.
          .select(['principals.id', 'teams.id', sql<number>`cast(${at} as bigint)`.as('at')])
          .where('principals.id', '=', principalId)
          .where('teams.id', '=', teamId),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['principal_id', 'team_id'])
          .doUpdateSet((eb) => ({ last_used_at: eb.ref('excluded.last_used_at') }))
          .whereRef('team_uses.last_used_at', '<', 'excluded.last_used_at'),
      ),
  )
}
