import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startTestServer } from './test-server.ts'

test('whoever leaves in the middle of a body is no fault of the server', async (t) => {
  const server = await startTestServer({})
  t.after(() => server.close())
  const { port } = new URL(server.url)
  for (const path of ['/v1/teams', '/v1/teams/vision/urls', '/v1/teams/vision/urls/batch']) {
    const socket = connect(Number(port), '127.0.0.1')
    const head = [
      'host: a',
      'authorization: Bearer good',
      'content-type: application/json',
      'content-length: 99',
    ]
    socket.write(`POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\nexpect: 100-continue\r\n\r\n`)
    // By now it reads the body.
    await once(socket, 'data')
    await new Promise((resolve) => socket.write('{"name":', resolve))
    socket.resetAndDestroy()
  }
  // What comes behind on other connections is read later.
  for (let count = 0; count < 5; count++) await (await fetch(`${server.url}/healthz`)).arrayBuffer()
  const problems = server.logged.filter(({ level }) => level > 30)
  assert.deepEqual(problems, [])
})
