/** Resident memory of the server after a million URLs, each with its record. `node bench/memory.ts` */
import { batchLoad } from './batch-load.ts'
import { limitRow, printRows, type BenchRow } from './bench.ts'
import { residentBytesOf } from './processes.ts'
import { startServer } from './server.ts'

const urls = 1_000_000
const items = 10_000
const looks = 10
const megabyte = 1e6
const residentMegabytesMax = 200

export async function benchMemory(): Promise<BenchRow[]> {
  const server = await startServer()
  try {
    const seen = [residentBytesOf(server.pid) / megabyte]
    for (let look = 0; look < looks; look++) {
      await batchLoad({ port: server.port, token: server.token, calls: urls / items / looks, items })
      seen.push(residentBytesOf(server.pid) / megabyte)
    }
    console.log(`resident MB at the start and after each ${urls / looks / 1000}k URLs: ${rounded(seen)}`)
    return [
      limitRow({
        name: `resident memory after ${urls.toLocaleString('en')} URLs`,
        unit: 'MB',
        values: [seen.at(-1)!],
        atMost: residentMegabytesMax,
      }),
    ]
  } finally {
    await server.stop()
  }
}

const rounded = (values: readonly number[]) => values.map((value) => value.toFixed(0)).join(' ')

if (import.meta.main) printRows('Memory', await benchMemory())
