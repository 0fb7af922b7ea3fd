/**
 * Sends the audit trail to its sinks. The trail is the buffer: a sink that is down loses nothing, and only it waits. One
 * process at a time works for a sink; what is begun is noted first, so that whoever goes on after it sends the same again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditSinkFilter, AuditSinkSettings } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'
import type { Delivery, SendBatch, SinkBatch, SinkSecrets } from '../../sinks/index.ts'
import { listChainsBehind, movePosition, type ChainBehind } from '../../store/audit-sink-positions.ts'
import {
  findAuditSinkById,
  giveSinkLease,
  listDueSinks,
  noteFailure,
  noteSent,
  requireHeld,
  takeSinkLease,
  type AuditSinkRow,
} from '../../store/audit-sinks.ts'
import type { BrokerDeps } from '../deps.ts'
import { eventsMaxOf, planBatch, type Planned } from './batches.ts'
import { writeFile } from './sink-bucket.ts'
import { filterOf, secretsOf, settingsOf } from './sink-record.ts'

/** Whoever works for a sink holds it so long; it is kept up while it takes longer. */
const leaseMs = 60_000
/** One sink has its turn for so long; then it is looked at anew. */
const turnMs = 20_000
const sinksAtOnce = 8
const firstWaitMs = 1000
const longestWaitMs = 10 * 60_000

export type SinkRunDeps = BrokerDeps & { sendToSink: SendBatch }

interface Turn {
  deps: SinkRunDeps
  row: AuditSinkRow
  owner: string
  settings: AuditSinkSettings
  filter: AuditSinkFilter
  secrets: SinkSecrets
  /** Fewer after a receiver said that a message was too large. */
  eventsMax: number
  isOver: () => boolean
}

/** The chore's work. A sink that takes long does not hold up the others, nor the next time. */
export function createSinkRunner(deps: SinkRunDeps, owner: string): (signal: AbortSignal) => Promise<void> {
  const busy = new Map<string, Promise<void>>()
  const start = (row: AuditSinkRow, signal: AbortSignal) => {
    const work = runSink(deps, row.id, owner, signal)
      .catch((err: unknown) =>
        deps.log.error({ err, sink: row.name }, 'an audit sink could not be worked for'),
      )
      .finally(() => busy.delete(row.id))
    busy.set(row.id, work)
  }
  return async (signal) => {
    const due = await listDueSinks(deps.store.db, deps.clock())
    // Nobody is last for ever: what was at work longest ago is first.
    const idle = due
      .filter(({ id }) => !busy.has(id))
      .toSorted((a, b) => (a.last_sent_at ?? 0) - (b.last_sent_at ?? 0))
    for (const row of idle.slice(0, Math.max(0, sinksAtOnce - busy.size))) start(row, signal)
    const all = Promise.all(busy.values())
    await Promise.race([all, sleep(turnMs, undefined, { signal, ref: false }).catch(() => undefined)])
    if (signal.aborted) await all
  }
}

/** One turn: by who gets the lease, until nothing is left to send, time is up, or a delivery fails. */
export async function runSink(
  deps: SinkRunDeps,
  id: string,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = deps
  if ((await listChainsBehind(store.db, id, 1)).length === 0) return
  const take = () =>
    store.commit({ statements: [takeSinkLease(store.db, id, owner, clock(), clock() + leaseMs)], events: [] })
  if (!(await committed(take))) return
  const keep = setInterval(() => void take().catch(() => undefined), leaseMs / 3)
  try {
    // As it is now: another process may have gone on with it.
    const row = await findAuditSinkById(store.db, id)
    const until = AbortSignal.timeout(turnMs)
    if (row) await sendAll(deps, row, owner, () => signal.aborted || until.aborted)
  } finally {
    clearInterval(keep)
    await store.commit({ statements: [giveSinkLease(store.db, id, owner)], events: [] })
  }
}

