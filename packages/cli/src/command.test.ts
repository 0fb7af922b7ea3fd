/** The command against the real server and its embedded store, each as a process of its own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell, type Shell } from './testing/run-command.ts'

async function openServer(t: TestContext) {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const data = env['SIGNPOST_DATA_DIR'] ?? ''
  await untilPrinted(server, 'Ctrl-C')
  const tokenIn = (name: string) => readFileSync(join(data, name), 'utf8').trim()
  const [demoToken, adminToken] = [tokenIn('demo-token'), tokenIn('admin-token')]
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: demoToken })
  return { server, shell, data, demoToken, admin: { env: { SIGNPOST_TOKEN: adminToken } } }
}

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Runs a command that must succeed. */
async function done(shell: Shell, args: string[], options?: Parameters<Shell['run']>[1]): Promise<string> {
  const { code, stdout, stderr } = await shell.run(args, options)
  assert.equal(code, 0, `signpost ${args.join(' ')}: ${stderr}`)
  return stdout
}

test('files, folders and streams come back as they went', async (t) => {
  const { shell } = await openServer(t)
  const { folder } = shell
  const bytes = randomBytes(300_000)
  mkdirSync(join(folder, 'tree/deep'), { recursive: true })
  const names = ['a.bin', 'deep/Größe 50%+?#&.txt', 'deep/empty']
  writeFileSync(join(folder, 'tree', 'a.bin'), bytes)
  writeFileSync(join(folder, 'tree', names[1]!), 'awkward')
  writeFileSync(join(folder, 'tree', names[2]!), '')
  symlinkSync('a.bin', join(folder, 'tree/link'))

  const up = await shell.run(['cp', '-r', 'tree', 'sp://demo/t', '--json'])
  assert.equal(up.code, 0, up.stderr)
  const lines = jsonLines(up.stdout)
  const sent = lines.filter((line) => line['status'] === 'done').map((line) => line['to'])
  assert.deepEqual(new Set(sent), new Set(names.map((name) => `sp://demo/t/${name}`)))
  assert.deepEqual(
    lines.filter((line) => line['status'] === 'skipped').map((line) => line['from']),
    ['tree/link'],
  )
  const summary = lines.at(-1)
  assert.deepEqual(
    [summary?.['type'], summary?.['done'], summary?.['skipped'], summary?.['failed']],
    ['summary', 3, 1, 0],
  )

  await done(shell, ['cp', '-r', 'sp://demo/t', 'back'])
  for (const name of names)
    assert.deepEqual(readFileSync(join(folder, 'back', name)), readFileSync(join(folder, 'tree', name)))

  await done(shell, ['cp', '-', 'sp://demo/stream'], { input: bytes })
  await done(shell, ['cp', 'sp://demo/stream', 'stream.bin'])
  assert.deepEqual(readFileSync(join(folder, 'stream.bin')), bytes)
  await done(shell, ['cp', '-', 'sp://demo/words'], { input: 'words' })
  assert.equal(await done(shell, ['cp', 'sp://demo/words', '-']), 'words')

  await done(shell, ['cp', 'stream.bin', 'tree/a.bin', 'sp://demo/two/'])
  assert.equal(await done(shell, ['ls', 'sp://demo/two/']), 'a.bin\nstream.bin\n')
  assert.match(await done(shell, ['ls', '-l', 'sp://demo/two/']), /^ +293 KiB {2}20\S+Z {2}a\.bin\n/)
  assert.deepEqual(jsonLines(await done(shell, ['ls', '--json', 'sp://demo/tw'])), [{ prefix: 'two/' }])

  assert.equal((await shell.run(['rm', '-r', 'sp://demo/two'])).code, 2)
  await done(shell, ['rm', '-r', '--yes', 'sp://demo/two'])
  assert.equal((await shell.run(['ls', 'sp://demo/two/'])).code, 4)
})

