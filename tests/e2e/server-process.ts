/** The real server as a process of its own, on a data folder and ports of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { builtServer } from '../../scripts/build.mjs'
import { freePort } from '../servers/daemon.ts'

const root = join(import.meta.dirname, '../..')
const startSecondsMax = 60
/** As `npm start` runs it. */
export const builtFile = await builtServer()
if (!builtFile.endsWith('.js'))
  throw new Error('The server could not be built: the tests would try something else.')

export interface ServerProcess {
  pid: number
  url: string
  /** Standard output so far. */
  output(): string
  /** Standard error so far. */
  errors(): string
  /** Resolves with the exit code, or the name of the signal that ended it. */
  ended: Promise<number | string>
  kill(signal: NodeJS.Signals): void
}

/** Variables of a server on its own folder and free ports; nothing of the caller's SIGNPOST_ settings. */
export async function freshEnvironment(t: TestContext): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-e2e-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [port, storePort] = [await freePort(), await freePort()]
  return {
    SIGNPOST_DATA_DIR: join(folder, 'data'),
    SIGNPOST_PORT: String(port),
    SIGNPOST_LOCAL_STORE_PORT: String(storePort),
  }
}

/** Starts it, and waits for /readyz unless told not to. `command`, `program`: what to run instead of the server by this Node. */
export async function startServer(
  t: TestContext,
  env: Record<string, string>,
  {
    ready = true,
    command = [builtFile],
    program = process.execPath,
  }: { ready?: boolean; command?: string[]; program?: string } = {},
): Promise<ServerProcess> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SIGNPOST_|NODE_TEST)/.test(name))
  const child = spawn(program, command, {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
  })
  const server: ServerProcess = {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${env['SIGNPOST_PORT']}`,
    output: () => output,
    errors: () => errors,
    ended,
    kill: (signal) => child.kill(signal),
  }
  if (ready) await untilReady(server)
  return server
}

async function untilReady(server: ServerProcess): Promise<void> {
  const deadline = Date.now() + startSecondsMax * 1000
  let over = false
  void server.ended.then(() => (over = true))
  for (;;) {
    const response = await fetch(`${server.url}/readyz`).catch(() => undefined)
    await response?.arrayBuffer()
    if (response?.ok) return
    if (over || Date.now() > deadline)
      throw new Error(`the server did not become ready:\n${server.output()}\n${server.errors()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Until standard output holds the text. */
export async function untilPrinted(server: ServerProcess, wanted: string): Promise<void> {
  const deadline = Date.now() + startSecondsMax * 1000
  while (!server.output().includes(wanted)) {
    if (Date.now() > deadline)
      throw new Error(`${JSON.stringify(wanted)} was not printed:\n${server.output()}\n${server.errors()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Until nobody listens there: the process may be a grandchild, whose end we are not told. */
export async function untilFree(url: string): Promise<void> {
  for (const deadline = Date.now() + startSecondsMax * 1000; Date.now() < deadline;) {
    if ((await fetch(`${url}/healthz`).catch(() => undefined)) === undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${url} still answers`)
}
