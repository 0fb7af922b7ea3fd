/** Restricted prefixes, explanations and reviews by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

async function openPeople(t: TestContext) {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(file, 'utf8').trim()
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await shell.run(args)
    assert.equal(code, 0, `signpost ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  await done('team', 'create', 'vision')
  const tokens: Record<string, string> = {}
  for (const [name, role] of [
    ['alice', 'member'],
    ['carol', 'admin'],
  ] as const) {
    await done('user', 'create', name)
    await done('team', 'member', 'set', 'vision', name, role)
    tokens[name] = (await done('user', 'key', name, '--name', '=laptop')).trim()
  }
  const as = (name: string) => ({ env: { SIGNPOST_TOKEN: tokens[name] ?? '' } })
  return { ...shell, done, as }
}

test('a prefix is restricted, explained and opened again', async (t) => {
  const { run, done, as } = await openPeople(t)
  const restrict = ['prefix', 'restrict', 'sp://vision/payroll', '--write', 'alice', '--read-role', 'viewer']
  const made = await run(restrict, as('carol'))
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /^payroll\/ +role viewer +alice$/m)
  const refused = await run(['ls', 'sp://vision/payroll/'], as('carol'))
  assert.deepEqual([refused.code, /prefix is restricted/.test(refused.stderr)], [3, true])

  const explain = ['access', 'explain', 'sp://vision/payroll/march.csv']
  const denied = await run(explain, as('carol'))
  assert.equal(denied.code, 1)
  assert.match(denied.stdout, /^carol may not read payroll\/march\.csv\. The prefix payroll\/ is restricted/)
  assert.match(denied.stdout, /^ {2}ok +membership +carol is in the team vision, with the role admin\.$/m)
  assert.match(denied.stdout, /^ {2}no +restricted-prefix /m)
  const options = ['--user', 'alice', '--team', 'vision', '--key', 'payroll/march.csv', '--action', 'write']
  const allowed = await run(['access', 'explain', ...options], as('carol'))
  assert.equal(allowed.code, 0, allowed.stderr)
  assert.match(allowed.stdout, /^ {2}yes +allowed /m)
  const json = JSON.parse(await done('--json', 'access', 'explain', ...options)) as { outcome: string }
  assert.equal(json.outcome, 'allow')
  assert.equal((await run(['access', 'explain', ...options], as('alice'))).code, 0)
  assert.equal((await run([...explain, '--user', 'carol'], as('alice'))).code, 3)

  const add = ['prefix', 'restrict', 'sp://vision/payroll/', '--add', '--read', 'carol']
  assert.match((await run(add, as('carol'))).stdout, /^payroll\/ +role viewer, carol +alice$/m)
  assert.equal((await run(explain, as('carol'))).code, 0)
  assert.match((await run(['prefix', 'list', 'vision'], as('carol'))).stdout, /^payroll\/ /m)
  const shut = await run(['prefix', 'restrict', 'sp://vision/shut/', '--nobody'], as('carol'))
  assert.deepEqual([shut.code, /nobody may reach it now/.test(shut.stderr)], [0, true])
  const open = ['prefix', 'open', 'sp://vision/payroll/']
  const unasked = await run(open, as('carol'))
  assert.deepEqual([unasked.code, /give --yes/.test(unasked.stderr)], [2, true])
  assert.equal((await run([...open, '--yes'], as('carol'))).code, 0)
  assert.equal((await run([...open, '--yes'], as('carol'))).code, 4)
  for (const args of [
    ['prefix', 'restrict', 'sp://vision'],
    ['prefix', 'restrict', 'sp://vision/a/'],
    ['prefix', 'restrict', 'sp://vision/a/', '--nobody', '--read', 'alice'],
    ['prefix', 'restrict', 'sp://vision/a/', '--add'],
    ['prefix', 'restrict', 'sp://vision/a/', '--add', '--nobody'],
    ['access', 'explain'],
    ['access', 'explain', 'sp://vision/a', '--team', 'vision'],
    ['access', 'review', '--unused-days', '0'],
  ])
    assert.equal((await run(args)).code, 2, args.join(' '))
})

test('a review names every way in, as a table and as CSV that is text to a spreadsheet', async (t) => {
  const { run, done, as, folder } = await openPeople(t)
  await run(['ls', 'sp://vision/'], as('alice'))
  const table = await run(['access', 'review'])
  assert.equal(table.code, 0, table.stderr)
  assert.match(table.stdout, /^alice +team vision +member /m)
  assert.match(table.stdout, /^alice +key \S+ \(=laptop\) +all of its owner /m)
  assert.equal(table.stderr, 'everything was used within 90 days\n')
  assert.match(await done('access', 'review', '--csv', 'review.csv'), /^\d+ lines in review\.csv\n$/)
  const file = join(folder, 'review.csv')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const lines = readFileSync(file, 'utf8').split('\r\n')
  assert.match(lines[0] ?? '', /^"username","kind","active",/)
  assert.equal(lines.filter((line) => line.includes(`"'=laptop"`)).length, 2)
  assert.doesNotMatch(lines.join('\n'), /"=/)
  assert.equal((await done('access', 'review', '--csv', '-')).split('\r\n')[0], lines[0])
  const rows = (await done('--json', 'access', 'review', '--team', 'vision')).trim().split('\n')
  assert.ok(rows.some((row) => (JSON.parse(row) as { role: string | null }).role === 'admin'))
  const own = await run(['access', 'review', '--team', 'vision'], as('carol'))
  assert.equal(own.code, 0, own.stderr)
  assert.doesNotMatch(own.stdout, /key|organisation/)
  assert.equal((await run(['access', 'review'], as('carol'))).code, 3)
  assert.equal((await run(['access', 'review', '--team', 'vision'], as('alice'))).code, 3)
})