test('what is there already is skipped or refused, as asked', async (t) => {
  const { shell } = await openServer(t)
  writeFileSync(join(shell.folder, 'a'), 'one')
  await done(shell, ['cp', 'a', 'sp://demo/a'])
  writeFileSync(join(shell.folder, 'a'), 'two')
  const refused = await shell.run(['cp', '--create-only', 'a', 'sp://demo/a'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /already_exists/)
  assert.match(
    (await shell.run(['cp', '-n', 'a', 'sp://demo/a'])).stderr,
    /skipped a -> sp:\/\/demo\/a: it is there already/,
  )
  const streamed = await shell.run(['cp', '-n', '-', 'sp://demo/a', '--json'], { input: 'three' })
  assert.equal(streamed.code, 0)
  assert.equal(jsonLines(streamed.stdout)[0]?.['status'], 'skipped')
  await done(shell, ['cp', '-n', 'sp://demo/a', 'a'])
  assert.equal(readFileSync(join(shell.folder, 'a'), 'utf8'), 'two')
  await done(shell, ['cp', 'sp://demo/a', 'a'])
  assert.equal(readFileSync(join(shell.folder, 'a'), 'utf8'), 'one')
})

test('one file that fails does not keep the others back, and the exit code tells', async (t) => {
  const { shell } = await openServer(t)
  writeFileSync(join(shell.folder, 'good'), 'x')
  writeFileSync(join(shell.folder, 'bad\\name'), 'x')
  const { code, stdout, stderr } = await shell.run(['cp', 'missing', 'bad\\name', 'good', 'sp://demo/f/'])
  assert.equal(code, 1)
  assert.match(stdout, /^good -> sp:\/\/demo\/f\/good {2}1 B\n$/)
  assert.match(stderr, /\n1 file, 1 B in \S+ s, \S+ B\/s; 2 failed\n$/)
  assert.match(stderr, /missing: there is no such file or folder \(ENOENT\)/)
  assert.match(stderr, /must not hold a backslash.* \(invalid_key/)
  assert.equal((await shell.run(['cp', 'good', 'sp://demo/../x'])).code, 2)
})

/** A large upload of a name, part by part. */
function largeUpload({ shell, data }: { shell: Shell; data: string }, name: string) {
  const sent = new RegExp(` REST\\.PUT\\.PART demo/${name} `, 'g')
  const log = join(data, 'local-store/access.log')
  const partsSent = () => readFileSync(log, 'utf8').match(sent)?.length ?? 0
  const command = ['cp', 'big', `sp://demo/${name}`, '--parts', '1', '--part-size', '5M']
  return {
    command,
    partsSent,
    /** Starts it, and sends it the signal when it has sent so many parts more. 0: it was through before. */
    async stopped(signal: NodeJS.Signals, parts: number) {
      const before = partsSent()
      const running = shell.start(command)
      while (running.exitCode === null && partsSent() < before + parts) await wait(5)
      running.kill(signal)
      return running.ended
    },
  }
}

/** On a machine that stands still for long, it is through before the signal: then with another name. */
const names = ['big-1', 'big-2', 'big-3', 'big-4', 'big-5']

test('an upload goes on after kill -9: nothing that has arrived is sent again', async (t) => {
  const opened = await openServer(t)
  const { shell, admin } = opened
  const bytes = Buffer.alloc(160 * 1024 * 1024, randomBytes(1021))
  writeFileSync(join(shell.folder, 'big'), bytes)
  for (const name of names) {
    const { command, partsSent, stopped } = largeUpload(opened, name)
    const { code } = await stopped('SIGKILL', 3)
    if (code === 0 && name !== names.at(-1)) continue
    assert.equal(code, 'SIGKILL')

    const line = /^big -> sp:\/\/demo\/big-\d {2}160 MiB \([\d.]+ MiB were there already\)\n$/
    assert.match(await done(shell, command), line)
    assert.deepEqual(readdirSync(join(shell.folder, '.state/signpost/uploads')), [])
    // 32 parts; the one that was under way when the command was killed may have been sent twice.
    assert.ok(partsSent() <= 33, `${partsSent()} parts were sent`)
    await done(shell, ['cp', `sp://demo/${name}`, 'back'])
    assert.ok(readFileSync(join(shell.folder, 'back')).equals(bytes))
    for (const type of ['upload.open', 'upload.complete']) {
      const events = jsonLines(await done(shell, ['audit', 'list', '--type', type, '--json'], admin))
      const its = events.filter((event) => JSON.stringify(event).includes(`demo/${name}"`))
      assert.equal(its.length, 1, type)
    }
    return
  }
})

test('Ctrl-C stops, says how to go on, and leaves with 130', async (t) => {
  const opened = await openServer(t)
  const { shell } = opened
  writeFileSync(join(shell.folder, 'big'), Buffer.alloc(160 * 1024 * 1024))
  for (const name of names) {
    const { command, stopped } = largeUpload(opened, name)
    // The second time, it is an upload that is being gone on with.
    const both = [await stopped('SIGINT', 1), await stopped('SIGINT', 3)]
    if (both.some(({ code }) => code === 0) && name !== names.at(-1)) continue
    for (const { code, stderr } of both) {
      assert.equal(code, 130, stderr)
      const lines = stderr.trimEnd().split('\n')
      if (lines.length > 1) assert.match(lines.shift() ?? '', /^signpost: big: going on at [\d.]+ MiB$/)
      assert.match(
        lines.join('\n'),
        /^signpost: interrupted; [\d.]+ MiB of 160 MiB are up; the same command goes on$/,
      )
    }
    await done(shell, command)
    return
  }
})

test('a signed URL works with plain curl, also by the line that --curl prints', async (t) => {
  const { shell } = await openServer(t)
  const { folder } = shell
  writeFileSync(join(folder, 'FILE'), 'hello')
  const curl = async (...args: string[]) =>
    execFileSync('sh', ['-c', await done(shell, ['sign', '--curl', ...args])], {
      cwd: folder,
      encoding: 'utf8',
    })
  await curl('--action', 'write', '--content-type', "text/x-it's", 'sp://demo/it is.txt')
  assert.equal(await curl('sp://demo/it is.txt', '--expires', '5m'), 'hello')
  assert.match(await curl('--method', 'HEAD', 'sp://demo/it is.txt'), /content-type: text\/x-it's/i)
  const url = (await done(shell, ['sign', 'sp://demo/it is.txt'])).trimEnd()
  assert.equal(execFileSync('curl', ['-fsS', url], { encoding: 'utf8' }), 'hello')
  const long = await shell.run(['sign', '--expires', '30d', 'sp://demo/x'])
  assert.match(long.stdout, /^http\S+\n$/)
  assert.match(long.stderr, /^signpost: shortened to \d+ \w+ by policy\n$/)
  const [contract] = jsonLines(await done(shell, ['sign', '--json', '-a', 'write', 'sp://demo/x']))
  for (const field of ['grantId', 'method', 'url', 'headers', 'successStatuses', 'expiresAt', 'limitedBy'])
    assert.ok(contract && field in contract, field)
  assert.equal((await shell.run(['sign', '--exact', '--expires', '30d', 'sp://demo/x'])).code, 1)
})

test("a store's SignatureDoesNotMatch is explained, and no secret is shown", async (t) => {
  const { shell } = await openServer(t)
  const sign = ['sign', '--action', 'write', '--content-type', 'text/plain', 'sp://demo/x']
  const url = (await done(shell, sign)).trimEnd()
  const answer = await fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/html' } })
  const body = await answer.text()
  assert.match(body, /SignatureDoesNotMatch/)
  const args = ['explain', url, '-X', 'PUT', '-H', 'Content-Type: text/plain', '--response', '-']
  const text = await done(shell, args, { input: body })
  assert.match(text, /^The store saw content-type: text\/html, the URL was signed for text\/plain\.\n/)
  assert.match(text, / {2}the URL {2}content-type:text\/plain\n {2}store {4}content-type:text\/html\n/)
  const { searchParams } = new URL(url)
  const keyId = searchParams.get('X-Amz-Credential')?.split('/')[0] ?? ''
  for (const secret of [searchParams.get('X-Amz-Signature') ?? '', keyId]) assert.ok(!text.includes(secret))
  const [json] = jsonLines(await done(shell, [...args, '--json'], { input: body }))
  assert.equal((json?.['findings'] as string[] | undefined)?.length, 1)
})

test('people, teams, keys and connectors are made and taken away', async (t) => {
  const { shell, admin } = await openServer(t)
  const asAdmin = (...args: string[]) => done(shell, args, admin)
  writeFileSync(join(shell.folder, 'secret'), 'not-the-secret\n')
  const [local] = jsonLines(await asAdmin('connector', 'show', 'local', '--json'))
  assert.ok(local)
  const { endpoint } = local['settings'] as { endpoint: string }
  const create = [
    'connector',
    'create',
    'own',
    '--kind',
    's3',
    '--bucket',
    'b',
    '--region',
    'r',
    '--endpoint',
    endpoint,
  ]
  const withKey = [
    ...create,
    '--addressing',
    'path',
    '--access-key-id',
    'AKIA',
    '--secret-access-key-file',
    './secret',
  ]
  const azure = ['connector', 'create', 'az', '--kind', 'azure', '--bucket', 'b', '--account', 'acct']
  const notBase64 = await shell.run([...azure, '--account-key-file', './secret'], admin)
  assert.equal(notBase64.code, 2)
  assert.match(notBase64.stderr, /^signpost: --account-key-file \(or AZURE_STORAGE_KEY\): /)
  const refused = await shell.run(withKey, admin)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /bucket_refused/)
  await asAdmin(...withKey, '--no-check')
  const examined = await shell.run(['doctor', 'own', '--origin', 'https://app.example'], admin)
  assert.equal(examined.code, 1)
  assert.match(examined.stdout, /^fail  bucket\.exists .*InvalidBucketName\.\n +Fix: make it/m)
  assert.equal(examined.stdout.includes('\u001b'), false)
  assert.match(await asAdmin('team', 'create', 'vision', '--connector', 'own'), /^vision +own +vision\/$/m)
  await asAdmin('user', 'create', 'alice')
  await asAdmin('team', 'member', 'set', 'vision', 'alice', 'member')
  const made = await shell.run(['user', 'key', 'alice', '--name', 'laptop'], admin)
  assert.match(made.stderr, /The key went to standard output; it is shown this once\.\n$/)
  const key = made.stdout.trimEnd()
  const intoFile = ['user', 'key', 'alice', '--name', 'desk', '--output', 'alice.key']
  assert.doesNotMatch(await asAdmin(...intoFile), /sp_/)
  assert.equal(statSync(join(shell.folder, 'alice.key')).mode & 0o777, 0o600)
  assert.match(
    await done(shell, ['--token-file', 'alice.key', 'whoami'], { env: { SIGNPOST_TOKEN: '' } }),
    /^alice /,
  )
  const again = await shell.run(intoFile, admin)
  assert.equal(again.code, 2)
  assert.match(again.stderr, /alice\.key is there already/)
  assert.equal((await asAdmin('key', 'list', '--user', 'alice', '--json')).trimEnd().split('\n').length, 2)
  const asAlice = { env: { SIGNPOST_TOKEN: key } }
  assert.match(
    await done(shell, ['whoami'], asAlice),
    /^alice \(user, organisation member\)\n[^]*team {4}vision \(member\)\n$/,
  )
  assert.equal((await shell.run(['user', 'list'], asAlice)).code, 3)
  await asAdmin('user', 'update', 'alice', '--no-active')
  assert.equal((await shell.run(['whoami'], asAlice)).code, 3)
  await asAdmin('service-account', 'create', 'ci', '--team', 'vision', '--role', 'viewer')
  const [robot] = jsonLines(
    await asAdmin('service-account', 'key', 'ci', '--name', 'n', '--expires', '1h', '--json'),
  )
  assert.equal(typeof robot?.['token'], 'string')
  await asAdmin('key', 'delete', String(robot?.['id']))
  await asAdmin('service-account', 'delete', '--yes', 'ci')
  await asAdmin('team', 'update', 'vision', '--no-connector')
  await asAdmin('connector', 'delete', '--yes', 'own')
  await asAdmin('team', 'delete', '--yes', 'vision')
  await asAdmin('user', 'delete', '--yes', 'alice')
  assert.equal((await shell.run(['user', 'show', 'alice'], admin)).code, 4)
})

test('the audit trail is listed, exported, and verified on the server and off it', async (t) => {
  const { shell, admin } = await openServer(t)
  await shell.run(['sign', 'sp://demo/x'])
  const list = await done(shell, ['audit', 'list', '--limit', '3'], admin)
  assert.equal(list.trimEnd().split('\n').length, 4)
  assert.match(list, /url\.issue +allow/)
  const none = await shell.run(['audit', 'list', '--user', 'nobody'], admin)
  assert.deepEqual([none.code, none.stdout, none.stderr], [0, '', 'no events\n'])
  assert.match(
    await done(shell, ['audit', 'verify'], admin),
    /^ok: \d+ events in 1 chain, signed up to checkpoint 1 of \S+; \d+ after it\n$/,
  )
  await done(shell, ['audit', 'export', '-o', 'all.ndjson'], admin)
  const file = join(shell.folder, 'all.ndjson')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(await done(shell, ['audit', 'verify', '--export', 'all.ndjson']), /^ok: /)
  writeFileSync(file, readFileSync(file, 'utf8').replace('"decision":"allow"', '"decision":"deny"'))
  const changed = await shell.run(['audit', 'verify', '--export', 'all.ndjson'])
  assert.equal(changed.code, 1)
  assert.match(changed.stdout, /^not ok: event 1 of chain .*: changed/)
  assert.match(await done(shell, ['audit', 'who-is', 'demo-user'], admin), /^demo-user /)
})

test('login keeps a key that works, from standard input too, and logout forgets it', async (t) => {
  const { shell, server, demoToken } = await openServer(t)
  const env = { SIGNPOST_URL: '', SIGNPOST_TOKEN: '' }
  const refused = await shell.run(['login', server.url], { env, input: 'sp_wrong' })
  assert.equal(refused.code, 3)
  assert.match(
    refused.stderr,
    /^signpost: the server at \S+ does not know this API key: run `signpost login` \(unauthenticated, request \S+\)\n$/,
  )
  assert.doesNotMatch(refused.stderr, /sp_wrong/)
  const fromEnv = await shell.run(['whoami'], { env: { SIGNPOST_TOKEN: 'sp_wrong' } })
  assert.equal(fromEnv.code, 3)
  assert.match(
    fromEnv.stderr,
    /\(from SIGNPOST_TOKEN\): set another one, or unset SIGNPOST_TOKEN and run `signpost login`/,
  )
  assert.match(await done(shell, ['login', server.url], { env, input: `${demoToken}\n` }), /as demo-user/)
  const file = join(shell.folder, '.config/signpost/config.json')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(await done(shell, ['whoami'], { env }), /^demo-user/)
  await done(shell, ['logout'], { env })
  assert.equal(existsSync(file), false)
  assert.equal((await shell.run(['whoami'], { env })).code, 2)
})
