/** Log sources that tell of one connector's bucket. */
import type { LogFormatName } from '@signpost/contract'
import { kindOfLog, tellsReads, usualDelay } from '../../connectors/logging/index.ts'
import type { ConnectorRow } from '../../store/connectors.ts'
import { listLogSources } from '../../store/log-sources.ts'
import type { BrokerDeps } from '../deps.ts'
import { readLogSource } from '../log-reading/read-sources.ts'
import { progressOf, settingsOf } from '../log-reading/source-record.ts'

export interface TellingSource {
  name: string
  format: LogFormatName
  usualSeconds: number
  usually: string
  createdAt: number
  /** ms since the epoch; null: nothing has come. */
  lastArrivalAt: number | null
  problem: string | null
}

/** Of all its accesses: its own, and those whose lines name their buckets, where such a store could have written them. */
export async function sourcesOf(
  { store }: BrokerDeps,
  { id, kind }: Pick<ConnectorRow, 'id' | 'kind'>,
): Promise<TellingSource[]> {
  const rows = await listLogSources(store.db)
  return rows
    .filter(({ format }) => tellsReads(format as LogFormatName))
    .filter((row) =>
      row.connector_id === null
        ? kindOfLog(row.format as LogFormatName) === kind && settingsOf(row).kind !== 'upload'
        : row.connector_id === id,
    )
    .map((row) => {
      const format = row.format as LogFormatName
      const { seconds, words } = usualDelay(format, settingsOf(row).kind === 'http')
      return {
        name: row.name,
        format,
        usualSeconds: seconds,
        usually: words,
        createdAt: row.created_at,
        lastArrivalAt: row.last_arrival_at,
        problem: progressOf(row).problem ?? null,
      }
    })
}

const lookMs = 5000

/** As the timer does it, and beside it: of this connector's own sources, what is new, for a moment. */
export async function readNow(deps: BrokerDeps, connectorId: string): Promise<void> {
  const { ingestFile } = deps
  if (!ingestFile) return
  const signal = AbortSignal.timeout(lookMs)
  for (const row of await listLogSources(deps.store.db)) {
    if (row.connector_id !== connectorId || signal.aborted) continue
    try {
      await readLogSource({ ...deps, ingestFile }, row, deps.newId(), signal, false)
    } catch (err) {
      // The timer tries it again, and says what is wrong.
      deps.log.warn({ err, source: row.name }, 'a log source could not be read')
    }
  }
}
