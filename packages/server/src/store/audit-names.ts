/** What the names and ids in audit events stand for, now or once. */
import type { AuditEventType } from '@signpost/contract'
import type { Db } from './statement.ts'

export interface KnownPrincipal {
  id: string
  username: string
  created_at: number
  profile: string
}

/** By id or by name, whichever is given; those that are gone are left out. */
export async function findPrincipalsOf(
  db: Db,
  { ids, usernames }: { ids: readonly string[]; usernames: readonly string[] },
): Promise<KnownPrincipal[]> {
  if (ids.length + usernames.length === 0) return []
  return db
    .selectFrom('principals')
    .select(['id', 'username', 'created_at', 'profile'])
    .where((eb) => eb.or([eb('id', 'in', [...ids, '']), eb('username', 'in', [...usernames, ''])]))
    .execute()
}

export async function findTeamsOf(
  db: Db,
  names: readonly string[],
): Promise<{ id: string; name: string; created_at: number }[]> {
  if (names.length === 0) return []
  return db
    .selectFrom('teams')
    .select(['id', 'name', 'created_at'])
    .where('name', 'in', [...names])
    .execute()
}

/** Whether somebody of this name did anything that was allowed, or a log tells of an access of theirs. */
export async function hasActed(db: Db, username: string): Promise<boolean> {
  const run = db.selectFrom('audit_runs').select('chain').where('username', '=', username)
  const record = db.selectFrom('access_log_records').select('digest').where('username', '=', username)
  return (
    (await run.where('decision', '=', 'allow').limit(1).executeTakeFirst()) !== undefined ||
    (await record.limit(1).executeTakeFirst()) !== undefined
  )
}

/** Whether something was allowed of these types that concerns a team of this name. */
export async function hasTeamEvents(
  db: Db,
  team: string,
  types: readonly AuditEventType[],
): Promise<boolean> {
  const found = await db
    .selectFrom('audit_runs')
    .select('chain')
    .where('team', '=', team)
    .where('decision', '=', 'allow')
    .where('type', 'in', [...types])
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}
