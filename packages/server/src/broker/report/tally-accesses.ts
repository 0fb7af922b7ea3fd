/** Accesses of a time, by user, team, address, day and connector. */
import { quietFindings, type Finding } from '@signpost/contract'
import { networkOf } from '../../domain/network-of.ts'
import { sumAccesses } from '../../store/access-sums.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Span } from '../who.ts'

const rowsMax = 5_000_000
/** Hostile logs hold any number of names and addresses: what comes after so many is counted with no name. */
const namesMax = 50_000

export interface AccessShare {
  accesses: number
  bytes: number
  findings: number
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
  networks: Map<string, { username: string; network: string; firstAt: number; accesses: number }>
  complete: boolean
}

export function emptyTally(): AccessTally {
  return {
    all: { accesses: 0, bytes: 0, findings: 0 },
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

export async function tallyAccesses(
  { store }: BrokerDeps,
  span: Span,
  only: { team?: string | undefined; username?: string | undefined } = {},
): Promise<AccessTally> {
  const tally = emptyTally()
  const sums = sumAccesses(store.db, { ...span, rowsMax })
  for (;;) {
    const next = await sums.next()
    if (next.done) return { ...tally, complete: next.value }
    const sum = next.value
    const isAsked =
      (only.team === undefined || sum.team === only.team) &&
      (only.username === undefined || sum.username === only.username)
    if (isAsked) add(tally, sum)
    else addDay(tally, sum)
  }
}

type Sum = Parameters<typeof addDay>[1]

function add(tally: AccessTally, sum: Sum): void {
  const { finding, username, team, address, count, bytes, firstAt } = sum
  const isQuiet = quietFindings.includes(finding)
  const share = { accesses: count, bytes, findings: isQuiet ? 0 : count }
  addTo(tally.all, share)
  tally.byFinding.set(finding, (tally.byFinding.get(finding) ?? 0) + count)
  if (username !== null) addTo(shareOf(tally.byUser, username, newShare), share)
  if (team !== null) addTo(shareOf(tally.byTeam, team, newShare), share)
  if (address !== null) {
    const place = shareOf(tally.byAddress, address, () => ({ ...newShare(), users: new Set<string>() }))
    addTo(place, share)
    if (username !== null && place.users.size < 20) place.users.add(username)
  }
  addDay(tally, sum)
  const day = shareOf(tally.byDay, sum.day, () => ({ matched: 0, findings: 0 }))
  if (finding === 'matched') day.matched += count
  else if (!isQuiet) day.findings += count
  const network = username === null || address === null ? undefined : networkOf(address)
  if (network === undefined) return
  const seen = shareOf(tally.networks, `${network} ${username}`, () => ({
    username: username!,
    network,
    firstAt,
    accesses: 0,
  }))
  seen.accesses += count
  seen.firstAt = Math.min(seen.firstAt, firstAt)
}

/** Whoever's they are, they show that a log tells of the bucket. */
function addDay(
  tally: AccessTally,
  sum: {
    day: number
    finding: Finding
    connectorId: string
    username: string | null
    team: string | null
    address: string | null
    count: number
    bytes: number
    firstAt: number
  },
): void {
  const place = shareOf(tally.byConnector, sum.connectorId, () => ({ accesses: 0, days: new Set<number>() }))
  place.accesses += sum.count
  place.days.add(sum.day)
}

const newShare = (): AccessShare => ({ accesses: 0, bytes: 0, findings: 0 })

function addTo(to: AccessShare, { accesses, bytes, findings }: AccessShare): void {
  to.accesses += accesses
  to.bytes += bytes
  to.findings += findings
}

function shareOf<Name extends string | number, Value>(
  all: Map<Name, Value>,
  name: Name,
  make: () => Value,
): Value {
  const found = all.get(name)
  if (found !== undefined) return found
  const made = make()
  if (all.size < namesMax) all.set(name, made)
  return made
}
