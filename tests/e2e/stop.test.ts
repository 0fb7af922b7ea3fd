/** How a server ends: by whom it is asked, and what it is in the middle of. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
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
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': 18 },
    })
  const running = begin()
  const answered = once(running, 'response')
  running.write('{"name":')
  await new Promise((resolve) => setTimeout(resolve, 200))
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
  never.write('{"name":')
  await new Promise((resolve) => setTimeout(resolve, 200))
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
    const socket = connect(Number(env['SIGNPOST_PORT']))
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

test('a stop in the middle of the first run is no failure, and the next start serves', async (t) => {
  const env = await freshEnvironment(t)
  const first = await startServer(t, env, { ready: false })
  await untilPrinted(first, 'first start')
  first.kill('SIGTERM')
  assert.equal(await first.ended, 0, first.errors())
  assert.doesNotMatch(first.errors(), /could not start/)
  await untilPrinted(await startServer(t, env), lastLine)
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
