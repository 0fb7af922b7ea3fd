/** Whom and what a run of audit events names, looked up at once. */
import type { AuditEvent } from '@signpost/contract'
import { affectedName, type AuditNames, type NamedPerson } from '../domain/wandb-audit-record.ts'
import { findPrincipalsOf, findTeamsOf, type KnownPrincipal } from '../store/audit-names.ts'
import { storedProfile, type UserProfile } from './directory/profile.ts'
import type { BrokerDeps } from './deps.ts'

export async function findNames(
  db: BrokerDeps['store']['db'],
  events: readonly AuditEvent[],
): Promise<AuditNames> {
  const people = await findPrincipalsOf(db, {
    ids: storable(events.map(({ principalId }) => principalId)),
    usernames: storable(events.map(affectedName)),
  })
  const teams = await findTeamsOf(db, storable(events.map(({ team }) => team)))
  const byId = new Map(people.map((row) => [row.id, personOf(row)]))
  const byName = new Map(people.map((row) => [row.username, personOf(row)]))
  const teamsByName = new Map(teams.map(({ id, name, created_at: createdAt }) => [name, { id, createdAt }]))
  return {
    personById: (id) => byId.get(id),
    personByName: (username) => byName.get(username),
    teamByName: (name) => teamsByName.get(name),
  }
}

/** Each once. Refused requests are recorded with whatever was asked for, and PostgreSQL takes no NUL in a text. */
function storable(texts: readonly (string | undefined)[]): string[] {
  const all = new Set(texts.filter((text) => text !== undefined))
  return [...all].filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text))
}

function personOf({ id, created_at: createdAt, profile }: KnownPrincipal): NamedPerson {
  const { emails = [] } = storedProfile<UserProfile>(profile)
  const email = (emails.find(({ primary }) => primary) ?? emails[0])?.value
  return { id, createdAt, email: email ?? null }
}
