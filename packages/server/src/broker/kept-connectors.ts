/** Open connectors, at most so many: the least recently used goes first. */
import type { OpenConnector } from '../domain/connector.ts'

export interface KeptConnectors<Entry> {
  find(connectorId: string): Entry | undefined
  /** Marks it as the one used last. */
  use(entry: Entry): void
  /** In the place of the one before, which is closed a while later. */
  keep(entry: Entry): Entry
  /** As they are now. */
  all(): readonly Entry[]
  close(): void
}

/** Longer than the longest call to a bucket, once repeated, may take. */
const retirementMs = 180_000

export function createKeptConnectors<Entry extends { named: { id: string; connector: OpenConnector } }>(
  sizeMax: number,
): KeptConnectors<Entry> {
  const kept = new Map<string, Entry>()
  const retired = new Map<OpenConnector, NodeJS.Timeout>()

  const retire = ({ named: { connector } }: Entry) => {
    const timer = setTimeout(() => {
      retired.delete(connector)
      connector.close()
    }, retirementMs)
    timer.unref()
    retired.set(connector, timer)
  }

  return {
    find: (connectorId) => kept.get(connectorId),
    use(entry) {
      if (kept.size === 1) return
      kept.delete(entry.named.id)
      kept.set(entry.named.id, entry)
    },
    keep(entry) {
      const { id } = entry.named
      const before = kept.get(id)
      if (before) retire(before)
      kept.delete(id)
      kept.set(id, entry)
      if (kept.size > sizeMax) {
        const [oldestId, oldest] = kept.entries().next().value!
        kept.delete(oldestId)
        retire(oldest)
      }
      return entry
    },
    all: () => [...kept.values()],
    close() {
      for (const [connector, timer] of retired) {
        clearTimeout(timer)
        connector.close()
      }
      retired.clear()
      for (const { named } of kept.values()) named.connector.close()
      kept.clear()
    },
  }
}
