/** Child processes of a benchmark: each on a core of its own where the machine lets us, and what they cost, read from /proc. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** The server's core and the load's. Undefined: no pinning (no `taskset`, or a single core). */
export const cores: { server: string; load: string } | undefined =
  existsSync('/usr/bin/taskset') && availableParallelism() > 1 ? { server: '0', load: '1' } : undefined

export interface BenchProcess {
  pid: number
  child: ChildProcess
  /** Standard error so far. */
  errors(): string
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>
}

/** Runs a file of this project with this Node. `core`: all its threads stay there. */
export function startNode(
  args: readonly string[],
  options: { core?: string | undefined; env?: Readonly<Record<string, string>> } = {},
): BenchProcess {
  const { core, env = {} } = options
  const words = [process.execPath, ...args]
  const [command, ...rest] = core === undefined ? words : ['/usr/bin/taskset', '-c', core, ...words]
  const child = spawn(command!, rest, {
    cwd: root,
    env: { ...environmentWithout(/^(SIGNPOST_|NODE_TEST)/), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const ended = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    child,
    errors: () => errors,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}

/** Standard output as one JSON document, when the process has ended. */
export async function jsonOf<T>({ child, errors }: BenchProcess): Promise<T> {
  let output = ''
  child.stdout!.on('data', (chunk) => (output += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}: ${errors()}`)
  return JSON.parse(output) as T
}

/** Resolves with the first line of standard output that fits. */
export async function lineOf({ child, errors }: BenchProcess, wanted: RegExp): Promise<string> {
  let output = ''
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      output += String(chunk)
      const line = output.split('\n').find((one) => wanted.test(one))
      if (line !== undefined) resolve(line)
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code} before ${wanted}: ${errors()}`)))
  })
}

const ticksPerSecond = 100

/** CPU time of all threads so far, s (proc(5), /proc/pid/stat: utime and stime). Resolution 10 ms. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory, bytes (proc(5), /proc/pid/status: VmRSS). */
export function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}

export function environmentWithout(names: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => !names.test(entry[0])),
  )
}
