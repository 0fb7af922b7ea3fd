import type { AuditEvent, AuditEventType } from '@signpost/contract'
import type { CallContext } from '../domain/principal.ts'
import { isoOf } from '../domain/instant.ts'
import { siteOf } from '../domain/site-of.ts'
import type { Store } from '../store/store.ts'

/** So many a minute are recorded one by one, of one address (one site, of IPv6) and of all; the others are counted, so that nobody can fill the disk. */
const singlyPerAddress = 20
const singlyInAll = 600
const minuteMs = 60_000

export interface RefusalDeps {
  store: Pick<Store, 'commit'>
  clock: () => number
  newId: () => string
}

/** What is known of who was refused: never the token. */
export interface RefusedToken {
  /** `auth.refuse` unless told. */
  type?: AuditEventType
  reason: string
  apiKeyId?: string
  username?: string
  details?: Record<string, string>
}

export interface Refusals {
  /** Resolves when the refusal is recorded, or counted. */
  record(call: CallContext, refused: RefusedToken): Promise<void>
  /** Writes the count of those that were not recorded one by one. Called once a minute and at the end. */
  flush(): Promise<void>
}

export function createRefusals(deps: RefusalDeps): Refusals {
  let minute = emptyMinute(deps.clock())

  async function flush(): Promise<void> {
    const ended = minute
    minute = emptyMinute(deps.clock())
    if (ended.counted === 0) return
    await deps.store.commit({ statements: [], events: [summaryEvent(deps, ended)] })
  }

  return {
    flush,
    async record(call, refused) {
      if (deps.clock() - minute.begin >= minuteMs) await flush()
      const site = siteOf(call.address)
      const ofSite = minute.bySite.get(site) ?? 0
      if (ofSite >= singlyPerAddress || minute.singly >= singlyInAll) {
        minute.counted += 1
        return
      }
      minute.bySite.set(site, ofSite + 1)
      minute.singly += 1
      await deps.store.commit({ statements: [], events: [singleEvent(deps, call, refused)] })
    },
  }
}

interface Minute {
  begin: number
  bySite: Map<string, number>
  singly: number
  counted: number
}

function emptyMinute(begin: number): Minute {
  return { begin, bySite: new Map(), singly: 0, counted: 0 }
}

function singleEvent(
  deps: RefusalDeps,
  call: CallContext,
  { type = 'auth.refuse', reason, ...known }: RefusedToken,
): AuditEvent {
  return {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type,
    decision: 'deny',
    reason,
    ...known,
    address: call.address,
    ...(call.agent === undefined ? {} : { agent: call.agent }),
    requestId: call.requestId,
  }
}

function summaryEvent(deps: RefusalDeps, { begin, counted }: Minute): AuditEvent {
  return {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'auth.refuse',
    decision: 'deny',
    reason: 'many',
    details: { refusals: counted, since: isoOf(begin) },
  }
}
