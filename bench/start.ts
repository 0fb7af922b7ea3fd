/** From `npm start` to the first answer of /readyz, on a data folder that is there. `node bench/start.ts` */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limitRow, printRows, type BenchRow } from './bench.ts'
import { environmentWithout, root } from './processes.ts'
import { environmentOf } from './server.ts'

const rounds = 5
const secondsMax = 2
const giveUpSeconds = 60

export async function benchStart(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-start-'))
  try {
    const env = await environmentOf(folder)
    // The first makes the data folder and fills the compile cache.
    await startOnce(env)
    const values: number[] = []
    for (let round = 0; round < rounds; round++) values.push(await startOnce(env))
    return [limitRow({ name: 'npm start, warm', unit: 's', values, atMost: secondsMax })]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Answers the seconds it took, when all is stopped again. */
async function startOnce(env: Record<string, string>): Promise<number> {
  const begun = performance.now()
  // A process group of its own: npm has children.
  const child = spawn('npm', ['start', '--silent'], {
    cwd: root,
    env: { ...environmentWithout(/^(SIGNPOST_|NODE_TEST)/), ...env },
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(child, 'exit')
  try {
    await untilAnswered(`http://127.0.0.1:${env['SIGNPOST_PORT']}/readyz`, begun)
    return (performance.now() - begun) / 1000
  } finally {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGTERM')
    await ended
    await untilSilent(`http://127.0.0.1:${env['SIGNPOST_PORT']}/readyz`)
  }
}

async function untilAnswered(url: string, begun: number): Promise<void> {
  while (performance.now() - begun < giveUpSeconds * 1000) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`npm start did not answer within ${giveUpSeconds} s`)
}

/** npm may end before its children; the next start needs the lock on the data folder. */
async function untilSilent(url: string): Promise<void> {
  while (await fetch(url).catch(() => undefined)) await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, 500))
}

if (import.meta.main) printRows('Start', await benchStart())
