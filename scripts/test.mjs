/**
 * Checks, then the tests beside the sources and the house rules (three processes, which have a third of the files
 * each), then those under `tests/` (a process each, three at once).
 * `npm test -- PATTERN` runs only the test files whose path holds PATTERN, without the checks.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installServers } from '../tests/servers/install.ts'
import { check } from './check.mjs'
import { root } from './node-version.mjs'
import { run } from './steps.mjs'

const timeoutMs = 20 * 60_000
/** Node goes on to the next address of `localhost` after a quarter of a second, also where the machine stood still for as long. */
const patience = '--network-family-autoselection-attempt-timeout=60000'
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
  if (unit.length > 0) {
    // More than there are cores: much of the time is waiting for disks, servers and clocks.
    const thirds = [0, 1, 2].map((third) => unit.filter((_, index) => index % 3 === third))
    const codes = await Promise.all(thirds.filter((files) => files.length > 0).map(testTogether))
    failed = codes.find((code) => code !== 0) ?? 0
  }
  if (withServers.length > 0) failed = (await test(['--test-concurrency=3'], withServers)) || failed
  return failed
}

/** In one process, and what it says at its end, so that the lines of several do not mix. */
async function testTogether(files, place) {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-tests-'))
  const report = join(folder, 'report')
  try {
    const options = ['--test-isolation=none', '--test-reporter=spec', `--test-reporter-destination=${report}`]
    const code = await test(place === 0 ? options.slice(0, 1) : options, files)
    if (place !== 0) process.stdout.write(readFileSync(report, 'utf8'))
    return code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function test(options, files) {
  return run(process.execPath, ['--test', `--test-timeout=${timeoutMs}`, patience, ...options, ...files])
}
