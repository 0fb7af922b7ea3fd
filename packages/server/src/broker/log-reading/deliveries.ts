/** What comes by itself, over HTTP or a socket: kept until it is read, without the signatures that are in it. */
import { redact, redactJson } from '../../correlation/redact.ts'
import { createJsonSplitter } from '../../correlation/split-json.ts'
import type { LogFolder } from '../../domain/log-folder.ts'
import { bindDeliveries, findWaitingDeliveries, insertLogDelivery } from '../../store/log-deliveries.ts'
import { insertLogFiles } from '../../store/log-files.ts'
import type { Statement } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'

/** Bundled into one file. */
const deliveriesMax = 2000
const recordBytesMax = 2 ** 20
/** One delivery of what a socket says. */
const deliveryCharacters = 256 * 1024
/** The store keeps what comes while nobody listens (Ceph: `rgw_ops_log_data_backlog`, 5 MB). */
const listening = { silenceMs: 2000, lastsMs: 25_000, bytesMax: 64 * 2 ** 20 }

export function deliveryOf(
  { store, clock }: Pick<BrokerDeps, 'store' | 'clock'>,
  sourceId: string,
  text: string,
): Statement {
  // PostgreSQL takes no NUL.
  const body = withoutSecrets(text.toWellFormed()).replaceAll('\0', '\uFFFD')
  return insertLogDelivery(store.db, { source_id: sourceId, received_at: clock(), body })
}

/** Of JSON, values by their names: in its text, an escaped `&` would not end a value. */
function withoutSecrets(text: string): string {
  try {
    return JSON.stringify(redactJson(JSON.parse(text)))
  } catch {
    const lines = text.split('\n')
    return lines.length === 1 ? redact(text) : lines.map(withoutSecrets).join('\n')
  }
}

/** Deliveries that have come since: one file of many. Answers how many files. */
export async function bundleDeliveries(
  { store, clock }: Pick<BrokerDeps, 'store' | 'clock'>,
  sourceId: string,
): Promise<number> {
  const waiting = await findWaitingDeliveries(store.db, sourceId, deliveriesMax)
  if (!waiting) return 0
  const name = `deliveries-${waiting.first}-${waiting.last}`
  await store.commit({
    statements: [
      insertLogFiles(store.db, sourceId, [{ name, version: 'delivered' }], clock()),
      bindDeliveries(store.db, sourceId, waiting, name),
    ],
    events: [],
  })
  return 1 + (waiting.count < deliveriesMax ? 0 : await bundleDeliveries({ store, clock }, sourceId))
}

/** Takes what a socket of JSON records has to say, until it is silent. */
export async function takeFromSocket(
  deps: Pick<BrokerDeps, 'store' | 'clock'>,
  sourceId: string,
  { folder, path }: { folder: LogFolder; path: string },
  signal: AbortSignal,
): Promise<void> {
  let records: string[] = []
  let characters = 0
  const splitter = createJsonSplitter(recordBytesMax, (piece) => {
    const text = 'text' in piece ? piece.text : piece.problem
    records.push(text)
    characters += text.length
  })
  const keep = async () => {
    if (records.length === 0) return
    const statements = [deliveryOf(deps, sourceId, records.join('\n'))]
    records = []
    characters = 0
    await deps.store.commit({ statements, events: [] })
  }
  try {
    for await (const chunk of folder.listen(path, { ...listening, signal })) {
      splitter.add(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      if (characters >= deliveryCharacters) await keep()
    }
    splitter.end()
  } finally {
    // It will not be said again.
    await keep()
  }
}
