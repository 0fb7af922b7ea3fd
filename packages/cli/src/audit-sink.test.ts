/** Audit sinks by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { AuditSink } from '@signpost/contract'
import { openHttpReceiver } from '../../server/src/sinks/testing/http-receiver.ts'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('signpost audit sink: added, listed, tested, changed and removed', async (t) => {
  const env: Record<string, string> = { ...(await freshEnvironment(t)), SIGNPOST_SINKS_INTERVAL_SECONDS: '1' }
  const server = await startServer(t, env)
  const receiver = await openHttpReceiver()
  t.after(() => receiver.close())
  const file = join(env['SIGNPOST_DATA_DIR']!, 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const done = async (args: string[]) => {
    const { code, stdout, stderr } = await shell.run(['audit', 'sink', ...args])
    assert.equal(code, 0, `signpost audit sink ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const fails = async (code: number, sentence: RegExp, args: string[]) => {
    const ran = await shell.run(['audit', 'sink', ...args])
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, sentence)
    return ran
  }
  const listed = async () =>
    (await done(['list', '--json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditSink)

  await fails(2, /give one of --bucket, --webhook, --otlp and --syslog/, ['add', 'x'])
  await fails(2, /give one of --bucket/, ['add', 'x', '--webhook', 'https://a.example', '--bucket', 'local'])
  await fails(2, /--prefix is of --bucket/, ['add', 'x', '--webhook', 'https://a.example', '--prefix', 'a/'])
  await fails(2, /--ca-file is of --syslog/, ['add', 'x', '--otlp', 'https://a.example', '--ca-file', 'a'])
  await fails(2, /both or neither/, ['add', 'x', '--syslog', 'a.example', '--key-file', 'a'])
  await fails(2, /--allow-internal is of the others/, ['add', 'x', '--bucket', 'local', '--allow-internal'])
  await fails(2, /host and a port/, ['add', 'x', '--syslog', 'https://a.example'])
  await fails(2, /nothing to change/, ['update', 'x'])
  await fails(2, /there is no audit sink "x"/, ['update', 'x', '--every', '5m'])
  await fails(4, /no such audit sink/i, ['test', 'x'])
  await fails(2, /--webhook or --otlp: must be https, unless you give --allow-internal/, [
    'add',
    'x',
    '--webhook',
    receiver.url,
  ])

  const headers = join(shell.folder, 'headers')
  writeFileSync(headers, 'Authorization: Bearer of-the-sink\nbroken of-the-sink\n')
  const webhook = ['add', 'siem', '--webhook', receiver.url, '--allow-internal', '--headers-file', headers]
  const broken = await fails(2, /line 2 is not `name: value`/, webhook)
  assert.doesNotMatch(broken.stderr, /of-the-sink/)
  writeFileSync(headers, 'Authorization: Bearer of-the-sink\n')
  const made = await done([
    ...webhook,
    '--type',
    'team.create',
    '--type',
    'user.create',
    '--decision',
    'allow',
  ])
  assert.match(made, /signing secret, shown this once: whsec_\S+/)
  assert.match(await done(['test', 'siem']), /^siem took it$/m)
  assert.equal(receiver.received[0]?.headers['authorization'], 'Bearer of-the-sink')
  const [siem] = await listed()
  assert.deepEqual(siem?.filter, { types: ['team.create', 'user.create'], decision: 'allow' })
  assert.deepEqual(siem?.secrets.toSorted(), ['headers.authorization', 'signing'])

  assert.match(
    await done(['update', 'siem', '--new-secret', '--all-events', '--max', '7']),
    /shown this once: whsec_/,
  )
  const changed = (await listed())[0]!
  assert.deepEqual([changed.filter, changed.settings], [{}, { ...siem!.settings, eventsMax: 7 }])
  assert.match(await done(['update', 'siem', '--stop']), /siem .* stopped/)
  assert.match(await done(['update', 'siem', '--start']), /siem .* active/)
  receiver.answer(500)
  await fails(1, /HTTP 500/, ['test', 'siem'])

  await done([
    'add',
    'lake',
    '--bucket',
    'local',
    '--prefix',
    'trail/',
    '--format',
    'parquet',
    '--every',
    '1s',
  ])
  for (
    let tries = 0;
    !(await listed()).some((sink) => sink.name === 'lake' && sink.state.sent > 0);
    tries += 1
  ) {
    assert.ok(tries < 240, 'nothing is sent')
    await wait(500)
  }
  assert.match(await done(['list']), /^lake +parquet in local\/trail\/ +active/m)
  await done(['remove', 'lake', '--yes'])
  await done(['remove', 'siem', '--yes'])
  assert.equal((await shell.run(['audit', 'sink', 'list', '--json'])).stdout, '')
  assert.equal(server.errors().includes('of-the-sink'), false)
})
