import { SignpostError } from '@signpost/contract'
import { addUnit, clearGroup, emptyGroup } from './commit-group.ts'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import type { WriteUnit } from './store.ts'

export interface CommitQueue {
  commit: (unit: WriteUnit) => Promise<void>
  /** Resolves when everything that waits is written or refused; later commits are refused. */
  drain: () => Promise<void>
}

export interface CommitQueueOptions {
  /** Commits a group; answers the units that failed alone, or rejects when nothing of the group was written. */
  send: (group: CommitGroup) => Promise<readonly UnitFailure[]>
  /** Groups on their way at once. With two, the writer has the next one at hand when it is done with one. */
  inFlightMax: number
}

/** A group takes no more events than this (but one unit may have more): bounds the memory and how long others wait. */
const groupEventsMax = 8192
/** What is kept for the groups to come: as many as there are at once, and no large ones. */
const spareBytesMax = 4 * 1024 * 1024

interface OpenGroup {
  group: CommitGroup
  waiting: { resolve: () => void; reject: (error: unknown) => void }[]
}

/**
 * Group commit: units that come while the disk is busy share the next commit. There is no timer; when nothing is on its
 * way, a group leaves at the end of the event loop's turn, so that requests which were read together are written together.
 */
export function createCommitQueue({ send, inFlightMax }: CommitQueueOptions): CommitQueue {
  const groups: OpenGroup[] = []
  let inFlight = 0
  let scheduled = false
  let closed = false
  let idle: (() => void)[] = []
  const spare: CommitGroup[] = []

  const keepSpare = (group: CommitGroup) => {
    if (spare.length > inFlightMax || group.events.bytes.length > spareBytesMax) return
    clearGroup(group)
    spare.push(group)
  }

  const openGroup = (): OpenGroup => {
    const last = groups.at(-1)
    if (last && last.group.events.count < groupEventsMax) return last
    const next: OpenGroup = { group: spare.pop() ?? emptyGroup(), waiting: [] }
    groups.push(next)
    return next
  }

  const sendNext = () => {
    scheduled = false
    while (inFlight < inFlightMax && groups.length > 0) void sendOne(groups.shift()!)
    if (inFlight === 0) {
      for (const resolve of idle) resolve()
      idle = []
    }
  }

  const sendOne = async ({ group, waiting }: OpenGroup) => {
    inFlight += 1
    try {
      const failures = await send(group)
      for (const failure of failures) {
        const { code, message, field, cause } = failure
        waiting[failure.unit]!.reject(
          new SignpostError(code, message, { cause, ...(field === undefined ? {} : { field }) }),
        )
      }
      // Rejected above already where it failed: then this changes nothing.
      for (const { resolve } of waiting) resolve()
    } catch (error) {
      for (const { reject } of waiting) reject(recordUnavailable(error))
    } finally {
      inFlight -= 1
      keepSpare(group)
      sendNext()
    }
  }

  return {
    commit(unit) {
      if (closed) return Promise.reject(recordUnavailable(new Error('the store is closed')))
      return new Promise((resolve, reject) => {
        const open = openGroup()
        try {
          addUnit(open.group, unit)
        } catch (error) {
          // A group that nobody is in would never leave, and `drain` would wait for it.
          if (open.waiting.length === 0) groups.pop()
          throw error
        }
        open.waiting.push({ resolve, reject })
        if (scheduled || inFlight >= inFlightMax) return
        scheduled = true
        setImmediate(sendNext)
      })
    },
    drain() {
      closed = true
      if (inFlight === 0 && groups.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        idle.push(resolve)
      })
    },
  }
}

export function recordUnavailable(cause: unknown): SignpostError {
  if (cause instanceof SignpostError && cause.code === 'record_unavailable') return cause
  return new SignpostError('record_unavailable', 'The record cannot be written now; try again later.', {
    cause,
    retryAfterSeconds: 1,
  })
}
