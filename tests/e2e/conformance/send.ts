import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface RawRequest {
  method: string
  /** As it goes onto the wire: nothing normalises it on the way. */
  url: string
  headers: Record<string, string>
  body?: Buffer | undefined
}

export interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Sends exactly what it is given; no URL parser of a client touches the path or the query. */
export function send({ method, url, headers, body }: RawRequest, ca?: string): Promise<RawAnswer> {
  const [, scheme = '', authority = '', target = '/'] = /^(https?):\/\/([^/]+)(\/.*)$/.exec(url) ?? []
  const [host = '', port] = authority.split(':')
  return new Promise((resolve, reject) => {
    const options = {
      host: host.endsWith('localhost') ? '127.0.0.1' : host,
      port: port ?? (scheme === 'https' ? 443 : 80),
      method,
      path: target,
      headers: {
        host: authority,
        ...(body && !('content-length' in headers) ? { 'content-length': String(body.length) } : {}),
        ...headers,
      },
      agent: false as const,
      timeout: 10_000,
      ...(ca ? { ca } : {}),
    }
    const outgoing = (scheme === 'https' ? httpsRequest : httpRequest)(options, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      )
      incoming.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
