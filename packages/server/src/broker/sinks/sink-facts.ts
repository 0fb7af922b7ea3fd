/** What the doctor is to know of the audit sinks. */
import type { SinkFacts } from '../../connectors/index.ts'
import { readSinkLag } from '../../store/audit-sink-positions.ts'
import { listAuditSinks, type AuditSinkRow } from '../../store/audit-sinks.ts'
import type { BrokerDeps } from '../deps.ts'
import { settingsOf } from './sink-record.ts'

/** A receiver may well be away for so long. */
const lateSeconds = 15 * 60
/** A file waits for more events: late by so many times that. */
const lateTimes = 3

/** Those that are switched off are meant to be behind. */
export async function sinkFactsOf({ store, clock }: BrokerDeps): Promise<SinkFacts[]> {
  const rows = (await listAuditSinks(store.db)).filter(({ enabled }) => enabled === 1)
  return Promise.all(
    rows.map(async (row) => {
      const { oldestAt } = await readSinkLag(store.db, row.id)
      const seconds = oldestAt === null ? 0 : Math.round((clock() - oldestAt) / 1000)
      return { name: row.name, failures: row.failures, lateSeconds: seconds > lateAfter(row) ? seconds : 0 }
    }),
  )
}

function lateAfter(row: AuditSinkRow): number {
  const settings = settingsOf(row)
  return Math.max(lateSeconds, settings.kind === 'files' ? lateTimes * settings.everySeconds : 0)
}
