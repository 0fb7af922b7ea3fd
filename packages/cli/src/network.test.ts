/** Networks by the command, against the real server: with its own store, which has no policies, and with Ceph. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { requireServer } from '../../../tests/servers/install.ts'
import { startRgw } from '../../../tests/servers/rgw.ts'
import { openShell } from './testing/run-command.ts'

async function openAdmin(t: TestContext) {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token'), 'utf8').trim()
  return openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
}

test('a list is set and shown; where the store holds none, plan says so and apply is refused', async (t) => {
  const { run } = await openAdmin(t)
  const update = [
    'connector',
    'update',
    'local',
    '--network',
    '127.0.0.0/8',
    '2001:db8::/32',
    '--read-max',
    '15m',
  ]
  const updated = await run(update)
  assert.equal(updated.code, 0, updated.stderr)
  assert.match(updated.stdout, /networks: 127\.0\.0\.0\/8 2001:db8::\/32\n {2}readSecondsMax: 900\n/)
  const team = await run(['team', 'update', 'demo', '--network', '127.0.0.1'])
  assert.match(team.stdout, /networks: 127\.0\.0\.1\n/)
  assert.match(updated.stderr, /`signpost network apply local` holds it at the bucket too/)
  assert.match(team.stderr, /`signpost network apply CONNECTOR` holds it at the bucket too/)
  const wrong = await run(['team', 'update', 'demo', '--network', '10.0.0.0/33'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /^signpost: --network: must be an address range \(CIDR\), such as 203/)

  const plan = await run(['network', 'plan', 'local'])
  assert.equal(plan.code, 0, plan.stderr)
  assert.match(plan.stdout, /^networks of the connector: 127\.0\.0\.0\/8 2001:db8::\/32\nnote: /)
  const applied = await run(['network', 'apply', '--yes', 'local'])
  assert.equal(applied.code, 1)
  assert.match(applied.stderr, /cannot be set from here.*unsupported_by_store/s)

  const listed = await run(['connector', 'policies', 'local'])
  assert.match(listed.stdout, /^DOCUMENT +FORMAT +WHAT\n/)
  const signer = await run(['connector', 'policies', 'local', '--document', 'iam-signer'])
  assert.equal((JSON.parse(signer.stdout) as { Version: string }).Version, '2012-10-17')
  assert.match(signer.stderr, /^signpost: /)
  const terraform = await run(['connector', 'policies', 'local', '--terraform'])
  assert.match(terraform.stdout, /^resource "aws_s3_bucket_cors_configuration" "signpost_local" \{\n/m)
  const none = await run(['connector', 'policies', 'local', '--document', 'nothing'])
  assert.equal(none.code, 2)
  assert.match(none.stderr, /this connector has .*iam-signer/)
  const shell = await run(['connector', 'policies', 'local', '--document', 'cors', '--format', 'shell'])
  assert.equal(shell.code, 2)
  assert.match(shell.stderr, /--document cors: comes as json, xml, terraform, not as shell\n/)
  const cleared = await run(['connector', 'update', 'local', '--no-network'])
  assert.match(cleared.stderr, /from anywhere again; what stands at the bucket is taken away by/)
  assert.equal((await run(['network', 'plan', 'nowhere'])).code, 4)
})

test(
  'apply shows the difference, asks, and sets it; verify tells what holds',
  requireServer('rgw'),
  async (t) => {
    const rgw = await startRgw()
    t.after(() => rgw.stop())
    const { endpoint, region, accessKeyId, secretAccessKey } = rgw
    const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
    await s3.send(new CreateBucketCommand({ Bucket: 'networks' }))
    s3.destroy()
    const { run } = await openAdmin(t)
    const create = ['connector', 'create', 'ceph', '--kind', 's3', '--bucket', 'networks', '--region', region]
    const where = ['--endpoint', endpoint, '--addressing', 'path', '--network', '127.0.0.0/8']
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    const created = await run([...create, ...where], { env })
    assert.equal(created.code, 0, created.stderr)

    const unasked = await run(['network', 'apply', 'ceph'])
    assert.equal(unasked.code, 2)
    assert.match(unasked.stdout, /^\+ .*"Sid": "SignpostNetwork"/m)
    assert.match(unasked.stderr, /give --yes to set the policy of the bucket of ceph/)
    const before = await run(['network', 'verify', 'ceph'])
    assert.equal(before.code, 1)
    assert.match(before.stdout, /^fail {2}network\.at_the_bucket {2}\S/m)

    const applied = await run(['network', 'apply', '--yes', 'ceph'])
    assert.equal(applied.code, 0, applied.stderr)
    assert.match(applied.stdout, /set at the bucket of ceph\n$/)
    const again = await run(['network', 'apply', '--json', 'ceph'])
    assert.equal(again.code, 0, 'what holds already needs no leave')
    assert.deepEqual((JSON.parse(again.stdout) as { difference: string[] }).difference, [])
    const after = await run(['network', 'verify', 'ceph'])
    assert.equal(after.code, 0, after.stdout)
    assert.match(
      after.stdout,
      /^pass {2}network\.url_read {6} A read URL was allowed from here \(HTTP 200\)/m,
    )
  },
)
