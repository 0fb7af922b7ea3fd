/** The real server in a process of its own, with the team and the member that its first start makes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtServer } from '../scripts/build.mjs'
import { cores, root, startNode, type BenchProcess } from './processes.ts'

const startSecondsMax = 60
export const team = 'demo'

export interface BenchServer {
  pid: number
  port: number
  /** Of a member of `team`. */
  token: string
  folder: string
  stop(): Promise<void>
}

/** As `npm start` sets it: see scripts/run.mjs. */
const nodeArgs = ['--max-semi-space-size=12', '--min-semi-space-size=12']
const nodeEnv = {
  MALLOC_ARENA_MAX: '2',
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node-compile'),
}

/**
 * On SQLite in a new folder, or on the PostgreSQL of `databaseUrl`. What stays on the server's core: all its threads
 * (`process`), the thread that serves (`serving`: the one that writes may go where there is room, as a database's own
 * processes may), or nothing (`none`).
 */
export async function startServer(
  options: {
    databaseUrl?: string
    nodeOptions?: readonly string[]
    pin?: 'process' | 'serving' | 'none'
  } = {},
): Promise<BenchServer> {
  const { pin = 'process' } = options
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-'))
  const env = await environmentOf(folder)
  if (options.databaseUrl !== undefined) env['SIGNPOST_DATABASE_URL'] = options.databaseUrl
  const args = [...nodeArgs, ...(options.nodeOptions ?? []), await builtServer()]
  const serving = startNode(args, {
    env: { ...nodeEnv, ...env },
    core: pin === 'process' ? cores?.server : undefined,
  })
  const stop = async () => {
    await serving.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const port = Number(env['SIGNPOST_PORT'])
    await untilReady(port, serving)
    if (pin === 'serving' && cores)
      execFileSync('/usr/bin/taskset', ['-pc', cores.server, String(serving.pid)])
    const token = await untilWritten(join(folder, 'data', 'demo-token'), serving)
    return { pid: serving.pid, port, token, folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Settings of a server on its own folder and ports. A load comes with one key, so no limit on that. */
export async function environmentOf(folder: string): Promise<Record<string, string>> {
  const [port, storePort] = await freePorts(2)
  return {
    SIGNPOST_DATA_DIR: join(folder, 'data'),
    SIGNPOST_PORT: String(port),
    SIGNPOST_LOCAL_STORE_PORT: String(storePort),
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '1000000000',
  }
}

export async function untilReady(port: number, serving: BenchProcess): Promise<void> {
  await until(serving, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    await answer?.arrayBuffer()
    return answer?.ok === true ? true : undefined
  })
}

/** The first start makes its demo after it has begun to answer. */
function untilWritten(file: string, serving: BenchProcess): Promise<string> {
  return until(serving, async () => {
    try {
      return readFileSync(file, 'utf8').trim() || undefined
    } catch {
      return undefined
    }
  })
}

async function until<T>({ child, errors }: BenchProcess, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + startSecondsMax * 1000
  for (;;) {
    const result = await attempt()
    if (result !== undefined) return result
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`the server did not become ready: ${errors()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
