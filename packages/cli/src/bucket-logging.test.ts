/** A bucket's log by the command, against the real server with its own store: planned, read, and seen to arrive. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { startGcs } from '../../../tests/servers/gcs.ts'
import { logSourceLine } from './log-source-line.ts'
import { openShell } from './testing/run-command.ts'

async function openAdmin(t: TestContext) {
  const env = { ...(await freshEnvironment(t)), SIGNPOST_LOGS_INTERVAL_SECONDS: '1' }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const file = join((env as Record<string, string>)['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  const token = readFileSync(file, 'utf8').trim()
  const { run } = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  const done = async (args: string[], code = 0, input = '') => {
    const ran = await run(args, { input })
    assert.equal(ran.code, code, `signpost ${args.join(' ')}: ${ran.stdout}${ran.stderr}`)
    return ran
  }
  return { run, done }
}

test('signpost logs plan, apply and verify, with the line that makes the source', async (t) => {
  const { run, done } = await openAdmin(t)

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

test('where a log can be set: shown, asked about, set, and then nothing is left to set', async (t) => {
  const gcs = await startGcs({ buckets: ['data', 'logs'] })
  t.after(() => gcs.stop())
  const { done } = await openAdmin(t)
  const create = [
    'connector',
    'create',
    'it',
    '--kind',
    'gcs',
    '--bucket',
    'data',
    '--endpoint',
    gcs.endpoint,
  ]
  const key = ['--addressing', 'path', '--hmac-access-id', gcs.hmacKey.accessId, '--hmac-secret-file', '-']
  await done([...create, ...key], 0, gcs.hmacKey.secret)

  const plan = await done(['logs', 'plan', 'it'])
  assert.match(plan.stdout, /^the bucket writes no access log\n/)
  assert.match(plan.stdout, /note: Say where the log files shall go/)
  assert.match(plan.stdout, /^Stands below[^\n]*\n {2}FILL-IN-LOG-BUCKET: .*--to bucket\/prefix\)$/m)
  assert.match(plan.stdout, /^== Usage logs$[\s\S]*^costs: nothing but the storage/m)
  assert.doesNotMatch(plan.stdout, /^== Data Access/m)
  assert.match(plan.stdout, /^--log gcs-audit: Data Access audit logs, pushed by Pub\/Sub\..*Costs: Cloud/m)
  for (const format of [['--terraform'], ['--document', 'bucket-logging']]) {
    const nowhere = await done(['logs', 'plan', 'it', ...format], 2)
    assert.match(nowhere.stderr, /give --to: .*such as signpost logs plan it --to my-logs\/s3\//)
    assert.equal(nowhere.stdout, '')
  }
  const json = JSON.parse((await done(['--json', 'logs', 'plan', 'it'])).stdout) as {
    placeholders: { text: string; option: string | null }[]
  }
  assert.deepEqual(json.placeholders[0], {
    text: 'FILL-IN-LOG-BUCKET',
    means: 'the bucket (on Azure: the storage account) that takes the log files',
    option: 'target',
  })
  const unknown = await done(['logs', 'plan', 'it', '--log', 'gcs'], 2)
  assert.match(unknown.stderr, /is one of .*gcs-usage/)
  assert.match(
    (await done(['logs', 'plan', 'it', '--log', 'minio'], 2)).stderr,
    /log: this store has gcs-usage/,
  )
  const audit = await done(['logs', 'plan', 'it', '--to', 'logs/data', '--log', 'both'])
  assert.match(audit.stdout, /^== Usage logs$[\s\S]*^== Data Access audit logs, pushed by Pub\/Sub$/m)
  const to = ['--to', 'logs/data']
  const terraform = await done(['logs', 'plan', 'it', ...to, '--terraform'])
  assert.match(
    terraform.stdout,
    /^# logging \{\n# {3}log_bucket = "logs"\n# {3}log_object_prefix = "data"\n# \}$/m,
  )
  assert.doesNotMatch(terraform.stdout, /google_logging_project_sink/)
  assert.match(terraform.stderr, /^signpost: /)
  const document = await done([
    'logs',
    'plan',
    'it',
    ...to,
    '--log',
    'gcs-audit',
    '--document',
    'audit-configs',
    '--format',
    'json',
  ])
  assert.ok('auditConfigs' in (JSON.parse(document.stdout) as object))

  assert.match((await done(['logs', 'apply', 'it'], 1)).stderr, /Say where the log files shall go/)
  const unasked = await done(['logs', 'apply', 'it', ...to], 2)
  assert.match(unasked.stdout, /would be set: to logs\/data\n/)
  assert.match(unasked.stderr, /give --yes to set the access log of it/)
  const applied = await done(['logs', 'apply', 'it', ...to, '--yes'])
  assert.match(applied.stdout, /^the bucket of it logs to logs\/data$/m)
  assert.match(
    applied.stdout,
    /^have it read: signpost logs source add it-gcs-usage --connector it --bucket fill-in-\S+ --prefix data --layout gcs-usage --format gcs-usage$/m,
  )
  const again = await done(['--json', 'logs', 'apply', 'it'])
  const { isSet, state } = JSON.parse(again.stdout) as { isSet: boolean; state: string }
  assert.deepEqual([isSet, state], [true, 'on'])
  assert.match((await done(['logs', 'apply', 'it', '--to', 'absent', '--yes'], 1)).stderr, /not switched on/)
  const verified = await done(['logs', 'verify', 'it', '--wait', '1s'], 1)
  assert.match(verified.stdout, /^pass +logging\.switched_on +The bucket logs to logs\/data\.$/m)
  assert.match(
    verified.stdout,
    /^- +logging\.arrived +The access has not arrived\. Nothing reads its log\.$/m,
  )
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
