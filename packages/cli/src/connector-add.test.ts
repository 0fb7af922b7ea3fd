/** `connector add` and `secrets rotate` against the real server, each as a process of its own. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

async function openServer(t: TestContext) {
  const env: Record<string, string> = { ...(await freshEnvironment(t)), SIGNPOST_SECRET_STORE: '' }
  const server = await startServer(t, env)
  const data = env['SIGNPOST_DATA_DIR'] ?? ''
  await untilPrinted(server, 'Ctrl-C')
  const read = (name: string) => readFileSync(join(data, name), 'utf8').trim()
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: read('admin-token') })
  const key = JSON.parse(read('local-store-credential')) as Record<'accessKeyId' | 'secretAccessKey', string>
  return { shell, key, place: `127.0.0.1:${env['SIGNPOST_LOCAL_STORE_PORT']}/signpost` }
}

test('a bucket is connected by its address: the secret from standard input, a file, the environment, or with a warning', async (t) => {
  const { shell, key, place } = await openServer(t)
  const { accessKeyId, secretAccessKey } = key
  const whole = `s3://${accessKeyId}:${secretAccessKey}@${place}?region=us-east-1&tls=false`
  const address = `s3://${place}?region=us-east-1&tls=false`
  const idOnly = `s3://${accessKeyId}@${place}?region=us-east-1&tls=false`
  writeFileSync(join(shell.folder, 'secret'), `${secretAccessKey}\n`)
  const credential = { type: 'static', ...key }

  const piped = await shell.run(['connector', 'add', 'piped', '-'], { input: `${whole}\n` })
  assert.deepEqual([piped.code, piped.stderr], [0, ''])
  assert.ok(piped.stdout.includes(`  address: ${address}\n`), piped.stdout)
  const file = await shell.run(['connector', 'add', 'by-file', idOnly, '--secret-access-key-file', 'secret'])
  assert.deepEqual([file.code, file.stderr], [0, ''])
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  assert.equal((await shell.run(['connector', 'add', 'by-env', address], { env })).code, 0)
  const json = ['connector', 'add', 'by-json', address, '--credential-file', '-']
  assert.equal((await shell.run(json, { input: JSON.stringify(credential) })).code, 0)

  const warned = await shell.run([
    'connector',
    'add',
    'warned',
    whole.replace('/signpost', '/signpost/vision'),
  ])
  assert.equal(warned.code, 0, warned.stderr)
  assert.match(warned.stderr, /the address held a secret: .*standard input/)
  assert.match(warned.stderr, /"vision\/" is a part of the bucket: .*--connector warned --prefix "vision\/"/)

  for (const { stdout, stderr } of [piped, file, warned])
    assert.ok(!(stdout + stderr).includes(secretAccessKey))
  const listed = (await shell.run(['connector', 'list', '--json'])).stdout.trim().split('\n')
  const found = listed.map((line) => JSON.parse(line) as { name: string; address: string })
  assert.deepEqual(
    found.filter(({ name }) => name !== 'local').map((one) => one.address),
    ['by-env', 'by-file', 'by-json', 'piped', 'warned'].map(() => address),
  )
  assert.ok(!listed.join('').includes(secretAccessKey))
  const team = ['team', 'create', 'vision', '--connector', 'warned', '--prefix', 'vision/']
  assert.equal((await shell.run(team)).code, 0)
})

test('an address that is wrong, lacks its secret or does not answer is refused, and not repeated', async (t) => {
  const { shell, key, place } = await openServer(t)
  const refused = async (address: string, ...more: string[]) => {
    const { code, stdout, stderr } = await shell.run(['connector', 'add', 'x', address, ...more])
    assert.equal(stdout, '')
    assert.doesNotMatch(stderr, /hidden|\n\s+at /)
    return [code, stderr] as const
  }
  for (const [address, rule] of [
    ['https://hidden.example.com', /must begin with s3:\/\//],
    ['s3://AK:hid/den@host/b?region=r', /percent-encode the credential/],
    ['s3://AK:hidden@host/b', /region: must be given/],
    ['s3://b?region=r', /needs --access-key-id/],
    ['s3://AK@host/b?region=r', /give --secret-access-key-file FILE/],
    ['az://mystore/data', /give --account-key-file FILE/],
  ] as const) {
    const [code, stderr] = await refused(address)
    assert.equal(code, 2, address)
    assert.match(stderr, rule)
  }
  const both = ['s3://AK:hidden@host/b?region=r', '--credential-file', 'absent'] as const
  assert.match((await refused(...both))[1], /holds a credential already/)
  const wrong = `s3://${key.accessKeyId}:hidden-and-wrong@${place}?region=us-east-1&tls=false`
  assert.match((await refused(wrong))[1], /bucket_refused/)
  const [code, stderr] = await refused(`s3://127.0.0.1:9/b?region=r&tls=false`, '--credential-file', 'absent')
  assert.equal(code, 4)
  assert.match(stderr, /absent: there is no such file/)
  // What the server cannot read is named as what it is.
  writeFileSync(
    join(shell.folder, 'credential.json'),
    JSON.stringify({ type: 'static', accessKeyId: 'AK', secretAccessKey: { env: 'SIGNPOST_SECRET_STORE' } }),
  )
  const unset = await refused(`s3://${place}?region=r&tls=false`, '--credential-file', 'credential.json')
  assert.match(unset[1], /the variable SIGNPOST_SECRET_STORE is not set or empty.*credential_unavailable/)
})

test('secrets rotate says how much was sealed anew', async (t) => {
  const { shell } = await openServer(t)
  const json = await shell.run(['secrets', 'rotate', '--json'])
  assert.deepEqual(JSON.parse(json.stdout), { sealed: 0, already: 2 })
  assert.match((await shell.run(['secrets', 'rotate'])).stdout, /^sealed anew: 0; .*already: 2/)
})
