/** A bucket's log by the command, against the real server with its own store: planned, read, and seen to arrive. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { logSourceLine } from './log-source-line.ts'
import { openShell } from './testing/run-command.ts'

test('signpost logs plan, apply and verify, with the line that makes the source', async (t) => {
  const env = { ...(await freshEnvironment(t)), SIGNPOST_LOGS_INTERVAL_SECONDS: '1' }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const file = join((env as Record<string, string>)['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  const token = readFileSync(file, 'utf8').trim()
  const { run } = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  const done = async (args: string[], code = 0) => {
    const ran = await run(args)
    assert.equal(ran.code, code, `signpost ${args.join(' ')}: ${ran.stdout}${ran.stderr}`)
    return ran
  }

  // The first start may have made one.
  await run(['logs', 'source', 'remove', '--yes', 'local'])
  const { stdout: plan } = await done(['logs', 'plan', 'local'])
  assert.match(plan, /^this store always writes its access log\nno log source tells of it yet\n/)
  const line = /^signpost (logs source add .*)$/m.exec(plan)?.[1] ?? ''
  assert.equal(line, 'logs source add local-local-store --connector local --local-store --format local-store')
  const { stdout: applied } = await done(['logs', 'apply', 'local'])
  assert.match(applied, /nothing to set\n$/)
  const early = await done(['logs', 'verify', 'local'], 1)
  assert.match(early.stdout, /fail +logging\.source /)
  assert.match(early.stderr, /look again with: signpost logs verify local --grant [0-9a-f-]{36}\n/)

  await done(line.split(' '))
  const { stdout, stderr } = await done(['logs', 'verify', 'local', '--wait', '30s'])
  assert.match(
    stdout,
    /pass +logging\.arrived +The access arrived by local-local-store, and was put down to its grant\.\n/,
  )
  assert.match(stderr, /^waiting for the access to arrive/)
  const again = /--grant ([0-9a-f-]{36})/.exec(early.stderr)?.[1] ?? ''
  const later = await done(['--json', 'logs', 'verify', 'local', '--grant', again])
  const { access } = JSON.parse(later.stdout) as { access: { finding: string } }
  assert.equal(access.finding, 'matched')

  const absent = await done(['logs', 'verify', 'local', '--grant', '00000000-0000-4000-8000-000000000000'], 4)
  assert.match(absent.stderr, /no such access/)
  const itself = await done(['logs', 'plan', 'local', '--to', 'signpost/logs/'], 2)
  assert.match(itself.stderr, /is the bucket itself/)
  assert.match(
    (await done(['logs', 'plan', 'local', '--document', 'nothing'], 2)).stderr,
    /this connector has/,
  )
  await done(['logs', 'plan', 'nowhere'], 4)
})

test('what stands in a line for the shell is one word each', () => {
  const settings = {
    kind: 'bucket',
    reader: 'b',
    prefix: "it's $(x)/",
    layout: 'flat',
    lookBackDays: 3,
  } as const
  assert.equal(
    logSourceLine({ name: 'n', connector: null, format: 's3-server-access', settings }),
    `signpost logs source add n --bucket b --prefix 'it'\\''s $(x)/' --layout flat --format s3-server-access`,
  )
  const pubsub = { audience: 'https://x/y', serviceAccount: 'a@b.example' }
  assert.equal(
    logSourceLine({ name: 'n', connector: 'c', format: 'gcs-audit', settings: { kind: 'http', pubsub } }),
    'signpost logs source add n --connector c --http --pubsub-audience https://x/y --pubsub-account a@b.example --format gcs-audit',
  )
})
