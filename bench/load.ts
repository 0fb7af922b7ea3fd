/**
 * Load on an HTTP server: so many connections, each sending its next request when the answer to the one before is there.
 * On `node:net`, so that it costs less than what it measures. A process of its own: `node load.ts '{"port": ...}'`.
 */
import { createConnection } from 'node:net'
import { cores, jsonOf, startNode } from './processes.ts'

export interface LoadOptions {
  port: number
  connections: number
  seconds: number
  /** One whole request, headers and body. */
  request: string
  /** Status that every answer has to have. */
  status: number
}

export interface LoadResult {
  requests: number
  seconds: number
  /** From sending a request to the last byte of its answer, ms. */
  p50: number
  p99: number
}

/** Runs it in a process on the load's core. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return jsonOf(startNode([import.meta.filename, JSON.stringify(options)], { core: cores?.load }))
}

async function runLoad({ port, connections, seconds, request, status }: LoadOptions): Promise<LoadResult> {
  const bytes = Buffer.from(request)
  const expected = Buffer.from(`HTTP/1.1 ${status} `)
  const latencies: number[] = []
  const begun = performance.now()
  const end = begun + seconds * 1000
  await Promise.all(
    Array.from({ length: connections }, () => {
      return new Promise<void>((resolve, reject) => {
        const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
        let sentAt = 0
        let missing = 0
        const send = () => {
          sentAt = performance.now()
          missing = 0
          socket.write(bytes)
        }
        socket.on('connect', send)
        socket.on('error', reject)
        socket.on('close', resolve)
        socket.on('data', (chunk) => {
          if (missing === 0) missing = answerBytes(chunk, expected)
          missing -= chunk.length
          if (missing > 0) return
          if (missing < 0) return void socket.destroy(new Error('more came than one answer'))
          const now = performance.now()
          latencies.push(now - sentAt)
          if (now < end) send()
          else socket.destroy()
        })
      })
    }),
  )
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  return {
    requests: sorted.length,
    seconds: (performance.now() - begun) / 1000,
    p50: at(0.5),
    p99: at(0.99),
  }
}

/** Size of the whole answer, from its first chunk: our servers send the headers in one piece. */
function answerBytes(chunk: Buffer, expected: Buffer): number {
  if (chunk.compare(expected, 0, expected.length, 0, expected.length) !== 0)
    throw new Error(`an unexpected answer: ${chunk.toString('latin1').slice(0, 300)}`)
  const headerEnd = chunk.indexOf('\r\n\r\n')
  const head = chunk.toString('latin1', 0, headerEnd)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  if (headerEnd === -1 || !length) throw new Error('an answer without content-length in its first chunk')
  return headerEnd + 4 + Number(length[1])
}

if (import.meta.main)
  console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}') as LoadOptions)))
