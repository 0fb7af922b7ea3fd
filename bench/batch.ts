/** Ten thousand URLs in one call, each with its own durable record before its line leaves. `node bench/batch.ts` */
import { startPostgres } from '../tests/servers/postgres.ts'
import { availableServers } from '../tests/servers/install.ts'
import { bareRateThere, bareSigningRate } from './bare-signing.ts'
import { batchLoad } from './batch-load.ts'
import { compare, limitRow, printRows, spreadOf, type BenchRow } from './bench.ts'
import { cpuSecondsOf, residentBytesOf } from './processes.ts'
import { startServer } from './server.ts'

const rounds = 5
const callsARound = 5
const warmUpCalls = 15
const items = 10_000
const firstLineMsMax = 50
/** What the plain signing loop does on the machine that the promises were made for, URLs/s. */
const mebibyte = 2 ** 20

export async function benchBatch(): Promise<BenchRow[]> {
  return [...(await benchOn('SQLite', 60_000)), ...(await benchOnPostgres())]
}

async function benchOnPostgres(): Promise<BenchRow[]> {
  if (!availableServers().includes('postgres')) {
    console.log('PostgreSQL is not on this machine: node tests/servers/install.ts')
    return []
  }
  const postgres = await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '2GB' } })
  try {
    return await benchOn('PostgreSQL', 40_000, await postgres.createDatabase())
  } finally {
    await postgres.stop()
  }
}

async function benchOn(engine: string, target: number, databaseUrl?: string): Promise<BenchRow[]> {
  const server = await startServer(databaseUrl === undefined ? {} : { databaseUrl })
  try {
    const { port, token, pid } = server
    await batchLoad({ port, token, calls: warmUpCalls, items })
    const residentBefore = residentBytesOf(pid)
    const byWall: number[] = []
    const byCpu: number[] = []
    const bare: number[] = []
    const firstLines: number[] = []
    for (let round = 0; round < rounds; round++) {
      const cpuBefore = cpuSecondsOf(pid)
      const results = await batchLoad({ port, token, calls: callsARound, items })
      const seconds = results.reduce((sum, result) => sum + result.seconds, 0)
      byWall.push((items * callsARound) / seconds)
      byCpu.push((items * callsARound) / (cpuSecondsOf(pid) - cpuBefore))
      firstLines.push(...results.map(({ firstLineMs }) => firstLineMs))
      bare.push(await bareSigningRate())
    }
    const grown = (residentBytesOf(pid) - residentBefore) / mebibyte
    console.log(
      `${engine}: resident ${(residentBefore / mebibyte).toFixed(0)} MiB, ${grown >= 0 ? '+' : ''}${grown.toFixed(0)} MiB after ${(rounds * callsARound * items) / 1000}k URLs more`,
    )
    const name = `${items / 1000}k URLs a call on ${engine}`
    const rates = new Map([
      ['batch', byWall],
      ['bare', bare],
    ])
    return [
      limitRow({ name, unit: 'URLs/s', values: byWall, atLeast: target }),
      limitRow({
        name: `${name}, by CPU of the server`,
        unit: 'URLs/s of CPU time',
        values: byCpu,
        atLeast: target,
        isPromise: false,
      }),
      compare(rates, {
        name: `${name} / a plain signing loop on the same core`,
        unit: 'URLs/s',
        target: Number((target / bareRateThere).toFixed(3)),
        subject: 'batch',
        baseline: 'bare',
      }),
      limitRow({
        name: `${name}: first line`,
        unit: 'ms',
        // A single call that met another process's turn says nothing of ours.
        values: [spreadOf(firstLines).median],
        atMost: firstLineMsMax,
      }),
    ]
  } finally {
    await server.stop()
  }
}

if (import.meta.main) printRows('Many URLs in one call', await benchBatch())
