/** All that is known of a person, for whoever has to answer them. Never a secret. */
import type { AuditEvent, ParsedInput, PersonDataLine } from '@signpost/contract'
import { tellsOf, withoutNames, type Person } from '../../domain/erase-event.ts'
import { isoOf, isoOrNull } from '../../domain/instant.ts'
import { listIdentitiesOf } from '../../store/external-identities.ts'
import { listMemberships } from '../../store/members.ts'
import { eachAnsweredFinding, listAlertsSetBy } from '../../store/person-answers.ts'
import { eachNamingEvents, eachNamingRecord } from '../../store/person-rows.ts'
import type { NamedPrincipalRow } from '../../store/principals.ts'
import { accessIdOf, shownRecord } from '../access-log-records.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { requireOrganisation } from '../gate.ts'
import { decisionMs, requireKeyAlive } from '../key-alive.ts'
import { readPerson } from './person.ts'

export async function* exportPersonData(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'exportPersonData'>,
): AsyncGenerator<PersonDataLine> {
  const type = 'person.read'
  const details = { user: username, operation: 'exportPersonData' }
  const decide = (asker: Caller) => requireOrganisation(deps, asker, 'audit.manage', type, { details })
  const decision = await decide(caller)
  const event = eventOf(deps, caller, type, decision, { details })
  await deps.store.commit({ statements: [], events: [event] })
  const { person, principal } = await readPerson(deps, username)
  let decidedAt = deps.clock()
  for await (const line of linesOf(deps, person, principal)) {
    if (deps.clock() - decidedAt > decisionMs) {
      await decide(await requireKeyAlive(deps, caller))
      decidedAt = deps.clock()
    }
    yield line
  }
}

async function* linesOf(
  deps: BrokerDeps,
  person: Person,
  principal: NamedPrincipalRow | undefined,
): AsyncGenerator<PersonDataLine> {
  if (principal) yield* accountLines(deps, principal)
  for await (const rows of eachNamingEvents(deps.store, [...person.names]))
    for (const { chain, seq, event: text } of rows) {
      const event = JSON.parse(text) as AuditEvent
      if (tellsOf(event, person) !== null) yield { kind: 'event', data: { chain, seq, event } }
    }
  for await (const rows of eachNamingRecord(deps.store, person.username, [...person.names]))
    for (const row of rows) yield { kind: 'accessLogRecord', data: shownRecord(row) }
  yield* answerLines(deps, person)
}

/** What they made of findings, notes of others that name them, and the alerts that they set. */
async function* answerLines(
  { store: { db } }: BrokerDeps,
  { username, names }: Person,
): AsyncGenerator<PersonDataLine> {
  for await (const rows of eachAnsweredFinding(db))
    for (const { at, digest, state, note, changed_by: changedBy, changed_at: changedAt } of rows)
      if (changedBy === username || withoutNames(note, names, '') !== note)
        yield {
          kind: 'findingAnswer',
          data: { finding: accessIdOf({ at, digest }), state, note, changedBy, changedAt: isoOf(changedAt) },
        }
  for (const { name, created_at } of await listAlertsSetBy(db, username))
    yield { kind: 'alert', data: { name, createdAt: isoOf(created_at) } }
}

async function* accountLines(
  { store: { db } }: BrokerDeps,
  principal: NamedPrincipalRow,
): AsyncGenerator<PersonDataLine> {
  const {
    id,
    kind,
    username,
    display_name,
    organisation_role,
    active,
    scid,
    pseudonym,
    profile,
    external_id,
  } = principal
  yield {
    kind: 'principal',
    data: {
      id,
      kind,
      username,
      displayName: display_name,
      organisationRole: organisation_role,
      active: active === 1,
      scid,
      pseudonym,
      externalId: external_id,
      profile: profile === '' ? null : (JSON.parse(profile) as unknown),
      createdAt: isoOf(principal.created_at),
    },
  }
  for (const { team, role } of await listMemberships(db, id))
    yield { kind: 'membership', data: { team, role } }
  for (const { issuer, subject, created_at } of await listIdentitiesOf(db, id))
    yield { kind: 'identity', data: { issuer, subject, createdAt: isoOf(created_at) } }
  const keys = await db
    .selectFrom('api_keys')
    // Never the hash of its secret.
    .select(['id', 'name', 'kind', 'scope', 'came_by', 'created_at', 'expires_at', 'last_used_at'])
    .where('principal_id', '=', id)
    .orderBy('id')
    .execute()
  for (const key of keys)
    yield {
      kind: key.kind === 'apiKey' ? 'key' : 'session',
      data: {
        id: key.id,
        name: key.name,
        kind: key.kind,
        scope: key.scope === '' ? null : (JSON.parse(key.scope) as unknown),
        cameBy: key.came_by,
        createdAt: isoOf(key.created_at),
        expiresAt: isoOrNull(key.expires_at),
        lastUsedAt: isoOrNull(key.last_used_at),
      },
    }
}
