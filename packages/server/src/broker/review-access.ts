/** Who may reach what, and what of it nobody uses: page by page of people, as lines. */
import type { AccessReviewLine, ParsedInput } from '@signpost/contract'
import { storedScope } from '../domain/access-rules.ts'
import { mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { organisationPermissionsOf, teamPermissionsOf } from '../domain/permissions.ts'
import { prefixReachOf } from '../domain/prefix-reach.ts'
import type { Principal } from '../domain/principal.ts'
import {
  lastUses,
  listReviewedKeys,
  listReviewedMemberships,
  listReviewedPrincipals,
  type ReviewedKey,
  type ReviewedMembership,
  type ReviewedPrincipal,
} from '../store/access-review.ts'
import { listPrefixRules } from '../store/roles.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation, requireTeam } from './gate.ts'
import { decisionMs, requireKeyAlive } from './key-alive.ts'

const peopleAtOnce = 200
const dayMs = 86_400_000

/** What one review looks at. */
interface Review {
  decision: Decision
  /** Undefined: all teams, and the organisation. */
  teamId: string | undefined
  /** Of a team's admins: keys of its own service accounts alone. */
  isByTeam: boolean
  /** Nothing since then: unused. */
  usedSince: number
}

export async function* reviewAccess(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'reviewAccess'>,
): AsyncGenerator<AccessReviewLine> {
  const review = await requireReviewer(deps, caller, query)
  const { team } = query
  const details = { unusedDays: query.unusedDays }
  const event = eventOf(deps, caller, 'access.review', review.decision, {
    ...(team === undefined ? {} : { team }),
    details,
  })
  await deps.store.commit({ statements: [], events: [event] })
  let decidedAt = deps.clock()
  let after: string | undefined
  for (;;) {
    const page = { limit: peopleAtOnce, after }
    const people = await listReviewedPrincipals(deps.store.db, review, page)
    const belongings = await belongingsOf(deps, review, people)
    for (const person of people) {
      // A reader takes its time: what it may see is looked at anew.
      if (deps.clock() - decidedAt > decisionMs) {
        await requireReviewer(deps, await requireKeyAlive(deps, caller), query)
        decidedAt = deps.clock()
      }
      yield* linesOf(review, person, belongings)
    }
    if (people.length < peopleAtOnce) return
    after = people.at(-1)!.username
  }
}

async function requireReviewer(
  deps: BrokerDeps,
  caller: Caller,
  { team, unusedDays }: ParsedInput<'reviewAccess'>['query'],
): Promise<Review> {
  const type = 'access.review'
  const usedSince = deps.clock() - unusedDays * dayMs
  if (team === undefined) {
    const decision = await requireOrganisation(deps, caller, 'access.review', type)
    return { decision, teamId: undefined, isByTeam: false, usedSince }
  }
  const isByTeam = !mayOrganisation(caller.principal, 'access.review')
  const ask = isByTeam ? 'members.manage' : 'team.see'
  const gated = await requireTeam(deps, caller, team, ask, type)
  return { decision: gated.decision, teamId: gated.team.id, isByTeam, usedSince }
}

type Rules = Awaited<ReturnType<typeof listPrefixRules>>

/** What belongs to the people of one page. */
interface Belongings {
  memberships: ReadonlyMap<string, ReviewedMembership[]>
  keys: ReadonlyMap<string, ReviewedKey[]>
  uses: ReadonlyMap<string, number>
  /** By team. */
  prefixes: ReadonlyMap<string, Rules>
}

async function belongingsOf(
  deps: BrokerDeps,
  review: Review,
  people: readonly ReviewedPrincipal[],
): Promise<Belongings> {
  const { db } = deps.store
  const ids = people.map(({ id }) => id)
  if (ids.length === 0)
    return { memberships: new Map(), keys: new Map(), uses: new Map(), prefixes: new Map() }
  const memberships = await listReviewedMemberships(db, ids, review)
  const keyOwners = review.isByTeam
    ? people.filter(({ team_id: teamId }) => teamId === review.teamId).map(({ id }) => id)
    : ids
  const keys = keyOwners.length === 0 ? [] : await listReviewedKeys(db, keyOwners, deps.clock())
  const prefixes = new Map<string, Rules>()
  for (const { teamId } of memberships)
    if (!prefixes.has(teamId)) prefixes.set(teamId, await listPrefixRules(db, teamId))
  return {
    memberships: Map.groupBy(memberships, ({ principalId }) => principalId),
    keys: Map.groupBy(keys, ({ principal_id: owner }) => owner),
    uses: review.teamId === undefined ? await lastUses(db, ids) : new Map(),
    prefixes,
  }
}

function* linesOf(review: Review, person: ReviewedPrincipal, all: Belongings): Generator<AccessReviewLine> {
  const principal = principalOf(person)
  if (review.teamId === undefined)
    yield organisationLine(review, person, principal, all.uses.get(person.id) ?? null)
  for (const membership of all.memberships.get(person.id) ?? [])
    yield memberLine(review, person, principal, membership, all.prefixes.get(membership.teamId) ?? [])
  for (const key of all.keys.get(person.id) ?? []) yield keyLine(review, person, key)
}

function principalOf(row: ReviewedPrincipal): Principal {
  const { id, kind, username, organisation_role: organisationRole, pseudonym, scid } = row
  return {
    id,
    kind,
    username,
    organisationRole,
    organisationPermissions: organisationPermissionsOf(kind, organisationRole, row.rolePermissions),
    pseudonym,
    scid,
    apiKeyId: '',
    keyKind: 'apiKey',
  }
}

function lineFor({ username, kind, active, organisation_role: role }: ReviewedPrincipal): AccessReviewLine {
  return {
    username,
    kind,
    active: active === 1,
    organisationRole: role,
    team: null,
    role: null,
    permissions: [],
    prefixes: [],
    memberSince: null,
    lastUsedAt: null,
    unused: false,
    apiKeyId: null,
    keyKind: null,
    keyName: null,
    keyScope: null,
    keyLastUsedAt: null,
    keyExpiresAt: null,
  }
}

function organisationLine(
  review: Review,
  person: ReviewedPrincipal,
  { organisationPermissions }: Principal,
  lastUsedAt: number | null,
): AccessReviewLine {
  return {
    ...lineFor(person),
    permissions: [...organisationPermissions],
    lastUsedAt: instantOf(lastUsedAt),
    unused: isUnused(review, lastUsedAt, person.created_at),
  }
}

function memberLine(
  review: Review,
  person: ReviewedPrincipal,
  principal: Principal,
  { team, role, rolePermissions, since, lastUsedAt }: ReviewedMembership,
  prefixes: Rules,
): AccessReviewLine {
  const permissions = teamPermissionsOf(principal, role, rolePermissions)
  const reach = prefixReachOf(principal, { name: team, role, permissions, prefixes })
  return {
    ...lineFor(person),
    team,
    role,
    permissions: [...permissions],
    prefixes: reach.map(({ prefix, access }) => `${prefix}: ${access}`),
    memberSince: isoOf(since),
    lastUsedAt: instantOf(lastUsedAt),
    unused: isUnused(review, lastUsedAt, since),
  }
}

function keyLine(review: Review, person: ReviewedPrincipal, key: ReviewedKey): AccessReviewLine {
  return {
    ...lineFor(person),
    unused: isUnused(review, key.last_used_at, key.created_at),
    apiKeyId: key.id,
    keyKind: key.kind,
    keyName: key.name,
    keyScope: storedScope(key.scope) ?? null,
    keyLastUsedAt: instantOf(key.last_used_at),
    keyExpiresAt: instantOf(key.expires_at),
  }
}

/** What is newer than the time looked at may yet be used. */
function isUnused({ usedSince }: Review, lastUsedAt: number | null, since: number): boolean {
  return Math.max(lastUsedAt ?? 0, since) < usedSince
}

function instantOf(at: number | null): string | null {
  return at === null ? null : isoOf(at)
}
