import { appendFileSync, writeFileSync } from 'node:fs'

/** The columns of Cloud Storage's usage logs, in their order ("Usage logs & storage logs"). */
const columns = [
  'time_micros',
  'c_ip',
  'c_ip_type',
  'c_ip_region',
  'cs_method',
  'cs_uri',
  'sc_status',
  'cs_bytes',
  'sc_bytes',
  'time_taken_micros',
  'cs_host',
  'cs_referer',
  'cs_user_agent',
  's_request_id',
  'cs_operation',
  'cs_bucket',
  'cs_object',
] as const

export type UsageRow = Readonly<Record<(typeof columns)[number], string>>

/** Starts the file with its header line and gives the function that adds a row. */
export function openUsageLog(file: string): (row: UsageRow) => void {
  writeFileSync(file, line([...columns]), { mode: 0o600 })
  // Written before the answer is sent, so a test that has its answer finds its row.
  return (row) => appendFileSync(file, line(columns.map((name) => row[name])))
}

function line(values: readonly string[]): string {
  return `${values.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')}\n`
}
