/** What is out there, and the buckets that it is for: read, nothing changed. */
import { SignpostError } from '@signpost/contract'
import type { BucketLadder, RevocationAsk } from '../../domain/revocation.ts'
import type { ConnectorRow } from '../../store/connectors.ts'
import { liveGrantOf, readLiveGrants, type LiveBounds, type LiveGrant } from '../../store/live-grants.ts'
import type { BrokerDeps, NamedConnector } from '../deps.ts'
import { listAllConnectors, sharingOf, type Sharing } from './sharing.ts'
import { longestLifeMs, type Asked } from './target.ts'

/** A bucket that the target's URLs are for. */
export interface Place {
  row: ConnectorRow
  named: NamedConnector
  ask: RevocationAsk
  ladder: BucketLadder
  sharing: Sharing
}

export interface Situation extends Asked {
  /** ms since the epoch */
  at: number
  live: LiveGrant[]
  liveComplete: boolean
  /** Everybody's, as far as the planner may see. */
  all: LiveGrant[]
  allComplete: boolean
  places: Place[]
  /** Sentences about buckets that cannot be looked at. */
  unopened: string[]
}

/** So many events are read for each of the two counts. */
const eventsMax = 50_000

/** `named`: connectors to look at whether URLs for them are out or not. */
export async function observe(
  deps: BrokerDeps,
  asked: Asked,
  named: readonly string[] = [],
): Promise<Situation> {
  const { db } = deps.store
  const at = deps.clock()
  const bounds = boundsOf(deps, at)
  const { live, liveComplete } = await readLive(deps, asked, bounds)
  const team = asked.onlyTeam === undefined ? {} : { team: asked.onlyTeam }
  const all = await readLiveGrants(db, team, bounds)
  const connectors = await listAllConnectors(deps)
  const wanted = new Set([...live.map(({ connector }) => connector), ...named])
  if (asked.team) wanted.add(connectorOfTeam(asked.team.connector_id, connectors)?.name ?? '')
  wanted.delete('')
  const situation: Situation = {
    ...asked,
    at,
    live,
    liveComplete,
    all: all.grants,
    allComplete: all.complete,
    places: [],
    unopened: [],
  }
  for (const name of [...wanted].toSorted()) {
    const row = connectors.find((one) => one.name === name)
    if (!row)
      situation.unopened.push(
        `${name}: this connector is deleted; URLs that it signed live on until they end, or its credential is revoked at the provider.`,
      )
    else await lookAt(deps, situation, row, connectors)
  }
  return situation
}

async function lookAt(
  deps: BrokerDeps,
  situation: Situation,
  row: ConnectorRow,
  connectors: readonly ConnectorRow[],
): Promise<void> {
  try {
    const named = await deps.connectors.open(row.id, row.version)
    const ask = askOf(situation, row)
    const ladder = (await named.connector.revocation?.ladder(ask)) ?? { steps: [], cannot: [] }
    situation.places.push({ row, named, ask, ladder, sharing: sharingOf(row, connectors) })
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    situation.unopened.push(`${row.name}: cannot be looked at: ${error.message}`)
  }
}

function boundsOf({ policy }: BrokerDeps, now: number): LiveBounds {
  const longest = Math.max(policy.readSecondsMax, policy.writeSecondsMax) * 1000
  return { now, issuedFrom: now - longestLifeMs, surelyFrom: now - longest, eventsMax }
}

async function readLive(
  deps: BrokerDeps,
  { username, team, key, grant, target }: Asked,
  bounds: LiveBounds,
): Promise<Pick<Situation, 'live' | 'liveComplete'>> {
  if (grant) {
    const one = liveGrantOf(grant, bounds.now)
    return { live: one ? [one] : [], liveComplete: true }
  }
  const filter = {
    username,
    team: target.team === undefined ? undefined : team?.name,
    key,
  }
  const { grants, complete } = await readLiveGrants(deps.store.db, filter, bounds)
  return { live: grants, liveComplete: complete }
}

/** Both names that sessions and URLs may have shown, the one that stays first; and those that they did show. */
function askOf({ username, principal, team, target, key, live, at }: Situation, row: ConnectorRow) {
  const shown = live
    .filter(({ connector, marker }) => connector === row.name && marker !== null)
    .map(({ marker }) => marker!)
  const names = username === undefined ? [] : [username, principal?.pseudonym ?? username, ...shown]
  const isOfTeam = target.team !== undefined || target.grantId !== undefined
  const ask: RevocationAsk = {
    requesters: [...new Set(names)],
    prefix: key ?? (isOfTeam ? (team?.prefix ?? '') : ''),
    team: team?.name,
    at,
  }
  return ask
}

function connectorOfTeam(id: string | null, all: readonly ConnectorRow[]): ConnectorRow | undefined {
  return all.find((row) => (id === null ? row.is_default === 1 : row.id === id))
}
