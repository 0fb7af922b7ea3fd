import { request } from 'node:http'
import type { SignedRequest } from '../domain/connector.ts'

/** Sends a PUT for a name below `localhost`, which not every resolver knows, to the loopback address. */
export function putAtLoopback(signed: SignedRequest, body: string): Promise<number> {
  const url = new URL(signed.url)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: url.port,
        path: url.pathname + url.search,
        method: 'PUT',
        headers: { ...signed.headers, host: url.host, 'content-length': Buffer.byteLength(body) },
        agent: false,
      },
      (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    sent.once('error', reject).end(body)
  })
}
