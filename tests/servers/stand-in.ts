import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Stoppable } from './daemon.ts'

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
}

export interface StandIn extends Stoppable {
  /** `http://127.0.0.1:PORT` */
  endpoint: string
  /** All requests so far. */
  asked: Asked[]
  /** Answers the next requests in place of the stand-in, until undefined. */
  answerWith(answer: Answer | undefined): void
}

/** A small HTTP server in the place of a service that nobody can run. */
export async function startStandIn(answer: (asked: Asked) => Answer): Promise<StandIn> {
  const all: Asked[] = []
  let instead: Answer | undefined
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const asked = {
        method: request.method ?? '',
        path: request.url ?? '/',
        headers: request.headers,
        body,
      }
      all.push(asked)
      const { status, headers, body: content } = instead ?? answer(asked)
      response.writeHead(status, headers).end(content)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref() // a forgotten stop() must not keep a test process alive
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    endpoint: `http://127.0.0.1:${port}`,
    asked: all,
    answerWith: (answered) => void (instead = answered),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
