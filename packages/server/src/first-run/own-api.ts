/** The server's own HTTP API, called over its own socket as any client would. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'

export interface OwnApi {
  /** Answers the JSON document; rejects with the problem's sentence, but for the statuses that are named as fine. */
  call<T>(token: string, method: string, path: string, body?: unknown, fine?: readonly number[]): Promise<T>
}

export function ownApi(url: string): OwnApi {
  const { protocol } = new URL(url)
  return {
    async call<T>(token: string, method: string, path: string, body?: unknown, fine: readonly number[] = []) {
      const payload = body === undefined ? undefined : JSON.stringify(body)
      const headers: Record<string, string> = {
        authorization: `Bearer ${token}`,
        'user-agent': 'signpost-first-run',
      }
      if (payload !== undefined) headers['content-type'] = 'application/json'
      const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
        const send = protocol === 'https:' ? httpsRequest : httpRequest
        // The certificate is for the name that clients use; this is our own socket.
        const request = send(
          url + path,
          { method, headers, agent: false, rejectUnauthorized: false },
          (response) => {
            text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject)
          },
        )
        request.on('error', reject)
        request.end(payload)
      })
      const value = (answer === '' ? undefined : JSON.parse(answer)) as T & { detail?: string }
      if (status >= 300 && !fine.includes(status))
        throw new Error(`${method} ${path} answered ${status}: ${value?.detail ?? ''}`)
      return value
    },
  }
}
