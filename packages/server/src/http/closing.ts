/** What a stop need not wait for: connections on which nothing is being asked. */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const everyMs = 50

/**
 * Cuts them while the server closes, again and again: one that was busy becomes idle. On some nothing was ever asked, as a
 * browser opens them for later; Node takes these for busy (`closeIdleConnections`) until its `headersTimeout`.
 */
export function cutIdleWhenClosing(server: FastifyInstance, kind: 'connection' | 'secureConnection'): void {
  const http = server.server
  const open = new Set<Socket>()
  http.on(kind, (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.addHook('preClose', (done) => {
    if (!http.listening) return done()
    const cutting = setInterval(() => {
      http.closeIdleConnections()
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    }, everyMs)
    http.once('close', () => clearInterval(cutting))
    done()
  })
}
