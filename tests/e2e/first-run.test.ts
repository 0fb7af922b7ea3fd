import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeCertificate } from '../servers/certificate.ts'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { builtFile, freshEnvironment, startServer, untilFree, untilPrinted } from './server-process.ts'

const lastLine = 'Ctrl-C'
const secretFiles = ['master-key', 'admin-token', 'demo-token', 'local-store-credential']

/** A start that must fail: exit code and what it says. */
async function failingStart(t: TestContext, env: Record<string, string>) {
  const server = await startServer(t, env, { ready: false })
  const code = await server.ended
  assert.doesNotMatch(server.errors(), /\n\s+at /, 'no stack')
  return { code, said: server.errors() }
}

test('the first start walks the main job, later ones overwrite nothing', async (t) => {
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  const first = await startServer(t, env)
  await untilPrinted(first, lastLine)
  const printed = first.output()
  const words = ['asked', 'decided', 'signed', 'uploaded', 'downloaded', 'compared', 'recorded', 'found']
  for (const word of words) assert.match(printed, new RegExp(`^  ${word} +\\S`, 'm'))
  assert.match(printed, /byte for byte the same/)
  assert.match(
    printed,
    /REST\.PUT\.OBJECT demo\/first-start\/README\.md 200\n.*\n +\?X-User=demo-user&X-Grant=/,
  )
  assert.doesNotMatch(printed, /X-Amz-Signature=/, 'no live signature')
  const long = printed.split('\n').filter((line) => line.length > 120 && !line.includes(folder))
  assert.deepEqual(long, [], 'every line fits a terminal of 120 columns')
  assert.equal(first.errors(), '', 'no log line stands between')

  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const before = new Map<string, string>()
  for (const name of secretFiles) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
    before.set(name, readFileSync(join(folder, name), 'utf8'))
  }
  const admin = before.get('admin-token')!.trim()
  assert.equal(
    printed.includes(admin),
    false,
    'what is no terminal may be kept: the key is not printed there',
  )
  assert.match(printed, /^Admin's key +in .*admin-token/m)
  assert.equal(printed.includes(before.get('demo-token')!.trim()), false)
  const me = await fetch(`${first.url}/v1/me`, { headers: { authorization: `Bearer ${admin}` } })
  assert.equal(((await me.json()) as { username: string }).username, 'admin')

  first.kill('SIGINT')
  assert.equal(await first.ended, 0)

  for (let i = 0; i < 2; i++) {
    const again = await startServer(t, env)
    await untilPrinted(again, lastLine)
    assert.equal(again.output().includes(admin), false)
    for (const [name, text] of before) assert.equal(readFileSync(join(folder, name), 'utf8'), text, name)
    const token = before.get('demo-token')!.trim()
    const page = await fetch(`${again.url}/v1/teams/demo/objects`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { items } = (await page.json()) as { items: { key: string }[] }
    assert.deepEqual(
      items.map(({ key }) => key),
      ['first-start/README.md'],
    )
    again.kill('SIGTERM')
    assert.equal(await again.ended, 0)
  }
})

test('a bad configuration is refused with all its problems, and nothing is made', async (t) => {
  const env = await freshEnvironment(t)
  const { code, said } = await failingStart(t, {
    ...env,
    SIGNPOST_PORT: 'SECRETVALUE',
    SIGNPOST_MASTER_KEY: 'SECRETVALUE',
    SIGNPOST_ADMIN_TOKN: 'SECRETVALUE',
  })
  assert.equal(code, 2)
  assert.match(said, /SIGNPOST_PORT: must be a whole number/)
  assert.match(said, /SIGNPOST_MASTER_KEY: must be the base64 of exactly 32 bytes/)
  assert.match(said, /SIGNPOST_ADMIN_TOKN: .*did you mean SIGNPOST_ADMIN_TOKEN\?/)
  assert.equal(said.includes('SECRETVALUE'), false)
  assert.throws(() => statSync(env['SIGNPOST_DATA_DIR']!))
})

test('what stands in the way of a start is named', async (t) => {
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  await t.test('a port in use, by its variable', async (t) => {
    for (const name of ['SIGNPOST_PORT', 'SIGNPOST_LOCAL_STORE_PORT']) {
      const taken = createServer().listen(Number(env[name]), '127.0.0.1')
      await once(taken, 'listening')
      const { code, said } = await failingStart(t, env)
      await once(taken.close(), 'close')
      assert.equal(code, 1)
      assert.match(said, new RegExp(`${name}: port ${env[name]} of 127\\.0\\.0\\.1 is in use`))
    }
  })
  await t.test('a data folder that is a file', async (t) => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const { code, said } = await failingStart(t, { ...env, SIGNPOST_DATA_DIR: file })
    assert.equal(code, 1)
    assert.match(said, /SIGNPOST_DATA_DIR: the folder .* cannot be made or written/)
  })
  await t.test(
    'a data folder of another user',
    { skip: process.getuid?.() === 0 ? 'root may write everywhere' : false },
    async (t) => {
      const locked = join(folder, 'locked')
      mkdirSync(locked)
      chmodSync(locked, 0o500)
      const { said } = await failingStart(t, { ...env, SIGNPOST_DATA_DIR: locked })
      assert.match(said, /SIGNPOST_DATA_DIR: the folder .* cannot be made or written/)
    },
  )
})

