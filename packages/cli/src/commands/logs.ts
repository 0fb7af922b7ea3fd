import type { Command } from 'commander'
import type { Run } from '../context.ts'
import { addBucketLogging } from './bucket-logging.ts'
import { addLogSource } from './log-source.ts'
import { addLogsIngest } from './logs-ingest.ts'
import { addUnparsedLines } from './unparsed-lines.ts'

export function addLogs(program: Command, run: Run): void {
  const logs = program.command('logs').description("what the buckets' own logs tell")
  addLogsIngest(logs, run)
  addUnparsedLines(logs, run)
  addLogSource(logs, run)
  addBucketLogging(logs, run)
}
