/** A world with accesses: URLs that were issued and used, and the lines that the store wrote of them. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply } from '@signpost/contract'
import { ingestFile } from '../../../correlation/ingest.ts'
import { findLogSource } from '../../../store/log-sources.ts'
import { openWorld, type World } from '../../testing/world.ts'
import { readLogSource } from '../read-sources.ts'

export interface LogWorld extends World {
  /** Issues so many URLs, uses each once, and answers what the store's log says of these uses, oldest first. */
  accesses(count: number): Promise<string[]>
  put(key: string, body: string | Uint8Array): Promise<void>
  /** As the chore does; `isAsked`: as somebody who asks. */
  read(name: string, isAsked?: boolean): Promise<Reply<'readLogSource'>>
  source(name: string): Promise<Reply<'getLogSource'>>
  files(name: string): Promise<Reply<'listLogFiles'>['items']>
  /** How many accesses are told of. */
  records(): Promise<number>
}

export async function openLogWorld(): Promise<LogWorld> {
  const world = await openWorld()
  const deps = Object.assign(world.deps, { ingestFile })
  const { alice, root } = world.as
  const params = (name: string) => ({ params: { name } })
  let used = 0
  return {
    ...world,
    async accesses(count) {
      const ids: string[] = []
      for (let index = 0; index < count; index += 1) {
        const body = { action: 'read', key: `file-${(used += 1)}` }
        const { url, grantId } = await world.call('issueUrl', alice, { params: { team: 'demo' }, body })
        ids.push(grantId)
        await (await fetch(url)).arrayBuffer()
      }
      for (;;) {
        const lines = (await readFile(world.bucket.accessLogFile, 'utf8')).split('\n')
        const mine = lines.filter((line) => ids.some((id) => line.includes(id)))
        if (mine.length === count) return mine
        await sleep(10)
      }
    },
    async put(key, body) {
      const row = await world.deps.store.db
        .selectFrom('connectors')
        .select(['id', 'version'])
        .where('name', '=', 'main')
        .executeTakeFirstOrThrow()
      const { connector } = await deps.connectors.open(row.id, row.version)
      await connector.put(key, Buffer.from(body))
    },
    async read(name, isAsked = false) {
      // A listing that took long is not done again at once.
      world.pass(10)
      const row = await findLogSource(deps.store.db, name)
      return readLogSource(deps, row!, 'worker', new AbortController().signal, isAsked)
    },
    source: (name) => world.call('getLogSource', root, params(name)),
    files: async (name) => (await world.call('listLogFiles', root, params(name))).items,
    async records() {
      const { count } = await deps.store.db
        .selectFrom('access_log_records')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
  }
}