async function sendAll(
  deps: SinkRunDeps,
  row: AuditSinkRow,
  owner: string,
  isOver: () => boolean,
): Promise<void> {
  const settings = settingsOf(row)
  let secrets: SinkSecrets
  try {
    secrets = secretsOf(row, deps.secretBox)
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    const problem =
      'No master key given opens its secrets: give them anew, or start with the key that sealed them.'
    await fail(deps, row, owner, { ok: false, problem })
    return
  }
  const filter = filterOf(row)
  const turn: Turn = { deps, row, owner, settings, filter, secrets, eventsMax: eventsMaxOf(settings), isOver }
  while (!isOver()) {
    let isMoved = false
    for (const behind of await listChainsBehind(deps.store.db, row.id)) {
      if (isOver()) return
      const step = await sendNext(turn, behind)
      if (step === 'failed') return
      if (step === 'sent') isMoved = true
    }
    if (!isMoved) return
  }
}

/** `idle`: nothing is to be sent of this chain yet. */
async function sendNext(turn: Turn, behind: ChainBehind): Promise<'sent' | 'failed' | 'idle'> {
  const { deps, row, owner, settings } = turn
  const { store, clock } = deps
  const planned = await planBatch(deps, turn, behind)
  if (!planned) return 'idle'
  const held = { id: row.id, version: row.version, owner }
  const { chain, seq: from, plannedSeq } = behind
  const move = (to: number, next: number | null) =>
    movePosition(store.db, row.id, { chain, from, to, plannedSeq: next })
  if (planned.batch && plannedSeq === null) {
    const statements = [move(from, planned.lastSeq), requireHeld(store.db, held)]
    if (!(await committed(() => store.commit({ statements, events: [] })))) return 'failed'
  }
  const done = planned.batch ? await send(turn, planned.batch, planned) : nothing
  if (!done.ok) {
    if (done.isTooLarge && planned.batch && planned.batch.events.length > 1 && settings.kind !== 'files') {
      turn.eventsMax = Math.max(1, Math.floor(planned.batch.events.length / 2))
      return (await committed(() => store.commit({ statements: [move(from, null)], events: [] })))
        ? 'sent'
        : 'failed'
    }
    await fail(deps, row, owner, done)
    return 'failed'
  }
  const sent = planned.batch?.events.length ?? 0
  const note = { sent, rejected: done.rejected, note: done.note, now: clock() }
  const statements = [move(planned.lastSeq, null), noteSent(store.db, held, note)]
  return (await committed(() => store.commit({ statements, events: [] }))) ? 'sent' : 'failed'
}

const nothing: Delivery = { ok: true, rejected: 0, note: null }

async function send(turn: Turn, batch: SinkBatch, { firstAt }: Planned): Promise<Delivery> {
  const { deps, row, settings, secrets } = turn
  try {
    if (settings.kind === 'files') return await writeFile(deps, settings, batch, firstAt)
    return await deps.sendToSink(settings, secrets, batch)
  } catch (err) {
    deps.log.error({ err, sink: row.name }, 'something went wrong in an audit sink')
    return { ok: false, problem: 'Something went wrong inside Signpost; see its log.' }
  }
}

async function fail(
  { store, clock, log }: SinkRunDeps,
  row: AuditSinkRow,
  owner: string,
  { problem, retryAfterSeconds = 0 }: Extract<Delivery, { ok: false }>,
): Promise<void> {
  const failures = ((await findAuditSinkById(store.db, row.id)) ?? row).failures
  const wait = Math.max(
    Math.min(firstWaitMs * 2 ** Math.min(failures, 20), longestWaitMs),
    retryAfterSeconds * 1000,
  )
  log.warn({ sink: row.name, problem, failures: failures + 1 }, 'an audit sink did not take what was sent')
  const held = { id: row.id, version: row.version, owner }
  const statements = [noteFailure(store.db, held, { problem, nextTryAt: clock() + wait })]
  await committed(() => store.commit({ statements, events: [] }))
}

/** False: somebody else has it, or it was changed. */
async function committed(commit: () => Promise<void>): Promise<boolean> {
  try {
    await commit()
    return true
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'conflict') return false
    throw error
  }
}
