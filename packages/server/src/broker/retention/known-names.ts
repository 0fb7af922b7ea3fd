/** Whether a name is, or was, somebody's or a team's: a slip of the pen would hold nothing, and nobody would see it. */
import { SignpostError, type AuditEvent, type AuditEventType } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import type { AuditCursor } from '../../store/audit-events.ts'
import { hasActed, hasTeamEvents } from '../../store/audit-names.ts'
import { listAuditEvents } from '../../store/list-audit-events.ts'
import { findPrincipal } from '../../store/principals.ts'
import type { Db } from '../../store/statement.ts'
import { findTeam } from '../../store/teams.ts'

const userTypes = [
  'user.create',
  'user.delete',
  'serviceAccount.create',
  'serviceAccount.delete',
] as const satisfies AuditEventType[]
/** Allowed only where there is such a team; whoever reads the trail may ask for any name. */
const teamTypes = [
  'team.create',
  'team.update',
  'team.delete',
  'member.set',
  'member.remove',
  'url.issue',
] as const satisfies AuditEventType[]
const pageEvents = 200

export async function requireKnown(
  db: Db,
  { username, team }: { username: string | null; team: string | null },
): Promise<void> {
  if (username !== null && !(await isUserKnown(db, username)))
    throw unknown('username', 'no user or service account has or had this name')
  if (team !== null && !(await isTeamKnown(db, team))) throw unknown('team', 'no team has or had this name')
}

function unknown(field: 'username' | 'team', what: string): SignpostError {
  return new SignpostError(
    'invalid',
    `${field}: ${what}, as far as the trail tells: a hold on it would keep nothing. Look how it is written, or send \`evenIfUnknown\`: true.`,
    { field },
  )
}

async function isTeamKnown(db: Db, team: string): Promise<boolean> {
  return (await findTeam(db, team)) !== undefined || hasTeamEvents(db, team, teamTypes)
}

/** Also of somebody who was made and deleted, and never did anything. */
async function isUserKnown(db: Db, username: string): Promise<boolean> {
  if ((await findPrincipal(db, username)) !== undefined || (await hasActed(db, username))) return true
  for (const type of userTypes) {
    let after: AuditCursor | undefined
    do {
      const rows = await listAuditEvents(db, { type, decision: 'allow' }, { limit: pageEvents, after })
      if (rows.some(({ event }) => names(event, username))) return true
      after = rows.length > pageEvents ? rows[pageEvents - 1] : undefined
      // SQLite answers at once: without this, nobody else would have a turn.
      await setImmediate()
    } while (after)
  }
  return false
}

function names(text: string, username: string): boolean {
  const { details } = JSON.parse(text) as AuditEvent
  return details?.['user'] === username || details?.['serviceAccount'] === username
}
