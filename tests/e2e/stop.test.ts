/** How a server ends: by whom it is asked, and what it is in the middle of. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { builtFile, freshEnvironment, startServer, untilFree, untilPrinted } from './server-process.ts'

const lastLine = 'Ctrl-C'

test('a stop lets a running request finish; a second signal does not wait', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, { ...env, SIGNPOST_LOCAL_STORE: 'off' })
  await untilPrinted(server, lastLine)
  const token = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
  const begin = () =>
    request(`${server.url}/v1/teams`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': 18,
        // The server says that it has the head of the request.
        expect: '100-continue',
      },
    })
  const running = begin()
  const answered = once(running, 'response')
  running.flushHeaders()
  await once(running, 'continue')
  running.write('{"name":')
  server.kill('SIGTERM')
  await untilFree(server.url)
  running.end('"drained"}')
  const [response] = (await answered) as [import('node:http').IncomingMessage]
  assert.equal(response.statusCode, 201)
  response.resume()
  assert.equal(await server.ended, 0)

  const stuck = await startServer(t, { ...env, SIGNPOST_LOCAL_STORE: 'off' })
  const never = begin()
  never.on('error', () => undefined)
  never.flushHeaders()
  await once(never, 'continue')
  never.write('{"name":')
  stuck.kill('SIGINT')
  await untilFree(stuck.url)
  await new Promise((resolve) => setTimeout(resolve, 900))
  stuck.kill('SIGINT')
  assert.equal(await stuck.ended, 130)
})

test('connections on which nothing was asked hold no stop up', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, lastLine)
  const opened = async (text = '') => {
    const socket = connect(Number(env['SIGNPOST_PORT']), '127.0.0.1')
    await once(socket, 'connect')
    if (text !== '') await new Promise((resolve) => socket.write(text, resolve))
    return socket
  }
  const asking = await opened('GET /healthz HTTP/1.1\r\n')
  const silent = await opened()
  await fetch(`${server.url}/healthz`)
  server.kill('SIGTERM')
  await once(silent.resume(), 'close')
  assert.equal(asking.closed, false, 'what is being asked may finish')
  asking.end('host: signpost\r\nconnection: close\r\n\r\n')
  await once(asking.resume(), 'close')
  assert.equal(await server.ended, 0)
})

test('work beside requests holds a stop up no longer than a request may', async (t) => {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_DRAIN_SECONDS: '1',
    SIGNPOST_SINKS_INTERVAL_SECONDS: '1',
  }
  const silent = createServer().listen(0, '127.0.0.1')
  t.after(() => silent.close())
  await once(silent, 'listening')
  const server = await startServer(t, { ...env, SIGNPOST_LOCAL_STORE: 'off' })
  await untilPrinted(server, lastLine)
  const token = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
  const asked = once(silent, 'connection') as Promise<[Socket]>
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/in`
  const settings = { kind: 'webhook', url, allowInternal: true }
  const made = await fetch(`${server.url}/v1/audit-sinks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'silent', settings }),
  })
  assert.equal(made.status, 201)
  const [socket] = await asked
  t.after(() => socket.destroy())
  server.kill('SIGTERM')
  assert.equal(await server.ended, 0)
  assert.match(server.errors(), /"warn".*"send audit events".*did not end in time/)
})

test('a stop while it starts is no failure, and a hangup is none', async (t) => {
  const env = await freshEnvironment(t)
  const database = createServer().listen(0, '127.0.0.1')
  t.after(() => database.close())
  await once(database, 'listening')
  const { port } = database.address() as AddressInfo
  const asked = once(database, 'connection')
  const server = await startServer(
    t,
    { ...env, SIGNPOST_DATABASE_URL: `postgres://nobody:none@127.0.0.1:${port}/none` },
    { ready: false },
  )
  await asked
  server.kill('SIGHUP')
  await new Promise((resolve) => setTimeout(resolve, 100))
  server.kill('SIGTERM')
  assert.equal(await server.ended, 0, server.errors())
  assert.doesNotMatch(server.errors(), /"(fatal|error)"/)
})

/** Of a first start that was cut short: goes on with it, and leaves a server as a whole one does. */
async function requireGoesOn(t: TestContext, env: Record<string, string>): Promise<void> {
  const folder = env['SIGNPOST_DATA_DIR']!
  const next = await startServer(t, env)
  await untilPrinted(next, lastLine)
  assert.match(next.output(), /^Signpost \S+: the first start was cut short; this one goes on with it\.$/m)
  assert.match(next.output(), /^ {2}found /m)
  const token = readFileSync(join(folder, 'demo-token'), 'utf8').trim()
  const page = await fetch(`${next.url}/v1/teams/demo/objects`, {
    headers: { authorization: `Bearer ${token}` },
  })
  assert.equal(page.status, 200)
  next.kill('SIGTERM')
  assert.equal(await next.ended, 0)
  assert.equal(existsSync(join(folder, 'first-start-unfinished')), false)
  const third = await startServer(t, env)
  await untilPrinted(third, lastLine)
  assert.doesNotMatch(third.output(), /cut short|found/)
}

