/** Log sources by the command, against the real server. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('signpost logs source: made, read, shown, changed and removed', async (t) => {
  const base = await freshEnvironment(t)
  const logsDir = mkdtempSync(join(tmpdir(), 'signpost-logs-'))
  t.after(() => rmSync(logsDir, { recursive: true }))
  const env = { ...base, SIGNPOST_LOGS_DIR: logsDir }
  const server = await startServer(t, env)
  const file = join(base['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const done = async (args: string[]) => {
    const { code, stdout, stderr } = await shell.run(['logs', 'source', ...args])
    assert.equal(code, 0, `signpost logs source ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const fails = async (code: number, sentence: RegExp, args: string[]) => {
    const ran = await shell.run(['logs', 'source', ...args])
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, sentence)
  }
  await fails(2, /give one of --bucket/, ['add', 'x'])
  await fails(2, /give one of --bucket/, ['add', 'x', '--upload', '--http'])
  await fails(2, /give --format/, ['add', 'x', '--upload'])
  await fails(2, /--look-back is of --bucket/, ['add', 'x', '--upload', '--look-back', '4'])
  await fails(2, /--socket is of --ceph/, ['add', 'x', '--folder', 'a', '--socket'])
  await fails(2, /both or neither/, ['add', 'x', '--http', '--pubsub-audience', 'a'])
  await fails(2, /nothing to change/, ['update', 'x'])
  await fails(2, /\.\./, ['add', 'x', '--ceph', '../ops.log'])
  await fails(4, /not there/, ['add', 'x', '--ceph', 'ops.log'])
  await fails(4, /no such log source/i, ['show', 'x'])

  writeFileSync(
    join(logsDir, 'ops.log'),
    '{"bucket":"none","operation":"get_obj","uri":"GET /none/k HTTP/1.1"}\nx\n',
  )
  assert.match(await done(['add', 'ceph', '--ceph', 'ops.log']), /log source ceph: ceph file ops\.log/)
  assert.match(await done(['read', 'ceph']), /1 new file, 1 read, 0 failed, 0 waiting/)
  const shown = JSON.parse(await done(['show', 'ceph', '--json'])) as {
    state: { lines: number }
    files: { name: string; state: string }[]
  }
  assert.equal(shown.state.lines, 2)
  assert.deepEqual(
    shown.files.map(({ name, state }) => [name, state]),
    [['ops.log', 'done']],
  )
  assert.match(await done(['show', 'ceph']), /ops\.log +done/)

  const made = await done(['add', 'minio', '--http', '--format', 'minio'])
  assert.match(
    made,
    new RegExp(`send to ${server.url}/v1/log-sources/minio/deliveries\n.*bearer token.*sd_[\\w-]{43}`),
  )
  const [token] = /sd_[\w-]{43}/.exec(made)!
  const send = (key: string) =>
    fetch(`${server.url}/v1/log-sources/minio/deliveries`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: '{"a":1}',
    })
  assert.equal((await send(token)).status, 200)
  const [next] = /sd_[\w-]{43}/.exec(await done(['update', 'minio', '--new-token']))!
  assert.equal((await send(token)).status, 401)
  assert.equal((await send(next)).status, 200)
  assert.match(await done(['read', 'minio']), /1 read/)
  assert.match(await done(['list']), /minio +deliveries +minio +any/)
  await done(['update', 'minio', '--connector', 'local'])
  assert.match(await done(['list']), /minio +deliveries +minio +local/)
  await fails(2, /--yes/, ['remove', 'minio'])
  assert.match(await done(['remove', 'minio', '--yes']), /removed log source minio/)
  assert.equal((await send(next)).status, 401)
})
