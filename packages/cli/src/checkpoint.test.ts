/** Signed checkpoints by the command, against the real server: signed, kept elsewhere, and compared with what the server has. */
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { notesInFile } from '@signpost/contract'
import {
  freshEnvironment,
  startServer,
  untilPrinted,
  type ServerProcess,
} from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

async function opened(t: TestContext) {
  const env = await freshEnvironment(t)
  const data = env['SIGNPOST_DATA_DIR'] ?? ''
  let server = await startServer(t, env)
  const file = join(data, 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await shell.run(args)
    assert.equal(code, 0, `signpost ${args.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  const fails = async (sentence: RegExp, ...args: string[]) => {
    const ran = await shell.run(args)
    assert.equal(ran.code, 1, `signpost ${args.join(' ')}`)
    assert.match(ran.stdout + ran.stderr, sentence)
  }
  /** Ends it so, changes what is on its disk, and starts it again. */
  const restart = async (signal: NodeJS.Signals, between: () => void = () => undefined) => {
    server.kill(signal)
    await server.ended
    between()
    server = await startServer(t, env)
  }
  const running = (): ServerProcess => server
  return { shell, data, done, fails, restart, running }
}

test('signpost audit checkpoint keeps what the server signs, and an export verifies with it alone', async (t) => {
  const { shell, done, fails } = await opened(t)
  const kept = join(shell.folder, 'kept.txt')
  const key = (await done('audit', 'public-key')).trim()
  assert.match(key, /^signpost\/\S+\+[0-9a-f]{8}\+\S{44}$/)
  assert.match(
    await done('audit', 'checkpoint', '--out', 'kept.txt'),
    /^checkpoint 2 of .*\n2 appended to kept/,
  )
  await done('team', 'create', 'vision')
  const made = JSON.parse(await done('audit', 'checkpoint', '-o', 'kept.txt', '--json')) as object
  assert.partialDeepStrictEqual(made, { number: 3, appended: 1, file: 'kept.txt' })
  assert.equal(notesInFile(readFileSync(kept, 'utf8')).length, 3)
  assert.match(
    await done('audit', 'verify'),
    /^ok: \d+ events in 1 chain, signed up to checkpoint 3 of .*; \d+ after/,
  )

  await done('audit', 'checkpoint', '--rotate-key')
  assert.notEqual((await done('audit', 'public-key')).trim(), key)
  await done('audit', 'export', '-o', 'all.ndjson')
  const verify = [
    'audit',
    'verify',
    '--export',
    'all.ndjson',
    '--public-key',
    key,
    '--checkpoints',
    'kept.txt',
  ]
  const nowhere = { env: { SIGNPOST_URL: '', SIGNPOST_TOKEN: '' } }
  const verified = await shell.run(verify, nowhere)
  assert.match(verified.stdout, /^ok: .* signed up to checkpoint 5 /)
  assert.match(verified.stderr, /kept\.txt ends with checkpoint 3, the export tells of 5/)
  const alone = await shell.run(verify.slice(0, 4), nowhere)
  assert.deepEqual([alone.code, /Only the hash chains/.test(alone.stderr)], [0, true])
  assert.equal((await shell.run(['audit', 'verify', '--public-key', key])).code, 2)

  const good = readFileSync(kept, 'utf8')
  writeFileSync(kept, good.replace('time 2', 'time 1'))
  await fails(/^not ok: checkpoint 1: /m, ...verify)
  writeFileSync(kept, good.slice(0, -30))
  await fails(/does not end with a whole checkpoint/, 'audit', 'checkpoint', '--out', 'kept.txt')
  assert.equal(readFileSync(kept, 'utf8'), good.slice(0, -30))
})

test('a server that was set back, or is another one, is found when checkpoints are kept', async (t) => {
  const { shell, data, done, fails, restart } = await opened(t)
  await restart('SIGTERM', () => copyFileSync(join(data, 'signpost.sqlite'), join(shell.folder, 'before')))
  await done('team', 'create', 'vision')
  await done('audit', 'checkpoint', '--out', 'kept.txt')
  await restart('SIGTERM', () => {
    for (const end of ['-wal', '-shm']) rmSync(join(data, `signpost.sqlite${end}`), { force: true })
    copyFileSync(join(shell.folder, 'before'), join(data, 'signpost.sqlite'))
  })
  await done('audit', 'verify')
  const kept = readFileSync(join(shell.folder, 'kept.txt'), 'utf8')
  for (let tries = 0; tries < 3; tries++)
    await fails(/was changed or set back/, 'audit', 'checkpoint', '--out', 'kept.txt')
  assert.equal(readFileSync(join(shell.folder, 'kept.txt'), 'utf8'), kept)
  const key = (await done('audit', 'public-key')).trim()
  await done('audit', 'export', '-o', 'all.ndjson')
  const verify = ['audit', 'verify', '--export', 'all.ndjson', '--public-key', key]
  await done(...verify)
  await fails(
    /^not ok: checkpoint \d+: forged or of a copied database/m,
    ...verify,
    '--checkpoints',
    'kept.txt',
  )

  const other = await opened(t)
  await other.done('audit', 'checkpoint', '--out', join(shell.folder, 'other.txt'))
  await fails(/or the file is of another server/, 'audit', 'checkpoint', '--out', 'other.txt')
  appendFileSync(join(shell.folder, 'other.txt'), kept)
  await fails(/^not ok: checkpoint 1: /m, ...verify, '--checkpoints', 'other.txt')
})

test('a server that is stopped signs a last checkpoint; one that is killed leaves what it had, and goes on', async (t) => {
  const { done, restart } = await opened(t)
  const list = async () =>
    (
      JSON.parse(await done('audit', 'verify', '--json')) as {
        checkpoints: { count: number; uncoveredEvents: number }
      }
    ).checkpoints
  assert.equal((await list()).count, 1)
  await done('team', 'create', 'stopped')
  await restart('SIGTERM')
  assert.equal((await list()).count, 2)
  await done('team', 'create', 'killed')
  await restart('SIGKILL')
  const { count, uncoveredEvents } = await list()
  assert.equal(count, 2)
  assert.ok(uncoveredEvents > 0)
  await done('audit', 'checkpoint')
  assert.match(await done('audit', 'verify'), /^ok: \d+ events in 3 chains, signed up to checkpoint 3 /)
})
