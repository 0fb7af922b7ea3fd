/** What the names and ids in audit events stand for now. */
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
