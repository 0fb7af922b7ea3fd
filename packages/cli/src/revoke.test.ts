/** `signpost revoke` against the real server with its own store: a static key, so that the plan says what cannot be. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RevocationOutcome, RevocationPlan } from '@signpost/contract'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('a plan is shown, steps are done in its order, and the exit code says whether they held', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenOf = (name: string) =>
    readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', `${name}-token`), 'utf8').trim()
  const { run } = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: tokenOf('admin') })
  const asDemo = { env: { SIGNPOST_TOKEN: tokenOf('demo') } }
  const signed = await run(['sign', '--json', '--action', 'write', 'sp://demo/a.txt'], asDemo)
  assert.equal(signed.code, 0, signed.stderr)
  const { grantId } = JSON.parse(signed.stdout) as { grantId: string }

  const plan = await run(['revoke', '--user', 'demo-user'])
  assert.equal(plan.code, 0, plan.stderr)
  assert.match(plan.stdout, /^live URLs: \d+, the last until \d{4}-/)
  assert.match(
    plan.stdout,
    /^REQUESTER +TEAM +CONNECTOR +ACTION +URLS +LAST UNTIL\ndemo-user +demo +local +write +2 /m,
  )
  assert.match(plan.stdout, /^cannot: local: all URLs are signed with one credential/m)
  assert.match(
    plan.stdout,
    /^STEP +AT +CAN +STOPS +WITHIN +ENDS\nstop-issuing +signpost +now +new +at once +-\n/m,
  )
  assert.match(plan.stdout, /^rotate-credential +local +document +live +not said +\d+ URLs? of 1 user$/m)
  const json = JSON.parse((await run(['revoke', '--grant', grantId, '--json'])).stdout) as RevocationPlan
  assert.deepEqual([json.live.grants, json.steps.at(-1)?.step], [1, 'delete-object'])

  const unasked = await run(['revoke', '--user', 'demo-user', '--all-now', '--reason', 'x'])
  assert.equal(unasked.code, 2)
  assert.match(unasked.stderr, /give --yes to do this: stop-issuing, delete-keys\n$/)

  const steps = ['--step', 'stop-issuing', '--step', 'rotate-credential', '--yes', '--reason', 'gone']
  const done = await run(['revoke', '--user', 'demo-user', '--team', 'demo', ...steps])
  assert.equal(done.code, 0, done.stdout + done.stderr)
  assert.match(done.stdout, /^stop-issuing +signpost +done +lives on; a new one: refused$/m)
  assert.match(done.stdout, /^rotate-credential +local +document +not-tried$/m)
  assert.match(done.stdout, /^signpost connector update local /m)
  assert.match(done.stderr, /^recorded as revocation [0-9a-f-]{36}$/m)
  const refused = await run(['sign', 'sp://demo/a.txt'], asDemo)
  assert.equal(refused.code, 3, refused.stderr)
  assert.match(refused.stderr, /gone \(restricted/)

  const failing = [
    'revoke',
    '--user',
    'demo-user',
    '--step',
    'deny-requester',
    '--yes',
    '--reason',
    'x',
    '--json',
  ]
  const failed = await run(failing)
  assert.equal(failed.code, 1)
  const outcome = JSON.parse(failed.stdout) as RevocationOutcome
  assert.deepEqual(
    outcome.steps.map(({ outcome: what }) => what),
    ['failed'],
  )
  const all = await run(['revoke', '--user', 'demo-user', '--all-now', '--yes', '--reason', 'x'])
  assert.equal(all.code, 0, all.stdout)
  assert.equal((await run(['whoami'], asDemo)).code, 3, 'the keys are gone')

  const usage: [string[], RegExp][] = [
    [['revoke'], /say what is to be taken back/],
    [['revoke', '--key', 'a'], /say what is to be taken back/],
    [['revoke', '--user', 'a', '--key', 'b'], /--key goes with --team/],
    [['revoke', '--user', 'a', '--step', 'stop-isuing'], /Did you mean stop-issuing\?/],
    [
      ['revoke', '--user', 'a', '--undo', '--step', 'deny-requester'],
      /--undo goes with --step and --connector/,
    ],
    [['revoke', '--user', 'a', '--all-now', '--step', 'delete-keys'], /not both/],
  ]
  for (const [args, expected] of usage) {
    const { code, stderr } = await run(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, expected)
  }
  assert.equal((await run(['revoke', '--user', 'nobody'])).code, 4)
})
