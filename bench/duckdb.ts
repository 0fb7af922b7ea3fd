/** The same join in DuckDB, where Python has it (`pip install duckdb`): a program of its own, which is asked a file at a time. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface DuckdbMatch {
  /** Lines of the file that use a grant as it was given, and the seconds of CPU that it took to find them. */
  match(file: string): Promise<{ matched: number; cpuSeconds: number }>
  close(): Promise<void>
}

/** Undefined: it is not there. */
export function openDuckdb(grants: number): DuckdbMatch | undefined {
  if (spawnSync('python3', ['-c', 'import duckdb']).status !== 0) return undefined
  const program = join(import.meta.dirname, 'duckdb_match.py')
  const child = spawn('python3', [program, String(grants)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async match(file) {
      child.stdin.write(`${file}\n`)
      const { value } = await lines.next()
      if (typeof value !== 'string') throw new Error('DuckDB gave no answer')
      return JSON.parse(value) as { matched: number; cpuSeconds: number }
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}
