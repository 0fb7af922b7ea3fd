import { SignpostError } from '@signpost/contract'
import { findConnectorById, listConnectorsAtLocation, updateConnector } from '../../store/connectors.ts'
import type { BrokerDeps, NamedConnector } from '../deps.ts'
import { settable, undoAt } from './deny-requester.ts'
import { pause } from './pause.ts'
import { done, type Done, type StepWork } from './step-work.ts'
import type { Place } from './situation.ts'
import { openTrial, until, type Trial } from './trial.ts'

/** The token service's clock may be behind ours: sessions that are opened too early are dead, and opened again. */
const renewals = 6
const renewalMs = 2000

/**
 * Denies every session from before the next full second, then has each replica open new ones. Between the two, URLs are
 * issued that do not work: a second at most, where the clocks agree.
 */
export async function endSessions(work: StepWork): Promise<Done> {
  const { deps, situation, undo } = work
  const { place, set } = settable(work)
  if (undo) return undoAt(work)
  const trial = await openTrial(deps, situation, place)
  try {
    // Issue times are told in full seconds.
    const at = (Math.floor(deps.clock() / 1000) + 1) * 1000
    await set(at)
    await pause(at - deps.clock())
    const isAlive = await renewSessions(deps, place, trial)
    if (!isAlive) {
      await undoAt(work)
      throw new SignpostError(
        'bucket_refused',
        'It was taken back, for new sessions were refused as well: do the clocks of this server and of the token service agree?',
      )
    }
    if (typeof trial === 'string') return done('not-tried', `It is set at the bucket; ${trial}.`)
    const isRefused = await until(async () => [401, 403].includes(await trial.try()))
    return isRefused
      ? done('refused', 'A URL of a session from before is refused; one of a new session works.')
      : done('still-works', 'It is set at the bucket, but a URL of a session from before still works.')
  } finally {
    if (typeof trial !== 'string') await trial.end()
  }
}

async function renewSessions(deps: BrokerDeps, place: Place, trial: Trial | string): Promise<boolean> {
  for (let attempt = 0; attempt < renewals; attempt++) {
    if (attempt > 0) await pause(renewalMs)
    const named = await reopen(deps, place)
    if (typeof trial === 'string') return true
    if ((await trial.ownWorks(named)) && (await (await trial.renewed(named)).try()) === 200) return true
  }
  return false
}

/** A new version with another instant: every replica opens the connector anew, and with it its sessions. */
async function reopen({ store, clock, connectors }: BrokerDeps, { row }: Place): Promise<NamedConnector> {
  const { db } = store
  const sharing = await listConnectorsAtLocation(db, row.location)
  const statements = sharing.map(({ id, version }) =>
    updateConnector(db, id, version, { sessions_from: clock() }),
  )
  await store.commit({ statements, events: [] })
  const now = await findConnectorById(db, row.id)
  return connectors.open(row.id, now?.version ?? row.version)
}
