/** Networks from which a user was never seen before. */
import type { NewNetwork } from '@signpost/contract'
import { setImmediate } from 'node:timers/promises'
import { isoOf } from '../../domain/instant.ts'
import { networkOf } from '../../domain/network-of.ts'
import { listAddressesOf } from '../../store/grant-uses.ts'
import type { BrokerDeps } from '../deps.ts'
import type { AccessTally } from './tally-accesses.ts'

const lookBackMs = 90 * 86_400_000
/** Of each user, so many of the newest accesses before are looked at. */
const accessesMax = 5000
const usersMax = 1000
const shownMax = 200

/** Who was not seen at all before is new everywhere: that is said once, by their networks. */
export async function newNetworks(
  { store: { db } }: BrokerDeps,
  { networks }: AccessTally,
  from: number,
): Promise<{ found: NewNetwork[]; complete: boolean }> {
  const byUser = Map.groupBy(networks.values(), ({ username }) => username)
  const found: NewNetwork[] = []
  for (const [username, seen] of [...byUser].slice(0, usersMax)) {
    const span = { from: from - lookBackMs, to: from, accessesMax }
    const before = new Set((await listAddressesOf(db, username, span)).map((one) => networkOf(one)))
    for (const { network, firstAt, accesses } of seen)
      if (!before.has(network)) found.push({ username, network, firstAt: isoOf(firstAt), accesses })
    await setImmediate()
  }
  const sorted = found.toSorted((a, b) => (a.firstAt < b.firstAt ? 1 : -1))
  return {
    found: sorted.slice(0, shownMax),
    complete: byUser.size <= usersMax && sorted.length <= shownMax,
  }
}
