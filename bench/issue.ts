/** One URL a request: key check, decision, signature, and a record on the disk before the answer. `node bench/issue.ts` */
import { compare, printRows, type BenchRow } from './bench.ts'
import { load, type LoadResult } from './load.ts'
import { cores, cpuSecondsOf, lineOf, startNode } from './processes.ts'
import { startServer, team } from './server.ts'

const rounds = 5
const roundSeconds = 2
const warmUpSeconds = 3
const target = 0.4

interface Subject {
  name: string
  pid: number
  port: number
}

export async function benchIssue(): Promise<BenchRow[]> {
  const server = await startServer({ pin: 'serving' })
  const address = `http://127.0.0.1:${server.port}/v1/teams/${team}/urls`
  const body = JSON.stringify({ action: 'read', key: 'datasets/run-7/shard-000017-of-002048.parquet' })
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }
  const request =
    `POST ${new URL(address).pathname} HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\n` +
    Object.entries({ ...headers, 'user-agent': 'signpost-bench/1' })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('') +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const answer = await fetch(address, { method: 'POST', headers, body })
  const bare = startNode(
    [
      'bench/bare-server.ts',
      JSON.stringify({ status: answer.status, headers: headersOf(answer), body: await answer.text() }),
    ],
    { core: cores?.server },
  )
  try {
    const subjects: Subject[] = [
      { name: 'issue', pid: server.pid, port: server.port },
      { name: 'bare node:http', pid: bare.pid, port: Number((await lineOf(bare, /^port /)).slice(5)) },
    ]
    const rows: BenchRow[] = []
    for (const connections of [64, 256])
      rows.push(...(await benchConnections(subjects, { connections, request, status: answer.status })))
    return rows
  } finally {
    await bare.stop()
    await server.stop()
  }
}

/** Without what `node:http` writes itself. */
function headersOf(answer: Response): Record<string, string> {
  return Object.fromEntries(
    [...answer.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)),
  )
}

async function benchConnections(
  subjects: readonly Subject[],
  how: { connections: number; request: string; status: number },
): Promise<BenchRow[]> {
  const byWall = new Map(subjects.map(({ name }) => [name, [] as number[]]))
  const byCpu = new Map(subjects.map(({ name }) => [name, [] as number[]]))
  const latencies: LoadResult[] = []
  for (const { port } of subjects) await load({ port, seconds: warmUpSeconds, ...how })
  for (let round = 0; round < rounds; round++) {
    for (const { name, pid, port } of subjects) {
      const cpuBefore = cpuSecondsOf(pid)
      const result = await load({ port, seconds: roundSeconds, ...how })
      byWall.get(name)!.push(result.requests / result.seconds)
      byCpu.get(name)!.push(result.requests / (cpuSecondsOf(pid) - cpuBefore))
      if (name === 'issue') latencies.push(result)
    }
  }
  const worst = latencies.reduce((one, other) => (other.p99 > one.p99 ? other : one))
  console.log(
    `${how.connections} connections: p50 ${worst.p50.toFixed(1)} ms, p99 ${worst.p99.toFixed(1)} ms in the worst round`,
  )
  const name = `one URL a request, ${how.connections} connections / bare node:http`
  const pair = { subject: 'issue', baseline: 'bare node:http' }
  return [
    compare(byWall, { name, unit: 'requests/s', target, ...pair }),
    compare(byCpu, { name: `${name}, by CPU`, unit: 'requests/s of CPU time', target: 0, ...pair }),
  ]
}

if (import.meta.main) printRows('Issuing one URL a request', await benchIssue())
