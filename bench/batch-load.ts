/** Calls for many URLs, one after another, each read to its end. A process of its own: `node batch-load.ts '{"port": ...}'`. */
import { randomInt } from 'node:crypto'
import { Agent, request } from 'node:http'
import { cores, jsonOf, startNode } from './processes.ts'
import { team } from './server.ts'

export interface BatchLoadOptions {
  port: number
  token: string
  calls: number
  items: number
}

/** One call. */
export interface BatchResult {
  /** From the first byte of the request to the last of the answer. */
  seconds: number
  firstLineMs: number
}

/** Runs it in a process on the load's core. */
export function batchLoad(options: BatchLoadOptions): Promise<BatchResult[]> {
  return jsonOf(startNode([import.meta.filename, JSON.stringify(options)], { core: cores?.load }))
}

async function runLoad({ port, token, calls, items }: BatchLoadOptions): Promise<BatchResult[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const results: BatchResult[] = []
  for (let call = 0; call < calls; call++) {
    const body = Buffer.from(JSON.stringify({ items: Array.from({ length: items }, randomItem) }))
    results.push(await callOnce({ port, token, agent, body, items }))
  }
  agent.destroy()
  return results
}

/** As a training job reads: shards of one data set in random order. */
function randomItem() {
  const shard = String(randomInt(1_000_000)).padStart(7, '0')
  return { action: 'read', key: `datasets/run-7/shard-${shard}-of-1000000.parquet` }
}

function callOnce(options: {
  port: number
  token: string
  agent: Agent
  body: Buffer
  items: number
}): Promise<BatchResult> {
  const { port, token, agent, body, items } = options
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    const call = request(
      {
        port,
        agent,
        host: '127.0.0.1',
        method: 'POST',
        path: `/v1/teams/${team}/urls/batch`,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      },
      (response) => {
        let firstLineMs = 0
        let lines = 0
        let hasError = response.statusCode !== 200
        response.on('data', (chunk: Buffer) => {
          if (lines === 0) firstLineMs = performance.now() - begun
          for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1
          hasError ||= chunk.includes('"error"')
        })
        response.on('error', reject)
        response.on('end', () => {
          if (hasError || lines !== items)
            reject(new Error(`status ${response.statusCode}, ${lines} lines, or an error among them`))
          else resolve({ seconds: (performance.now() - begun) / 1000, firstLineMs })
        })
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

if (import.meta.main)
  console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}') as BatchLoadOptions)))
