/** What came of the URLs that were given. */
import type { ParsedInput, Reply, UrlUsage, UsageShare, UsedGrant } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import { listConnectorNames } from '../../store/access-sums.ts'
import { findGrantUses } from '../../store/grant-uses.ts'
import { findIssued, readLiveGrants } from '../../store/live-grants.ts'
import { requireAuditReader } from '../access-log-records.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { longestLifeMs } from '../revocation/target.ts'
import { spanOf, type Span } from '../who.ts'
import { newNetworks } from './new-networks.ts'
import { tallyAccesses, type AccessShare, type AccessTally } from './tally-accesses.ts'
import { examplesMax, tallyGrants, usedGrantOf, type GrantShare, type GrantTally } from './tally-grants.ts'

const liveEventsMax = 20_000
const sharesMax = 500

type Query = ParsedInput<'getUrlUsage'>['query']

export async function getUrlUsage(
  deps: BrokerDeps,
  caller: Caller,
  { query }: ParsedInput<'getUrlUsage'>,
): Promise<Reply<'getUrlUsage'>> {
  await requireAuditReader(deps, caller, 'getUrlUsage', query)
  return (await usageOf(deps, spanOf(deps, query), query)).usage
}

export interface Usage {
  usage: UrlUsage
  accesses: AccessTally
  grants: GrantTally
  /** Connectors by id. */
  names: ReadonlyMap<string, string>
}

export async function usageOf(
  deps: BrokerDeps,
  span: Span,
  query: Pick<Query, 'team' | 'username' | 'usedMoreThan' | 'endsWithinSeconds'>,
): Promise<Usage> {
  const { team, username, usedMoreThan } = query
  const accesses = await tallyAccesses(deps, span, { team, username })
  const names = await listConnectorNames(deps.store.db)
  const logged = new Set([...accesses.byConnector.keys()].map((id) => names.get(id) ?? id))
  const grants = await tallyGrants(deps, { ...span, team, username, usedMoreThan, logged })
  const networks = await newNetworks(deps, accesses, span.from)
  const ending = await endingSoon(deps, query)
  const { issued, used, neverUsed } = grants.all
  const usage: UrlUsage = {
    from: isoOf(span.from),
    to: isoOf(span.to),
    issued,
    used,
    neverUsed,
    unknown: issued - used - neverUsed,
    neverUsedExamples: grants.neverUsed,
    often: grants.often,
    severalAddresses: grants.severalAddresses,
    endingSoon: ending.grants,
    users: sharesOf(grants.byUser, accesses.byUser),
    teams: sharesOf(grants.byTeam, accesses.byTeam),
    newNetworks: networks.found,
    complete: accesses.complete && grants.complete && networks.complete && ending.complete,
  }
  return { usage, accesses, grants, names }
}

async function endingSoon(
  { store: { db }, clock, policy }: BrokerDeps,
  { team, username, endsWithinSeconds }: Pick<Query, 'team' | 'username' | 'endsWithinSeconds'>,
): Promise<{ grants: UsedGrant[]; complete: boolean }> {
  const now = clock()
  const surelyFrom = now - Math.max(policy.readSecondsMax, policy.writeSecondsMax) * 1000
  const bounds = { now, issuedFrom: now - longestLifeMs, surelyFrom, eventsMax: liveEventsMax }
  const live = await readLiveGrants(db, { team, username }, bounds)
  const soon = live.grants
    .filter(({ expiresAt }) => expiresAt <= now + endsWithinSeconds * 1000)
    .toSorted((a, b) => a.expiresAt - b.expiresAt)
    .slice(0, examplesMax)
  const uses = await findGrantUses(
    db,
    soon.map(({ grantId }) => grantId),
  )
  const events = await Promise.all(soon.map(({ grantId }) => findIssued(db, grantId)))
  const grants = events.flatMap((event) => (event ? [usedGrantOf(event, uses.get(event.grantId ?? ''))] : []))
  return { grants, complete: live.complete }
}

function sharesOf(
  grants: ReadonlyMap<string, GrantShare>,
  accesses: ReadonlyMap<string, AccessShare>,
): UsageShare[] {
  const names = new Set([...grants.keys(), ...accesses.keys()])
  return [...names]
    .map((name) => ({
      name,
      issued: grants.get(name)?.issued ?? 0,
      neverUsed: grants.get(name)?.neverUsed ?? 0,
      accesses: accesses.get(name)?.accesses ?? 0,
      bytes: accesses.get(name)?.bytes ?? 0,
      bytesUnknown: accesses.get(name)?.bytesUnknown ?? 0,
    }))
    .toSorted((a, b) => b.bytes - a.bytes || b.issued - a.issued)
    .slice(0, sharesMax)
}