test('a second server on the same data folder, and a master key that is gone, damaged or another one, are refused', async (t) => {
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  const keyFile = join(folder, 'master-key')
  const running = await startServer(t, env)
  await untilPrinted(running, lastLine)
  const second = await failingStart(t, env)
  assert.equal(second.code, 1)
  assert.match(second.said, /Another Signpost process uses the database/)
  running.kill('SIGINT')
  assert.equal(await running.ended, 0)

  const key = readFileSync(keyFile, 'utf8')
  writeFileSync(keyFile, key.slice(0, 20))
  assert.match((await failingStart(t, env)).said, /master key in .* is damaged/)
  writeFileSync(keyFile, Buffer.alloc(32, 1).toString('base64'))
  assert.match((await failingStart(t, env)).said, /master key is not the one/)
  rmSync(keyFile)
  assert.match((await failingStart(t, env)).said, /master key is missing/)
  assert.throws(() => statSync(keyFile), 'no new key was made')
  await startServer(t, { ...env, SIGNPOST_MASTER_KEY: key.trim() })
})

test("an operator's own admin key is used, and neither written nor shown", async (t) => {
  const env = await freshEnvironment(t)
  const token = `sp_abcdefgh2345_${'k'.repeat(43)}`
  const server = await startServer(t, { ...env, SIGNPOST_ADMIN_TOKEN: token })
  await untilPrinted(server, lastLine)
  assert.equal(server.output().includes(token), false)
  assert.throws(() => statSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token')))
  const me = await fetch(`${server.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(me.status, 200)
})

test(
  "on a terminal the first start shows the admin's key, once",
  { skip: existsSync('/usr/bin/script') ? false : 'script(1) makes the terminal, and is not here' },
  async (t) => {
    const env = await freshEnvironment(t)
    const command = ['-qefc', `exec '${process.execPath}' ${builtFile}`, '/dev/null']
    for (const shown of [true, false]) {
      const server = await startServer(t, env, { program: '/usr/bin/script', command })
      await untilPrinted(server, lastLine)
      const admin = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
      assert.equal(server.output().includes(admin), shown)
      server.kill('SIGTERM')
      await server.ended
      await untilFree(server.url)
    }
  },
)

test('where the database is gone and the files of keys are kept, the first start takes those keys', async (t) => {
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  const first = await startServer(t, env)
  await untilPrinted(first, lastLine)
  first.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  const kept = secretFiles.map((name) => readFileSync(join(folder, name), 'utf8'))
  const removeDatabase = () => {
    for (const name of readdirSync(folder)) if (name.startsWith('signpost.sqlite')) rmSync(join(folder, name))
  }
  removeDatabase()
  const second = await startServer(t, env)
  await untilPrinted(second, lastLine)
  assert.match(second.output(), /the database is new; the keys are those that the data folder held already/)
  assert.match(second.output(), /byte for byte the same/)
  assert.deepEqual(
    secretFiles.map((name) => readFileSync(join(folder, name), 'utf8')),
    kept,
  )
  for (const [file, username] of [
    ['admin-token', 'admin'],
    ['demo-token', 'demo-user'],
  ] as const) {
    const authorization = `Bearer ${readFileSync(join(folder, file), 'utf8').trim()}`
    const me = await fetch(`${second.url}/v1/me`, { headers: { authorization } })
    assert.equal(((await me.json()) as { username?: string }).username, username)
  }
  second.kill('SIGTERM')
  assert.equal(await second.ended, 0)

  removeDatabase()
  writeFileSync(join(folder, 'demo-token'), 'damaged')
  for (let i = 0; i < 2; i++) {
    const { code, said } = await failingStart(t, env)
    assert.equal(code, 1)
    assert.match(said, /demo-token does not hold an API key\. Remove the file/)
  }
})

test(
  'of two replicas that start at once on an empty PostgreSQL, one makes the admin and the team',
  requireServer('postgres'),
  async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const token = `sp_abcdefgh2345_${'k'.repeat(43)}`
    const environments = await Promise.all([freshEnvironment(t), freshEnvironment(t)])
    const servers = await Promise.all(
      environments.map((env) =>
        startServer(t, {
          ...env,
          SIGNPOST_DATABASE_URL: postgres.url,
          SIGNPOST_MASTER_KEY: Buffer.alloc(32, 5).toString('base64'),
          SIGNPOST_ADMIN_TOKEN: token,
        }),
      ),
    )
    await Promise.all(servers.map((server) => untilPrinted(server, lastLine)))
    assert.equal(servers.filter((server) => server.output().includes('byte for byte the same')).length, 1)
    for (const { url } of servers) {
      for (const [path, names] of [
        ['/v1/users', ['admin', 'demo-user']],
        ['/v1/teams', ['demo']],
        ['/v1/connectors', ['local']],
      ] as const) {
        const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
        const { items } = (await answer.json()) as { items: { username?: string; name?: string }[] }
        assert.deepEqual(
          items.map(({ username, name }) => username ?? name),
          names,
        )
      }
    }
    for (const server of servers) server.kill('SIGTERM')
    assert.deepEqual(await Promise.all(servers.map(({ ended }) => ended)), [0, 0])
  },
)

test('over TLS the first start walks too, and a new certificate is taken without a restart', async (t) => {
  const env = await freshEnvironment(t)
  const folder = join(env['SIGNPOST_DATA_DIR']!, '..')
  const made = await makeCertificate(folder)
  const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = tlsConnect({ port: Number(env['SIGNPOST_PORT']), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256)
        socket.destroy()
      })
      socket.on('error', reject)
    })
  const files = { SIGNPOST_TLS_CERT_FILE: made.certificateFile, SIGNPOST_TLS_KEY_FILE: made.privateKeyFile }
  const server = await startServer(t, { ...env, ...files }, { ready: false })
  await untilPrinted(server, lastLine)
  assert.match(server.output(), /byte for byte the same[\s\S]*Serving +https:/)
  assert.equal(await shown(), fingerprint(made.certificatePem))
  const next = fingerprint((await makeCertificate(folder)).certificatePem)
  server.kill('SIGHUP')
  for (let i = 0; i < 3000 && (await shown()) !== next; i++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await shown(), next)
  server.kill('SIGTERM')
  assert.equal(await server.ended, 0)
})
