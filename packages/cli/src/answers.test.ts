/** who, trace and findings, by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { findingLines } from './finding-shown.ts'
import { openShell } from './testing/run-command.ts'

test('what is asked wrongly is a wrong command line', async (t) => {
  const { run } = openShell(t, { SIGNPOST_URL: 'http://127.0.0.1:9', SIGNPOST_TOKEN: 'sp_x' })
  const cases: [string[], RegExp][] = [
    [['who'], /missing required argument/],
    [['who', 'sp://team'], /names a team, not an object/],
    [['who', 'k', '--from', 'soon'], /Write an instant/],
    [['trace'], /missing required argument/],
    [['findings', '--finding', 'not_issued'], /did you mean not_issued_here/],
    [['findings', '--finding', 'zzz'], /they are matched/],
    [['findings', '--state', 'gone'], /Allowed choices are open, acknowledged/],
    [['findings', 'show'], /missing required argument/],
    [['alert', 'add', 'x'], /--to/],
    [['alert', 'add', 'x', '--to', 'https://a', '--quiet', 'long'], /Write seconds/],
    [['alert', 'add', 'x', '--to', 'https://a', '--min', '0'], /whole number from 1/],
    [['alert', 'remove', 'x'], /give --yes/],
  ]
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, expected)
    assert.equal(stdout, '')
  }
})

test('a finding cannot steer a terminal', () => {
  const hostile = '\u001b[2J\u202eevil\nnew line'
  const lines = findingLines({
    id: 'a-b',
    at: '2026-11-23T10:00:00.000Z',
    finding: 'refused',
    connector: 'main',
    source: 's',
    file: 'f',
    evidence: { reason: 'x', operation: hostile, action: 'read', authentication: 'query' },
    state: 'acknowledged',
    note: hostile,
    changedBy: 'root',
    sentences: { what: hostile, why: hostile, advice: hostile },
  })
  assert.equal(lines.length, 4)
  // oxlint-disable-next-line no-control-regex
  for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/)
})

test('signpost who, trace and findings', async (t) => {
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
    return stdout + stderr
  }
  await done(member, 'sign', 'sp://demo/x')
  const who = await done(admin, 'who', 'sp://demo/x')
  assert.match(who, /Could, as of now\n.*\ndemo +demo-user +yes +yes +yes/)
  assert.match(who, /Held a URL for it\n.*\ndemo-user +GET .* not seen/)
  assert.match(who, /no access is known/)
  assert.equal(JSON.parse(await done(admin, 'who', 'demo/x', '--json')).held.length, 1)
  const trace = await done(admin, 'trace', 'demo-user')
  assert.match(trace, /asked {2}allow url.issue GET demo\/x/)
  assert.match(await done(admin, 'findings'), /no findings/)
  assert.match(await done(admin, 'findings', '--list', '--from', '1h'), /no findings/)
  assert.match(await done(admin, 'report'), /^# Access to buckets/)
  assert.match(await done(admin, 'report', '--format', 'html'), /^<!doctype html>/)
  assert.match(await done(admin, 'report', '--format', 'csv'), /^"Report","Access to buckets/)
  assert.ok(JSON.parse(await done(admin, 'report', '--json')).numbers.issued >= 1)
  const page = join(env['SIGNPOST_DATA_DIR'] ?? '', 'report.html')
  assert.match(await done(admin, 'report', '--from', '1h', '--out', page), /0 findings in/)
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>/)
  assert.equal(statSync(page).mode & 0o777, 0o600)
  const hook = 'https://hooks.invalid/secret-path'
  assert.match(await done(admin, 'alert', 'add', 'security', '--to', hook, '--quiet', '2h'), /^whsec_/)
  const alerts = await done(admin, 'alert', 'list')
  assert.match(alerts, /security +https:\/\/hooks.invalid +.*2 h/)
  assert.doesNotMatch(alerts, /secret-path/)
  assert.equal((await admin.run(['alert', 'test', 'security'])).code, 1)
  await done(admin, 'alert', 'remove', 'security', '--yes')
  for (const [args, code] of [
    [['alert', 'test', 'security'], 4],
    [['alert', 'add', 'x', '--to', 'http://plain.example'], 2],
    [['findings', 'show', '0-0'], 4],
    [['findings', 'acknowledge', '0-0', '--note', 'x'], 4],
    [['trace', 'nobody-here'], 4],
    [['report', '--out', 'month.pdf'], 2],
    [['who', 'sp://nowhere/x'], 4],
  ] as const)
    assert.equal((await admin.run([...args])).code, code, args.join(' '))
  for (const args of [
    ['who', 'sp://demo/x'],
    ['trace', 'demo-user'],
    ['findings'],
    ['report'],
    ['alert', 'list'],
  ])
    assert.equal((await member.run(args)).code, 3, args.join(' '))
})
