/** Trust rules, and a workload with its platform's own token instead of a key, by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { startIssuer } from '../../server/src/broker/testing/issuer.ts'
import { openShell } from './testing/run-command.ts'

test('signpost trust-rule: made, tried, used, changed and removed', async (t) => {
  const issuer = await startIssuer(Date.now)
  t.after(() => issuer.close())
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const workload = {
    env: { SIGNPOST_TOKEN: '', SIGNPOST_IDENTITY_TOKEN_FILE: join(shell.folder, 'identity') },
  }
  const done = async (args: string[], options?: { env: Record<string, string> }) => {
    const { code, stdout, stderr } = await shell.run(args, options)
    assert.equal(code, 0, `signpost ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const fails = async (
    code: number,
    sentence: RegExp,
    args: string[],
    options?: { env: Record<string, string> },
  ) => {
    const ran = await shell.run(args, options)
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, sentence)
  }
  const bring = async (claims: Record<string, unknown>) =>
    writeFileSync(
      workload.env.SIGNPOST_IDENTITY_TOKEN_FILE,
      `${await issuer.sign({ aud: 'signpost', ...claims })}\n`,
    )
  await done(['team', 'create', 'vision'])
  await done(['service-account', 'create', 'trainer', '--team', 'vision'])
  const said = ['--issuer', issuer.issuer, '--audience', 'signpost', '--for', 'trainer', '--allow-internal']
  const sub = ['--claim-matches', 'sub=job:*', '--claim-json', 'attempt=1']

  await fails(2, /give --claim or --claim-matches/, ['trust-rule', 'add', 'jobs', ...said])
  await fails(2, /Write NAME=VALUE/, ['trust-rule', 'add', 'jobs', ...said, '--claim', 'sub'])
  await fails(2, /--for: there is no user/, ['trust-rule', 'add', 'jobs', ...said, ...sub, '--for', 'nobody'])
  const github = ['--issuer', 'https://token.actions.githubusercontent.com', '--claim', 'ref=refs/heads/main']
  await fails(2, /--claim: .* anybody could meet/, ['trust-rule', 'add', 'x', ...said.slice(2), ...github])
  await fails(2, /nothing to change/, ['trust-rule', 'update', 'jobs'])

  const made = await done([
    'trust-rule',
    'add',
    'jobs',
    ...said,
    ...sub,
    '--read',
    '--write',
    '--team',
    'vision',
  ])
  assert.match(made, /jobs +active +trainer .* attempt=1.* read,write in vision/)
  assert.equal(await done(['trust-rule', 'list']), made)

  await bring({ sub: 'job:7', attempt: 2 })
  await fails(3, /The identity token is not taken: No trust rule takes this token/, ['whoami'], workload)
  const { code, stdout } = await shell.run(['trust-rule', 'test', 'identity'])
  assert.equal(code, 1)
  assert.match(stdout, /^taken by no rule\n {2}jobs: attempt: is 2, which does not equal 1\.\n/)

  await bring({ sub: 'job:7', attempt: 1 })
  assert.match(
    await done(['trust-rule', 'test', 'identity']),
    /^taken by jobs, for trainer\n {2}jobs: all holds\n/,
  )
  assert.match(await done(['whoami'], workload), /trainer/)
  writeFileSync(join(shell.folder, 'model.bin'), 'weights')
  await done(['cp', 'model.bin', 'sp://vision/model.bin'], workload)
  assert.equal(await done(['cp', 'sp://vision/model.bin', '-'], workload), 'weights')
  await fails(3, /scope/, ['rm', 'sp://vision/model.bin'], workload)

  await done(['trust-rule', 'update', 'jobs', '--all-scopes'])
  await done(['rm', 'sp://vision/model.bin'], workload)
  await done(['trust-rule', 'update', 'jobs', '--no-active'])
  await fails(3, /not taken/, ['whoami'], workload)
  assert.match(await done(['trust-rule', 'list']), /jobs +stopped/)
  await fails(2, /give --yes/, ['trust-rule', 'remove', 'jobs'])
  await done(['trust-rule', 'remove', '--yes', 'jobs'])
  await fails(4, /no such trust rule/, ['trust-rule', 'remove', '--yes', 'jobs'])
  await fails(2, /cannot be read/, ['whoami'], {
    env: { ...workload.env, SIGNPOST_IDENTITY_TOKEN_FILE: 'nowhere' },
  })
})