test('a stop in the middle of the first run is no failure, and the next start goes on with it', async (t) => {
  const env = await freshEnvironment(t)
  const first = await startServer(t, env, { ready: false })
  await untilPrinted(first, 'first start')
  first.kill('SIGTERM')
  assert.equal(await first.ended, 0, first.errors())
  assert.doesNotMatch(first.errors(), /could not start/)
  await requireGoesOn(t, env)
})

test('the start after a first one that was killed in its walk goes on with it', async (t) => {
  const env = await freshEnvironment(t)
  const first = await startServer(t, env, { ready: false })
  await untilPrinted(first, 'asked')
  first.kill('SIGKILL')
  await first.ended
  await requireGoesOn(t, env)
})

test('the start after a first one that found its port taken goes on with it', async (t) => {
  const env = await freshEnvironment(t)
  const other = createServer().listen(Number(env['SIGNPOST_PORT']), '127.0.0.1')
  await once(other, 'listening')
  const first = await startServer(t, env, { ready: false })
  assert.equal(await first.ended, 1)
  await once(other.close(), 'close')
  await requireGoesOn(t, env)
})

test('what is left of a first start and cannot be done keeps no server from its work', async (t) => {
  const env = await freshEnvironment(t)
  const first = await startServer(t, env, { ready: false })
  await untilPrinted(first, 'first start')
  first.kill('SIGKILL')
  await first.ended
  rmSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'))
  const chosen = `sp_${'a'.repeat(12)}_${'B'.repeat(43)}`
  const next = await startServer(t, { ...env, SIGNPOST_ADMIN_TOKEN: chosen })
  await untilPrinted(next, lastLine)
  assert.match(next.output(), /What was left of it failed, and is left: .* 401/)
  assert.equal(existsSync(join(env['SIGNPOST_DATA_DIR']!, 'first-start-unfinished')), false)
})

test(
  'a closed terminal ends the server that was started on it',
  { skip: existsSync('/usr/bin/script') ? false : 'script(1) makes the terminal, and is not here' },
  async (t) => {
    const env = await freshEnvironment(t)
    const command = ['-qefc', `exec '${process.execPath}' ${builtFile}`, '/dev/null']
    const server = await startServer(t, env, { program: '/usr/bin/script', command })
    await untilPrinted(server, lastLine)
    server.kill('SIGKILL')
    await server.ended
    await untilFree(server.url)
  },
)

test('SIGTERM to npm ends npm, the script and the server', async (t) => {
  const env = await freshEnvironment(t)
  const npm = await startServer(t, env, { program: 'npm', command: ['start'] })
  await untilPrinted(npm, lastLine)
  npm.kill('SIGTERM')
  await npm.ended
  await untilFree(npm.url)
  const again = await startServer(t, env)
  await untilPrinted(again, lastLine)
})

test('npm start passes signals and the exit code on', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env, { command: ['scripts/run.mjs', 'start'] })
  await untilPrinted(server, lastLine)
  server.kill('SIGINT')
  assert.equal(await server.ended, 0)
  const bad = await startServer(
    t,
    { ...env, SIGNPOST_PORT: 'x' },
    { command: ['scripts/run.mjs', 'start'], ready: false },
  )
  assert.equal(await bad.ended, 2)
})
