/** A receiver of syslog over TLS (RFC 5425) that takes nothing but what the grammar allows. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { buffer } from 'node:stream/consumers'
import { parseSyslog, type SyslogMessage } from './parse-syslog.ts'

export interface SyslogReceiver {
  port: number
  messages: SyslogMessage[]
  /** What was wrong with what came. */
  problems: string[]
  connections: number
  /** From now on every connection is broken off when something has come over it. */
  breakConnections(isBroken: boolean): void
  close(): Promise<void>
}

export async function openSyslogReceiver(options: TlsOptions): Promise<SyslogReceiver> {
  const sockets = new Set<TLSSocket>()
  const raw = new Map<number | undefined, Socket>()
  let isBroken = false
  const receiver: Omit<SyslogReceiver, 'port' | 'breakConnections' | 'close'> = {
    messages: [],
    problems: [],
    connections: 0,
  }
  const server = createServer(options, (socket) => {
    receiver.connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (isBroken) {
      socket.once('data', () => raw.get(socket.remotePort)?.resetAndDestroy())
      return
    }
    buffer(socket).then(
      (bytes) => {
        try {
          for (const frame of framesOf(bytes)) receiver.messages.push(parseSyslog(frame))
        } catch (error) {
          receiver.problems.push(String(error))
        }
      },
      () => undefined,
    )
  })
  server.on('connection', (socket: Socket) => raw.set(socket.remotePort, socket))
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(receiver, {
    port: (server.address() as AddressInfo).port,
    breakConnections: (broken: boolean) => void (isBroken = broken),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
}

/** RFC 5425 §4.3: MSG-LEN SP SYSLOG-MSG, one after the other; MSG-LEN does not begin with 0. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    const blank = bytes.indexOf(0x20, at)
    const length = bytes.subarray(at, blank).toString('latin1')
    if (blank < 0 || !/^[1-9]\d*$/.test(length))
      throw new Error(`no length of a frame: ${length.slice(0, 20)}`)
    const end = blank + 1 + Number(length)
    if (end > bytes.length) throw new Error('a frame was cut off')
    frames.push(bytes.subarray(blank + 1, end))
    at = end
  }
  return frames
}
