import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createNodeTransport } from './node-transport.ts'
import { createSignpost } from './create-signpost.ts'

const messageOf = (error: unknown) => (error as Error).message

test('TLS to a port without TLS, and the reverse, name the other scheme, and are not tried again', async (t) => {
  const plain = createServer((_, response) => response.end())
  // As OpenSSL answers what is no TLS record: an alert.
  const secure = createTcpServer((socket) =>
    socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])).on('error', () => {}),
  )
  let connections = 0
  secure.on('connection', () => (connections += 1))
  const ports: number[] = []
  for (const server of [plain, secure]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    ports.push((server.address() as AddressInfo).port)
  }
  const [plainPort, securePort] = ports
  const transport = createNodeTransport()
  t.after(() => transport.close?.())
  const cases: [string, RegExp][] = [
    [`https://127.0.0.1:${plainPort}`, /does not speak TLS: try http:\/\/$/],
    [`http://127.0.0.1:${securePort}`, /does not speak plain HTTP: try https:\/\/$/],
  ]
  for (const [url, expected] of cases) {
    const client = createSignpost({ url, retryBaseMs: 60_000 })
    await assert.rejects(client.call('getMe', {}), (error) => expected.test(messageOf(error)))
    await assert.rejects(transport.send({ method: 'GET', url, headers: {} }), (error) =>
      expected.test(messageOf(error)),
    )
  }
  assert.equal(connections, 2)
})

test('a port on which nothing listens is said in words, and the caller may end the tries', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const attempts: number[] = []
  const client = createSignpost({
    url: `http://127.0.0.1:${port}`,
    retryBaseMs: 1,
    mayRetry: (error, attempt) => {
      assert.match(error.message, /nothing answers there \(ECONNREFUSED\)/)
      attempts.push(attempt)
      return attempt < 1
    },
  })
  await assert.rejects(client.call('getMe', {}), /ECONNREFUSED/)
  assert.deepEqual(attempts, [0, 1])
})

test('a port that fetch never connects to is not tried again', async () => {
  const client = createSignpost({ url: 'http://127.0.0.1:9', retryBaseMs: 60_000 })
  await assert.rejects(client.call('getMe', {}), /^TransferError: Port 9 is closed to HTTP clients/)
})
