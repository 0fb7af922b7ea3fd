/** Restrictions and budgets, by the command, against the real server. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('a restriction or budget that says too little or too much is a wrong command line', async (t) => {
  const { run } = openShell(t, { SIGNPOST_URL: 'http://127.0.0.1:9', SIGNPOST_TOKEN: 'sp_x' })
  const cases: [string[], RegExp][] = [
    [['restrict', '--deny', 'all'], /--reason/],
    [['restrict', '--deny', 'all', '--reason', 'x'], /--user, --team or --network, or say --everybody/],
    [
      ['restrict', '--everybody', '--team', 'a', '--deny', 'all', '--reason', 'x'],
      /--everybody goes with no/,
    ],
    [['restrict', '--user', 'a', '--reason', 'x'], /say what: --deny/],
    [['restrict', '--user', 'a', '--deny', 'read', '--bytes-max', '5M', '--reason', 'x'], /say what: --deny/],
    [
      ['restrict', '--user', 'a', '--deny', 'read,fly', '--reason', 'x'],
      /Allowed choices are read, write, delete, all/,
    ],
    [
      ['restrict', '--user', 'a', '--deny', 'fly', '--reason', 'x'],
      /Allowed choices are read, write, delete, all/,
    ],
    [
      ['restrict', '--user', 'a', '--prefix', 'a/', '--deny', 'all', '--reason', 'x'],
      /--prefix goes with --team/,
    ],
    [['restrict', '--user', 'a', '--deny', 'all', '--until', 'soon', '--reason', 'x'], /Write an instant/],
    [['budget', 'set', '--urls-per-minute', '5'], /either --user or --team/],
    [['budget', 'set', '--user', 'a', '--team', 'b', '--urls-per-minute', '5'], /either --user or --team/],
    [['budget', 'set', '--user', 'a'], /--urls-per-minute, --live-write-bytes/],
    [['budget', 'set', '--user', 'a', '--urls-per-minute', '-5'], /whole number/],
    [['budget', 'set', '--user', 'a', '--write-bytes-per-day', '99999999T'], /Write bytes/],
    [['budget', 'remove', '--user', 'a'], /give --yes/],
  ]
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, expected)
    assert.equal(stdout, '')
  }
})

test('signpost restrict, restriction and budget: made, seen by whom they are about, ended', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = (name: string) => join(env['SIGNPOST_DATA_DIR'] ?? '', name)
  await untilPrinted(server, 'Ctrl-C')
  const shellOf = (name: string) => {
    const token = readFileSync(file(name), 'utf8').trim()
    return openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  }
  const [admin, member] = [shellOf('admin-token'), shellOf('demo-token')]
  const done = async (shell: typeof admin, ...args: string[]) => {
    const { code, stdout, stderr } = await shell.run(args)
    assert.equal(code, 0, `signpost ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const fails = async (shell: typeof admin, code: number, sentence: RegExp, ...args: string[]) => {
    const ran = await shell.run(args)
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, sentence)
  }
  const sign = ['sign', 'sp://demo/raw/x'] as const
  await done(member, ...sign)

  const about = ['--user', 'demo-user', '--team', 'demo', '--prefix', 'raw/']
  const made = await done(
    admin,
    'restrict',
    ...about,
    '--deny',
    'read,delete',
    '--until',
    '8h',
    '--reason',
    'moving house',
  )
  assert.match(made, /demo-user +sp:\/\/demo\/raw\/ +any +no read, delete +\d{4}.* moving house/)
  await fails(member, 3, /restriction forbids this until .*moving house/, ...sign)
  await done(member, 'sign', 'sp://demo/other')
  const mine = await done(member, 'restriction', 'list', '--user', 'demo-user')
  assert.match(mine, /moving house/)
  await fails(member, 3, /organisation/, 'restriction', 'list')
  const listed = JSON.parse(await done(admin, '--json', 'restriction', 'list', '--team', 'demo')) as {
    id: string
  }
  await fails(member, 4, /no such restriction/, 'restriction', 'end', listed.id)
  assert.match(await done(admin, 'restriction', 'end', listed.id), /ended restriction/)
  await done(member, ...sign)

  const caps = ['--read-max', '5m', '--write-max', '90s', '--bytes-max', '64M']
  const capped = await done(admin, 'restrict', '--user', 'demo-user', ...caps, '--reason', 'trial')
  assert.match(capped, /at most reads of 300 s, writes of 90 s, objects of 67108864 bytes/)
  const { id } = JSON.parse(await done(admin, '--json', 'restriction', 'list')) as { id: string }
  await done(admin, 'restriction', 'end', id)

  const limits = ['--urls-per-minute', '0', '--write-bytes-per-day', '2T']
  assert.match(
    await done(admin, 'budget', 'set', '--user', 'demo-user', ...limits),
    /demo-user +\d+ of 0 +no limit +0 of 2199023255552/,
  )
  await fails(member, 1, /budget .*urlsPerMinute: 0/, ...sign)
  assert.match(await done(member, 'budget', 'list'), /demo-user/)
  await fails(member, 3, /organisation/, 'budget', 'set', '--user', 'demo-user', '--urls-per-minute', '9')
  await fails(admin, 4, /team demo has no budget/, 'budget', 'remove', '--yes', '--team', 'demo')
  await done(admin, 'budget', 'remove', '--yes', '--user', 'demo-user')
  await done(member, ...sign)
  assert.equal((await done(admin, 'budget', 'list')).trim().split('\n').length, 1)
})

test('what is copied declares its length: a budget of bytes lets it through, and counts it', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = (name: string) => join(env['SIGNPOST_DATA_DIR'] ?? '', name)
  await untilPrinted(server, 'Ctrl-C')
  const token = (name: string) => readFileSync(file(name), 'utf8').trim()
  const admin = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token('admin-token') })
  const member = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token('demo-token') })
  await admin.run(['budget', 'set', '--team', 'demo', '--write-bytes-per-day', '1000K'])
  const source = join(import.meta.dirname, 'restriction.test.ts')
  const first = await member.run(['cp', source, 'sp://demo/copy'])
  assert.equal(first.code, 0, first.stderr)
  const before = JSON.parse((await admin.run(['--json', 'budget', 'list'])).stdout) as {
    used: { writeBytesPerDay: number }
  }
  assert.equal(before.used.writeBytesPerDay, readFileSync(source).length)
  const folder = mkdtempSync(join(tmpdir(), 'signpost-many-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (let n = 0; n < 100; n++) writeFileSync(join(folder, String(n)), 'x'.repeat(n))
  const many = await member.run(['cp', '-r', folder, 'sp://demo/many/'])
  assert.equal(many.code, 0, many.stderr)
  const after = JSON.parse((await admin.run(['--json', 'budget', 'list'])).stdout) as typeof before
  assert.equal(after.used.writeBytesPerDay, before.used.writeBytesPerDay + 99 * 50)
  await admin.run(['budget', 'set', '--team', 'demo', '--write-bytes-per-day', '1K'])
  const second = await member.run(['cp', source, 'sp://demo/copy'])
  assert.notEqual(second.code, 0)
  assert.match(second.stderr, /budget/)
})
