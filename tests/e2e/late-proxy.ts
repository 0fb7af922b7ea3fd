/** Between a client and Signpost: holds each URL back until it is dead, the first time that it is asked for. */
import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface LateProxy {
  url: string
  /** Keys, and parts as `UPLOAD:NUMBER`, whose first URL was handed over dead. */
  late: Set<string>
}

export async function startLateProxy(t: TestContext, target: string, holdMs: number): Promise<LateProxy> {
  const late = new Set<string>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const fresh = thingsOf(request.url ?? '', body).filter((thing) => !late.has(thing))
      for (const thing of fresh) late.add(thing)
      const { host: _, ...headers } = request.headers
      const on = ask(new URL(request.url ?? '/', target), { method: request.method, headers }, (answer) => {
        // Held back whole: the URLs in it are signed already.
        const held: Buffer[] = []
        answer.on('data', (chunk: Buffer) => held.push(chunk))
        answer.on('end', () => {
          setTimeout(
            () => {
              response.writeHead(answer.statusCode ?? 502, answer.headers)
              response.end(Buffer.concat(held))
            },
            fresh.length > 0 ? holdMs : 0,
          )
        })
      })
      on.on('error', () => response.destroy())
      on.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, late }
}

function thingsOf(path: string, body: Buffer): string[] {
  const read = () =>
    JSON.parse(body.toString()) as { key: string; partNumbers: number[]; items: { key: string }[] }
  if (path.endsWith('/urls')) return [read().key]
  if (path.endsWith('/urls/batch')) return read().items.map(({ key }) => key)
  const upload = /\/uploads\/([^/]+)\/parts$/.exec(path)?.[1]
  return upload === undefined ? [] : read().partNumbers.map((number) => `${upload}:${number}`)
}
