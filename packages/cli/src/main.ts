/** The program: the only file that reads the process's arguments and environment and handles its signals. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Interrupted, type Io } from './io.ts'

/** One Ctrl-C may reach us twice, from the terminal and through a launcher; only a later one is a second one. */
const sameSignalMs = 700
/** How long work that was told to stop may take to clear up. */
const clearUpMs = 3000
/** As of a program that SIGPIPE has ended: what reads our output has gone. */
const brokenPipeCode = 141

const interrupt = new AbortController()
const io: Io = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  homeFolder: homedir(),
  platform: process.platform,
  version: (
    JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  ).version,
  signal: interrupt.signal,
}
handleSignals()
handleBrokenPipes()
const stopped = new Promise<number>((resolve) => {
  interrupt.signal.addEventListener('abort', () => {
    const { exitCode } = interrupt.signal.reason as Interrupted
    void wait(clearUpMs, undefined, { ref: false }).then(() => {
      process.stderr.write('signpost: interrupted\n')
      resolve(exitCode)
    })
  })
})
// Loaded only now, so that Ctrl-C in this time finds its handler.
const { runProgram } = await import('./run-program.ts')
const code = await Promise.race([runProgram(process.argv.slice(2), io), stopped])
// What was printed must be out before the end; what a server keeps open must not hold it up.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
)
process.exit(code)

function handleSignals(): void {
  let first = 0
  for (const [signal, exitCode] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    // The launcher's own, of the time before this. One after the other: without any, a signal on its way would be lost.
    const before = process.listeners(signal)
    process.on(signal, () => {
      const now = performance.now()
      if (first !== 0 && now - first > sameSignalMs) process.exit(exitCode)
      first ||= now
      interrupt.abort(new Interrupted(exitCode))
    })
    for (const listener of before) process.off(signal, listener)
  }
}

function handleBrokenPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(brokenPipeCode)
    process.stderr.write(`signpost: standard output: ${error.message}\n`)
    process.exit(1)
  })
  // Nobody is left to be told.
  process.stderr.on('error', () => {})
}
