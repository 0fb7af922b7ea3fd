/** The work on moves, in the background: one process at a time for each, and whichever is there goes on with it. */
import { SignpostError } from '@signpost/contract'
import {
  giveMoveLease,
  listRunningMoves,
  takeMoveLease,
  updateMove,
  findMove,
  type NamedMoveRow,
} from '../../store/moves.ts'
import { latestUploadEnd } from '../../store/uploads.ts'
import type { BrokerDeps } from '../deps.ts'
import { failMove, finishMove, switchOver } from './change-state.ts'
import { pass } from './pass.ts'
import { openPlaces, type Places } from './places.ts'
import { nextPass, readProgress, type Progress } from './progress.ts'

const leaseMs = 10_000
/** After a failure, and at least between two looks at the old place while the last URLs to write there end. */
const restMs = 10_000
/** A pass that finds fewer than the one before is worth another one; but some day is the day. */
const passesMax = 20

/** `owner` names this process. Answers when there is nothing to do now, or `signal` says to stop. */
export async function runMoves(deps: BrokerDeps, owner: string, signal: AbortSignal): Promise<void> {
  const moves = await listRunningMoves(deps.store.db)
  await Promise.all(moves.map(async (move) => withLease(deps, move, owner, signal)))
}

async function withLease(
  deps: BrokerDeps,
  move: NamedMoveRow,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = deps
  if (readProgress(move.progress).nextPassAt > clock()) return
  const take = async () =>
    store.commit({
      statements: [takeMoveLease(store.db, move.id, owner, clock(), clock() + leaseMs)],
      events: [],
    })
  try {
    await take()
  } catch (error) {
    if (isConflict(error)) return // Another process is at it.
    throw error
  }
  const lost = new AbortController()
  const timer = setInterval(() => void take().catch(() => lost.abort()), leaseMs / 3)
  try {
    const fresh = await findMove(store.db, move.id)
    if (fresh) await work(deps, fresh, owner, AbortSignal.any([signal, lost.signal]))
  } finally {
    clearInterval(timer)
    await store.commit({ statements: [giveMoveLease(store.db, move.id, owner)], events: [] })
  }
}

async function work(deps: BrokerDeps, move: NamedMoveRow, owner: string, signal: AbortSignal): Promise<void> {
  let progress = readProgress(move.progress)
  const { state } = move
  const save = async () =>
    deps.store.commit({
      statements: [
        updateMove(
          deps.store.db,
          move.id,
          { state, owner },
          { progress: JSON.stringify(progress), updated_at: deps.clock() },
        ),
      ],
      events: [],
    })
  try {
    const places = await openPlaces(deps, move)
    for (let isOver = false; !isOver;) {
      if (!(await pass(deps, places, progress, signal, save))) return await save()
      progress.problem = progress.left === 0 ? null : `${progress.left} objects are still to be copied.`
      isOver =
        state === 'copying'
          ? await afterCopying(deps, places, owner, progress)
          : await afterSettling(deps, places, owner, progress)
      progress = nextPass(progress)
    }
    const now = await findMove(deps.store.db, move.id)
    if (now?.state === state) await save()
  } catch (error) {
    // It was cancelled, or taken over.
    if (isConflict(error) && (signal.aborted || (await findMove(deps.store.db, move.id))?.state !== state))
      return
    await standStill(deps, progress, error, save)
  }
}

/** True: no pass is to follow now. */
async function afterCopying(
  deps: BrokerDeps,
  places: Places,
  owner: string,
  progress: Progress,
): Promise<boolean> {
  const { changed, changedBefore, left, passes } = progress
  const isCalm = changed === 0 || (changedBefore !== null && changed >= changedBefore) || passes >= passesMax
  if (left > 0) {
    progress.nextPassAt = deps.clock() + restMs
    return true
  }
  if (!isCalm) return false
  try {
    await switchOver(deps, places, owner, { ...nextPass(progress), nextPassAt: 0 })
  } catch (error) {
    if (!isConflict(error)) throw error
    const { state, lease_owner: holder } = (await findMove(deps.store.db, places.move.id)) ?? {}
    if (state !== 'copying' || holder !== owner) return true
    progress.problem =
      'The team, or the place it was to go to, was changed meanwhile. The old place counts; start the move again.'
    await failMove(deps, places.move, owner, progress)
  }
  return true
}

async function afterSettling(
  deps: BrokerDeps,
  { move }: Places,
  owner: string,
  progress: Progress,
): Promise<boolean> {
  const now = deps.clock()
  const tookMs = now - progress.passBeganAt
  progress.nextPassAt = now + Math.max(restMs, 10 * tookMs)
  const fresh = await findMove(deps.store.db, move.id)
  if (fresh?.state !== 'settling') return true
  const endsAt = fresh.settles_at ?? 0
  if (progress.passBeganAt < endsAt) {
    // The last look is due when it ends.
    if (endsAt < progress.nextPassAt) progress.nextPassAt = Math.max(endsAt, now)
    return true
  }
  if (progress.left > 0) return true
  if ((await latestUploadEnd(deps.store.db, move)) !== null) {
    progress.problem = 'Uploads into the old place are still open.'
    return true
  }
  await finishMove(deps, fresh, owner, progress)
  return true
}

/** What went wrong stands where the owner of the move sees it; the work goes on a while later. */
async function standStill(
  deps: BrokerDeps,
  progress: Progress,
  error: unknown,
  save: () => Promise<void>,
): Promise<void> {
  const isTold = error instanceof SignpostError && error.code !== 'internal'
  if (!isTold) deps.log.error({ err: error }, 'a move stands still')
  progress.problem = isTold ? error.message : 'Something went wrong; it is tried again. See the log.'
  progress.nextPassAt = deps.clock() + restMs
  await save()
}

function isConflict(error: unknown): boolean {
  return error instanceof SignpostError && error.code === 'conflict'
}
