/** Whether URLs were issued in a span of time: by the index of teams, without reading the events. */
import type { Db } from './statement.ts'

/** As many as a statement takes in any engine. */
const teamsAtATime = 500

/** `from` and `to` in ms since the epoch, both exclusive. */
export async function wasIssuedBetween(
  db: Db,
  teams: readonly string[],
  from: number,
  to: number,
): Promise<boolean> {
  if (to <= from) return false
  for (let start = 0; start < teams.length; start += teamsAtATime) {
    const found = await db
      .selectFrom('audit_runs')
      .select('chain')
      .where('team', 'in', teams.slice(start, start + teamsAtATime))
      .where('type', '=', 'url.issue')
      .where('decision', '=', 'allow')
      .where('at', '>', from)
      .where('at', '<', to)
      .limit(1)
      .executeTakeFirst()
    if (found) return true
  }
  return false
}
