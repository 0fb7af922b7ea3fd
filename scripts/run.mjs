#!/usr/bin/env node
/**
 * What `npm start`, `npm test` and the other scripts go through: sets up what is missing, finds a Node that is new enough,
 * and runs the task with it. Plain JavaScript without dependencies: it must run on Node 20, on a fresh clone.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { builtServer } from './build.mjs'
import { findNode, root } from './node-version.mjs'
import { install } from './install.mjs'

/** Task -> what it needs installed, and the script that does it. `server`: the built one, with these options of Node. */
const tasks = {
  // A nursery of 12 MB from the beginning: in a smaller one what waits for the disk at 256 connections does not fit, and is kept
  // as if it were to stay. In a larger one memory grows, and nothing is faster.
  start: {
    needs: 'production',
    server: ['--max-semi-space-size=12', '--min-semi-space-size=12'],
  },
  recover: { needs: 'production', server: [], run: ['recover'] },
  dev: { needs: 'full', run: ['--watch', 'packages/server/src/main.ts'] },
  check: { needs: 'full', run: ['scripts/check.mjs'] },
  test: { needs: 'full', run: ['scripts/test.mjs'] },
  fix: { needs: 'full', run: ['scripts/fix.mjs'] },
  bench: { needs: 'full', run: ['bench/run.ts'] },
}

const [name = '', ...rest] = process.argv.slice(2)
const task = tasks[name]
if (!task) fail(`There is no task ${JSON.stringify(name)}. The tasks are ${Object.keys(tasks).join(', ')}.`)
try {
  await install(task.needs)
} catch (error) {
  fail(error.message)
}
const node = findNode()
if (!node)
  fail(
    'Signpost needs Node 24 or newer. On Linux (x64, arm64) the set-up brings it from npm; elsewhere install it from https://nodejs.org.',
  )

// Types are stripped and code is compiled once, not at each start.
// Two arenas of glibc's allocator: with one for each thread, memory that is given back is rarely used again.
const env = {
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node-compile'),
  MALLOC_ARENA_MAX: '2',
  ...process.env,
}
const server = task.server ? [...task.server, await builtServer()] : []
const child = spawn(node, [...server, ...(task.run ?? []), ...rest], { stdio: 'inherit', cwd: root, env })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => fail(`${node} cannot be run: ${error.message}`))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))

function fail(message) {
  process.stderr.write(`signpost: ${message}\n`)
  process.exit(1)
}
