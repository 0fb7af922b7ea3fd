/** A world with sinks: a receiver of webhooks on this machine, and runners as replicas would have them. */
import { lookup } from 'node:dns/promises'
import { createGuardedFetch } from '../../../authn/guarded-fetch.ts'
import { createSender, type SinkDeps } from '../../../sinks/index.ts'
import { openHttpReceiver, type HttpReceiver } from '../../../sinks/testing/http-receiver.ts'
import { findAuditSink, type AuditSinkRow } from '../../../store/audit-sinks.ts'
import { openWorld, type World } from '../../testing/world.ts'
import { runSink, type SinkRunDeps } from '../run-sinks.ts'

export interface SinkWorld extends World {
  deps: SinkRunDeps
  receiver: HttpReceiver
  /** What was logged. */
  logged: unknown[]
  /** Records so many events. */
  happen(count: number): Promise<void>
  /** A webhook, unless `more` says another kind. */
  add(name: string, more?: object): Promise<void>
  row(name: string): Promise<AuditSinkRow>
  /** One turn, by whoever this is. */
  turn(name: string, owner?: string): Promise<void>
  /** `<chain>:<seq>` of what the receiver took, in order. */
  arrived(): string[]
  /** The same of all that was recorded, of one chain in order. */
  recorded(): Promise<string[]>
}

export function senderDeps(clock: () => number): SinkDeps {
  const find = (name: string) => lookup(name, { all: true })
  return { clock, lookup: find, guardedFetch: createGuardedFetch({ lookup: find, timeoutMs: 60_000 }) }
}

export async function openSinkWorld(): Promise<SinkWorld> {
  const world = await openWorld()
  const receiver = await openHttpReceiver()
  const logged: unknown[] = []
  const note = (...what: unknown[]) => void logged.push(what)
  const deps: SinkRunDeps = Object.assign(world.deps, {
    sendToSink: createSender(senderDeps(world.deps.clock)),
    log: { info: note, warn: note, error: note },
  })
  const { db } = deps.store
  const row = async (name: string) => (await findAuditSink(db, name))!
  return {
    ...world,
    deps,
    receiver,
    logged,
    async happen(count) {
      for (let index = 0; index < count; index += 1) await world.call('listAuditSinks', world.as.root, {})
    },
    async add(name, more = {}) {
      const webhook = { kind: 'webhook', url: receiver.url, allowInternal: true, eventsMax: 5, ...more }
      const settings = 'kind' in more ? more : webhook
      await world.call('createAuditSink', world.as.root, { body: { name, settings } })
    },
    row,
    turn: async (name, owner = 'one') =>
      runSink(deps, (await row(name)).id, owner, new AbortController().signal),
    arrived: () =>
      receiver.received.flatMap(({ body }) =>
        (JSON.parse(body) as { data: { chain: string; seq: number }[] }).data.map(
          ({ chain, seq }) => `${chain}:${seq}`,
        ),
      ),
    async recorded() {
      const rows = await db
        .selectFrom('audit_events')
        .select(['chain', 'seq'])
        .orderBy('chain')
        .orderBy('seq')
        .execute()
      return rows.map(({ chain, seq }) => `${chain}:${seq}`)
    },
    async close() {
      await receiver.close()
      await world.close()
    },
  }
}
