/** For tests: something between clients and a store that does not leave things as they are. */
import { createServer, request, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export interface Meddling {
  /** Changes what goes to the store. */
  request?: (headers: IncomingHttpHeaders, method: string) => void
  /** Changes what comes back. */
  response?: (headers: IncomingHttpHeaders) => void
  /** Answers by itself, instead of asking the store. */
  instead?: (method: string) => { status: number; body: string } | undefined
  /** Waits so long before the n-th request (from 0) goes on. */
  delayMs?: (n: number) => number
  tls?: { cert: string; key: string }
}

export interface Between {
  /** Scheme, address and port. */
  url: string
  stop: () => Promise<void>
}

/** Passes everything on to `target`, but for what is meddled with. The Host header goes on as it came. */
export async function startProxy(target: string, meddling: Meddling = {}): Promise<Between> {
  const { port } = new URL(target)
  let count = 0
  const pass: RequestListener = (incoming, outgoing) => {
    const headers = { ...incoming.headers }
    meddling.request?.(headers, incoming.method ?? '')
    const own = meddling.instead?.(incoming.method ?? '')
    if (own) {
      incoming.resume()
      outgoing.writeHead(own.status, { 'content-type': 'application/xml' }).end(own.body)
      return
    }
    const onward = () => {
      const { method, url: path } = incoming
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
        const back = { ...answer.headers }
        meddling.response?.(back)
        outgoing.sendDate = back.date !== undefined
        outgoing.writeHead(answer.statusCode ?? 502, back)
        answer.pipe(outgoing)
      })
      sent.once('error', () => outgoing.destroy())
      incoming.pipe(sent)
    }
    setTimeout(onward, meddling.delayMs?.(count) ?? 0)
    count += 1
  }
  return listening(
    meddling.tls ? createTlsServer(meddling.tls, pass) : createServer(pass),
    meddling.tls !== undefined,
  )
}

/** A whole server of the test's own. */
export function startSite(answer: RequestListener): Promise<Between> {
  return listening(createServer(answer), false)
}

async function listening(server: Server, isTls: boolean): Promise<Between> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
