/**
 * A process that reads log sources as a server does. Arguments: database, folder of logs, its name, how far its clock is ahead in ms,
 * and after how many lines of a file it stands still, if ever.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogFolder } from '../../../connectors/log-folder.ts'
import type { IngestDeps, IngestedFile } from '../../../correlation/ingest-types.ts'
import { ingestFile } from '../../../correlation/ingest.ts'
import { listLogSources } from '../../../store/log-sources.ts'
import { openPostgresStore } from '../../../store/postgres.ts'
import { createUuidV7 } from '../../../uuid-v7.ts'
import { createConnectorPool } from '../../connector-pool.ts'
import { createSecretBox } from '../../secret-box.ts'
import type { ReadingDeps } from '../read-file.ts'
import { readLogSource } from '../read-sources.ts'

const [url = '', folder = '', owner = '', aheadMs = '0', linesMax = 'Infinity'] = process.argv.slice(2)
const clock = () => Date.now() + Number(aheadMs)
const newId = createUuidV7(clock, randomBytes)
const store = await openPostgresStore({ url, clock, newId, readConnectionsMax: 2 })
const secretBox = createSecretBox([randomBytes(32)])
const log = { info: () => undefined, warn: () => undefined, error: console.error }
const deps = {
  store,
  clock,
  newId,
  secretBox,
  connectors: createConnectorPool({ store, secretBox, newId, log, connectorDeps: { clock, fetch } }),
  logFolders: { given: createLogFolder(folder) },
  ingestFile: (own: IngestDeps, file: IngestedFile) => ingestFile(own, { ...file, bytes: until(file.bytes) }),
  log,
} as unknown as ReadingDeps
/** As far as it is to go. */
async function* until(bytes: IngestedFile['bytes']): IngestedFile['bytes'] {
  let lines = 0
  for await (const chunk of bytes) {
    if (lines > Number(linesMax)) await new Promise(() => undefined)
    lines += Buffer.from(chunk).toString('latin1').split('\n').length - 1
    yield chunk
  }
}

const { signal } = new AbortController()
for (let waiting = 1; waiting > 0;) {
  waiting = 0
  for (const row of await listLogSources(store.db)) {
    const reading = await readLogSource(deps, row, owner, signal, true)
    if (reading.problem !== null) console.error(reading.problem)
    waiting += reading.waiting
  }
  await sleep(100)
}
await store.close()
