/** Accesses of a time, by user, team, address, day and connector: one pass, and as little as can be done for each. */
import { quietFindings, type Finding } from '@signpost/contract'
import { networkOf } from '../../domain/network-of.ts'
import { eachAccess, type AccessFacts } from '../../store/access-sums.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Span } from '../who.ts'

const rowsMax = 5_000_000
/** Hostile logs hold any number of names and addresses: what comes after so many is counted with no name. */
const namesMax = 50_000
const usersOfAddressMax = 20
const dayMs = 86_400_000
const quiet: ReadonlySet<Finding> = new Set(quietFindings)

export interface AccessShare {
  accesses: number
  /** Of those whose log tells it. */
  bytes: number
  /** Accesses of which it does not. */
  bytesUnknown: number
  findings: number
}

interface SeenNetwork {
  username: string
  network: string
  firstAt: number
  accesses: number
}

export interface AccessTally {
  all: AccessShare
  byFinding: Map<Finding, number>
  byUser: Map<string, AccessShare>
  byTeam: Map<string, AccessShare>
  byAddress: Map<string, AccessShare & { users: Set<string> }>
  /** By connector id: accesses, and days (since the epoch) on which some are known. */
  byConnector: Map<string, { accesses: number; days: Set<number> }>
  byDay: Map<number, { matched: number; findings: number }>
  /** By user and network, joined by a blank: networks have none. */
  networks: Map<string, SeenNetwork>
  complete: boolean
}

export async function tallyAccesses(
  { store }: BrokerDeps,
  span: Span,
  only: { team?: string | undefined; username?: string | undefined } = {},
): Promise<AccessTally> {
  const tally = emptyTally()
  const networkFor = createNetworks(tally)
  const chunks = eachAccess(store.db, { ...span, rowsMax })
  for (;;) {
    const next = await chunks.next()
    if (next.done) return { ...tally, complete: next.value }
    for (const access of next.value) {
      addDay(tally, access)
      const isAsked =
        (only.team === undefined || access.team === only.team) &&
        (only.username === undefined || access.username === only.username)
      if (isAsked) add(tally, access, networkFor)
    }
  }
}

function emptyTally(): AccessTally {
  return {
    all: newShare(),
    byFinding: new Map(),
    byUser: new Map(),
    byTeam: new Map(),
    byAddress: new Map(),
    byConnector: new Map(),
    byDay: new Map(),
    networks: new Map(),
    complete: true,
  }
}

function add(tally: AccessTally, access: AccessFacts, networkFor: NetworkFor): void {
  const { at, finding, username, team, address, bytes } = access
  const isLoud = !quiet.has(finding)
  tally.byFinding.set(finding, (tally.byFinding.get(finding) ?? 0) + 1)
  count(tally.all, bytes, isLoud)
  if (username !== null) count(found(tally.byUser, username, newShare), bytes, isLoud)
  if (team !== null) count(found(tally.byTeam, team, newShare), bytes, isLoud)
  if (address !== null) {
    const place = found(tally.byAddress, address, newPlace)
    count(place, bytes, isLoud)
    if (username !== null && place.users.size < usersOfAddressMax) place.users.add(username)
  }
  const day = found(tally.byDay, Math.floor(at / dayMs), newDay)
  if (finding === 'matched') day.matched += 1
  else if (isLoud) day.findings += 1
  const seen = username === null || address === null ? undefined : networkFor(username, address, at)
  if (!seen) return
  seen.accesses += 1
  if (at < seen.firstAt) seen.firstAt = at
}

/** Whoever's they are, they show that a log tells of the bucket. */
function addDay(tally: AccessTally, { at, connector_id: id }: AccessFacts): void {
  const place = found(tally.byConnector, id, () => ({ accesses: 0, days: new Set<number>() }))
  place.accesses += 1
  place.days.add(Math.floor(at / dayMs))
}

type NetworkFor = (username: string, address: string, at: number) => SeenNetwork | undefined

/** By user and address, for what is looked up so often; the same network may be behind many addresses. */
function createNetworks({ networks }: AccessTally): NetworkFor {
  const byUser = new Map<string, Map<string, SeenNetwork | undefined>>()
  let kept = 0
  return (username, address, at) => {
    let byAddress = byUser.get(username)
    if (!byAddress) byUser.set(username, (byAddress = new Map()))
    const known = byAddress.get(address)
    if (known !== undefined || byAddress.has(address)) return known
    const network = networkOf(address)
    const make = () => ({ username, network: network!, firstAt: at, accesses: 0 })
    const seen = network === undefined ? undefined : found(networks, `${network} ${username}`, make)
    if (kept < namesMax * 4) byAddress.set(address, seen)
    kept += 1
    return seen
  }
}

const newShare = (): AccessShare => ({ accesses: 0, bytes: 0, bytesUnknown: 0, findings: 0 })
const newPlace = () => ({ ...newShare(), users: new Set<string>() })
const newDay = () => ({ matched: 0, findings: 0 })

function count(share: AccessShare, bytes: number | null, isLoud: boolean): void {
  share.accesses += 1
  if (bytes === null) share.bytesUnknown += 1
  else share.bytes += bytes
  if (isLoud) share.findings += 1
}

function found<Name extends string | number, Value>(
  all: Map<Name, Value>,
  name: Name,
  make: () => Value,
): Value {
  const known = all.get(name)
  if (known !== undefined) return known
  const made = make()
  if (all.size < namesMax) all.set(name, made)
  return made
}
