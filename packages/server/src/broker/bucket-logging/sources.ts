/** Log sources that tell of one connector's bucket. */
import type { LogFormatName } from '@signpost/contract'
import { usualDelay } from '../../connectors/logging/index.ts'
import { listLogSources } from '../../store/log-sources.ts'
import type { BrokerDeps } from '../deps.ts'
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

/** Its own, and those whose lines name their buckets. */
export async function sourcesOf({ store }: BrokerDeps, connectorId: string): Promise<TellingSource[]> {
  const rows = await listLogSources(store.db)
  return rows
    .filter(({ connector_id }) => connector_id === null || connector_id === connectorId)
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
