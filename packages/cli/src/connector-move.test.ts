import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('signpost connector move: begins, shows, gives up, and says what is wrong', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const token = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token('admin-token') })
  const move = async (...args: string[]) => shell.run(['connector', 'move', ...args])

  assert.equal((await move('--status', 'demo')).code, 4)
  assert.equal((await move('--cancel', 'demo')).code, 4)
  assert.equal((await move('demo')).code, 2)
  assert.equal((await move('--status', 'demo', 'local')).code, 2)
  const member = { env: { SIGNPOST_TOKEN: token('demo-token') } }
  assert.equal((await shell.run(['connector', 'move', 'demo', 'local'], member)).code, 3)
  const same = await move('demo', 'local')
  assert.equal(same.code, 1)
  assert.match(same.stderr, /nothing is to be moved/)

  writeFileSync(join(shell.folder, 'a.txt'), 'a')
  await shell.run(['cp', 'a.txt', 'sp://demo/a.txt'], member)
  const moved = await move('--json', '--prefix', 'else/where/', 'demo', 'local')
  assert.equal(moved.code, 0, moved.stderr)
  const lines = moved.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { state: string; toPrefix: string; objectsCopied: number })
  assert.equal(lines[0]?.state, 'copying')
  assert.deepEqual([lines.at(-1)?.state, lines.at(-1)?.toPrefix], ['settling', 'else/where/'])
  assert.ok(lines.at(-1)!.objectsCopied > 0)
  const shown = await shell.run(['connector', 'move', '--status', 'demo'], member)
  assert.match(shown.stdout, /^demo: local demo\/ -> local else\/where\/\nsettling; /)
  assert.equal((await move('--cancel', 'demo')).code, 1)
  assert.equal((await shell.run(['cp', 'sp://demo/a.txt', '-'], member)).stdout, 'a')
})
