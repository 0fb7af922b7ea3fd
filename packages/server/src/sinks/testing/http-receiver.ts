/** A receiver of HTTP POSTs on this machine, that keeps what came and answers as it is told. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Received {
  method: string
  headers: IncomingHttpHeaders
  body: string
}

export interface HttpReceiver {
  url: string
  received: Received[]
  /** What is answered from now on; `hang`: nothing. */
  answer(status: number | 'hang', more?: { headers?: Record<string, string>; body?: string }): void
  /** Refuses connections until `open`. */
  shut(): Promise<void>
  open(): Promise<void>
  close(): Promise<void>
}

export async function openHttpReceiver(path = '/in'): Promise<HttpReceiver> {
  const received: Received[] = []
  let next: { status: number | 'hang'; headers?: Record<string, string>; body?: string } = { status: 200 }
  let port = 0
  const make = () =>
    createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ method: request.method ?? '', headers: request.headers, body })
        if (next.status === 'hang') return
        response.writeHead(next.status, next.headers ?? {}).end(next.body ?? '')
      })
    })
  let server = make()
  const open = async () => {
    server = make()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const shut = async () => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  await open()
  return {
    url: `http://127.0.0.1:${port}${path}`,
    received,
    answer: (status, more = {}) => void (next = { status, ...more }),
    shut,
    open,
    close: shut,
  }
}
