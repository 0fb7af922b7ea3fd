/**
 * Checks, then the tests beside the sources and the house rules (one process), then those under `tests/` (a process each, two at once).
 * `npm test -- PATTERN` runs only the test files whose path holds PATTERN, without the checks.
 */
import { globSync } from 'node:fs'
import { installServers } from '../tests/servers/install.ts'
import { check } from './check.mjs'
import { root } from './node-version.mjs'
import { run } from './steps.mjs'

const timeoutMs = 10 * 60_000
const [pattern] = process.argv.slice(2)
const wanted = (files) => (pattern ? files.filter((file) => file.includes(pattern)) : files).toSorted()

const unit = wanted([
  ...globSync('packages/*/src/**/*.test.ts', { cwd: root }),
  ...globSync('tests/repo/**/*.test.ts', { cwd: root }),
])
const withServers = wanted(
  globSync('tests/**/*.test.ts', { cwd: root }).filter((file) => !file.startsWith('tests/repo/')),
)
if (unit.length + withServers.length === 0) {
  process.stderr.write(`signpost: no test file's path holds ${JSON.stringify(pattern)}\n`)
  process.exit(1)
}

process.exitCode = await main()

async function main() {
  if (!pattern) {
    const code = await check()
    if (code !== 0) return code
  }
  const { missing } = await installServers()
  for (const { server, why } of missing)
    process.stdout.write(`signpost: tests that need ${server} are skipped: ${why}\n`)
  let failed = 0
  if (unit.length > 0) failed = await test(['--test-isolation=none'], unit)
  if (withServers.length > 0) failed = (await test(['--test-concurrency=2'], withServers)) || failed
  return failed
}

function test(options, files) {
  return run(process.execPath, ['--test', `--test-timeout=${timeoutMs}`, ...options, ...files])
}
