/** What no server on `node:http` could do without: reads the body of each request, answers the same bytes. `node bare-server.ts ANSWER` */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const answer = JSON.parse(process.argv[2] ?? '{}') as {
  status: number
  headers: Record<string, string>
  body: string
}
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    response.writeHead(body === '' ? 400 : answer.status, answer.headers)
    response.end(answer.body)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
