/** An audit event as a record of W&B's audit log (docs `platform/hosting/monitoring-usage/audit-logging`, "Audit log schema"). */
import type { AuditEvent } from '@signpost/contract'
import { wandbActionOf } from './wandb-audit-action.ts'

/** All fields are always there; what does not apply is null. */
export interface WandbAuditRecord {
  timestamp: string
  action: string
  actor_user_id: string | null
  actor_email: string | null
  actor_ip: string | null
  user_asset: string | null
  user_email: string | null
  entity_asset: string | null
  entity_name: string | null
  project_asset: null
  project_name: null
  report_asset: null
  report_name: null
  artifact_asset: string | null
  artifact_sequence_asset: string | null
  artifact_qualified_name: string | null
  artifact_digest: null
  cli_version: string | null
  response_code: number
}

/** What is known by now of those that events name. */
export interface AuditNames {
  personById: (id: string) => NamedPerson | undefined
  personByName: (username: string) => NamedPerson | undefined
  teamByName: (name: string) => NamedThing | undefined
}

export interface NamedThing {
  id: string
  /** ms since the epoch */
  createdAt: number
}

export interface NamedPerson extends NamedThing {
  email: string | null
}

/** The events' own clock runs with the rows': an event tells of a row that is made in the same moment. */
const sameMomentMs = 1000

/** Whom an event is about stands in its details, under one of these. */
const aboutWhom = ['user', 'member', 'owner', 'serviceAccount', 'username'] as const

/** `anonymize`: without e-mails, names and addresses; ids stay. */
export function wandbAuditRecord(
  event: AuditEvent,
  names: AuditNames,
  { anonymize }: { anonymize: boolean },
): WandbAuditRecord {
  const shown = <Value>(value: Value | undefined): Value | null =>
    anonymize || value === undefined ? null : value
  const { principalId, username, team } = event
  const affected = affectedOf(event, names)
  return {
    timestamp: event.at,
    action: wandbActionOf(event),
    actor_user_id: principalId ?? null,
    actor_email: shown(
      emailOf(principalId === undefined ? undefined : names.personById(principalId), username),
    ),
    actor_ip: shown(event.address || undefined),
    user_asset: affected.id,
    user_email: shown(affected.email),
    entity_asset: team === undefined ? null : (idAt(event, names.teamByName(team)) ?? null),
    entity_name: shown(team),
    project_asset: null,
    project_name: null,
    report_asset: null,
    report_name: null,
    artifact_asset: event.grantId ?? null,
    artifact_sequence_asset: event.uploadId ?? null,
    artifact_qualified_name: shown(event.key),
    artifact_digest: null,
    cli_version: versionOf(event.agent),
    response_code: event.decision === 'allow' ? 200 : 403,
  }
}

/** The username that an event is about, if it is about somebody. */
export function affectedName({ type, details, username }: AuditEvent): string | undefined {
  if (type === 'auth.login' || type === 'auth.logout') return username
  for (const field of aboutWhom) {
    const name = details?.[field]
    if (typeof name === 'string' && name !== '') return name
  }
  return undefined
}

function affectedOf(event: AuditEvent, names: AuditNames): { id: string | null; email: string | undefined } {
  const name = affectedName(event)
  if (name === undefined) return { id: null, email: undefined }
  if (name === event.username && event.principalId !== undefined)
    return { id: event.principalId, email: emailOf(names.personById(event.principalId), name) }
  const person = names.personByName(name)
  const id = idAt(event, person)
  return { id: id ?? null, email: emailOf(id === undefined ? undefined : person, name) }
}

/** A name may have been given to somebody else since: who came after the event is not meant. */
function idAt({ at }: AuditEvent, found: NamedThing | undefined): string | undefined {
  return found && found.createdAt <= Date.parse(at) + sameMomentMs ? found.id : undefined
}

/** What a directory says; else the username, where that is an address. */
function emailOf(person: NamedPerson | undefined, username: string | undefined): string | undefined {
  if (person?.email) return person.email
  return username !== undefined && /^[^\s@]+@[^\s@]+$/.test(username) ? username : undefined
}

/** Of our own clients, whose User-Agent is `signpost-cli/1.2.3 (...)`, and W&B's. */
function versionOf(agent: string | undefined): string | null {
  return /^(?:signpost|wandb|W&B)[\w -]*\/(\d[\w.+-]*)/.exec(agent ?? '')?.[1] ?? null
}
