import type { Command } from 'commander'
import type { Run } from '../context.ts'
import { addLogSource } from './log-source.ts'

export function addLogs(program: Command, run: Run): void {
  const logs = program.command('logs').description("what the buckets' own logs tell")
  addLogSource(logs, run)
}
