/**
 * `npm run bench [-- NAME ...]`: measures the promises about speed and prints them beside what was reached. Names: those
 * below; none: all. Ends with 0 also where a promise is missed: on a busy machine that says little.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { printRows, type BenchRow } from './bench.ts'
import { cores } from './processes.ts'

const benches: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  signing: async () => (await import('./signing.ts')).benchSigning(),
  store: async () => (await import('./store.ts')).benchStore(),
  issue: async () => (await import('./issue.ts')).benchIssue(),
  batch: async () => (await import('./batch.ts')).benchBatch(),
  memory: async () => (await import('./memory.ts')).benchMemory(),
  start: async () => (await import('./start.ts')).benchStart(),
  'access-logs': async () => (await import('./access-logs.ts')).benchAccessLogs(),
  correlation: async () => (await import('./correlation.ts')).benchCorrelation(),
  'audit-scale': async () => (await import('./audit-scale.ts')).benchAuditScale(),
  copy: async () => (await import('./copy.ts')).benchCopy(),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}
const date = new Date().toISOString()
const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`
const pinning = cores ? `server on core ${cores.server}, load on core ${cores.load}` : 'not pinned'
console.log(`Node ${process.version}, ${machine}, ${date}; ${pinning}`)

const rows: (BenchRow & { bench: string })[] = []
const failures: string[] = []
for (const bench of asked.length > 0 ? asked : Object.keys(benches)) {
  console.log(`\n${bench} ...`)
  try {
    const measured = await benches[bench]!()
    rows.push(...measured.map((row) => ({ bench, ...row })))
    printRows(bench, measured)
  } catch (error) {
    failures.push(bench)
    console.error(`${bench} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const promises = rows.filter(({ target }) => target > 0)
const missed = promises.filter(({ isMet }) => !isMet)
console.log(`\n${promises.length - missed.length} of ${promises.length} promises met`)
for (const { name, ratio, target } of missed)
  console.log(`MISSED  ${name}: ${ratio.median.toFixed(2)}, promised ${target}`)
const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
const file = join(folder, `${date.replaceAll(':', '-').slice(0, 19)}.json`)
const commit = execFileSync('git', ['rev-parse', 'HEAD'], {
  cwd: import.meta.dirname,
  encoding: 'utf8',
}).trim()
writeFileSync(
  file,
  `${JSON.stringify({ date, node: process.version, machine, pinning, commit, failures, rows }, null, 2)}\n`,
)
console.log(`Written to ${file}`)
