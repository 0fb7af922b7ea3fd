/** How a server ends whose database has stopped answering, without closing a connection: its machine is gone, or frozen. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

test('a database that does not answer holds no stop up for ever', requireServer('postgres'), async (t) => {
  const postgres = await startPostgres()
  t.after(() => postgres.stop())
  const url = new URL(postgres.url)
  const port = Number(url.port)
  const sockets: Socket[] = []
  const way = createServer((near) => {
    const far = connect(port, url.hostname)
    for (const socket of [near, far]) sockets.push(socket.on('error', () => undefined))
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  t.after(() => {
    way.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(way, 'listening')
  url.port = String((way.address() as AddressInfo).port)
  const server = await startServer(t, {
    ...(await freshEnvironment(t)),
    SIGNPOST_DATABASE_URL: url.href,
    SIGNPOST_LOCAL_STORE: 'off',
    SIGNPOST_DRAIN_SECONDS: '0',
  })
  await untilPrinted(server, 'Ctrl-C')
  for (const socket of sockets) socket.unpipe().pause()
  way.on('connection', (socket: Socket) => socket.unpipe().pause())
  server.kill('SIGTERM')
  assert.equal(await server.ended, 1)
  assert.match(server.errors(), /"error".*the last writes before the end are given up/)
})
