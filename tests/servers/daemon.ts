import { execFile, spawn } from 'node:child_process'
import type { ChildProcess, ExecFileException } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runs } from './processes.ts'

/** What every `startX` of this folder gives besides its connection facts. */
export interface Stoppable {
  /** Ends the server's own processes and removes the folder that it made. May be called twice. */
  stop: () => Promise<void>
}

export interface DaemonOptions {
  command: string
  args: readonly string[]
  /** Where it keeps its data; it is killed before the folder is removed. */
  folder: DataFolder
  /** Standard output and standard error go here, appended. */
  logFile: string
  cwd?: string
  env?: Readonly<Record<string, string | undefined>>
  uid?: number
  gid?: number
  /** Sent by `stop()`, and by the kernel when the process that started the daemon dies. `SIGTERM` unless told. */
  stopSignal?: NodeJS.Signals
}

export interface Daemon {
  pid: number
  name: string
  /** Resolves, never rejects, with a sentence that says how the daemon ended. */
  ended: Promise<string>
  isRunning: () => boolean
  /** `stopSignal`, then SIGKILL after `graceMs` (10 s unless told). Resolves when the process is gone. */
  stop: (graceMs?: number) => Promise<void>
}

/** The absolute path of a program on PATH or in the usual system folders, or undefined. */
export function findProgram(name: string, ...moreFolders: string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return [...moreFolders, ...folders, '/usr/bin', '/usr/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/**
 * Starts a daemon in the foreground that cannot outlive this process: on Linux `setpriv --pdeathsig` asks the kernel to
 * signal it when its parent dies, however the parent died (a hook in the parent would not run on SIGKILL). It
 * execs, so the pid is the daemon's own. The child never keeps the event loop alive.
 */
export function startDaemon(options: DaemonOptions): Daemon {
  const signal = options.stopSignal ?? 'SIGTERM'
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined
  const guarded = setpriv
    ? [
        setpriv,
        ...privileges(options),
        '--pdeathsig',
        signal.replace(/^SIG/, ''),
        '--',
        options.command,
        ...options.args,
      ]
    : [options.command, ...options.args]
  const log = openSync(options.logFile, 'a', 0o600)
  const child = spawn(guarded[0]!, guarded.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
    ...(setpriv ? {} : { uid: options.uid, gid: options.gid }),
  })
  closeSync(log)
  const ended = endOf(child)
  child.unref()
  const daemon: Daemon = {
    pid: child.pid ?? -1,
    name: options.command,
    ended,
    isRunning: () => isRunning(child),
    stop: (graceMs = 10_000) => stopChild(child, ended, signal, graceMs),
  }
  options.folder.daemons.push(daemon)
  return daemon
}

function privileges(options: DaemonOptions): string[] {
  if (options.uid === undefined) return []
  return [
    `--reuid=${options.uid}`,
    ...(options.gid === undefined ? [] : [`--regid=${options.gid}`]),
    '--clear-groups',
  ]
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `exited with ${code}`))
  })
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<string>,
  signal: NodeJS.Signals,
  graceMs: number,
) {
  if (!isRunning(child)) return
  child.ref() // or the process could end while it waits for the child
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}

export interface RunOptions {
  env?: Readonly<Record<string, string | undefined>>
  /** 3 minutes unless told. */
  timeoutMs?: number
  uid?: number
  gid?: number
  cwd?: string
}

/** Runs a program to its end and gives its standard output; a failure names the program and what it said. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { timeoutMs, env, ...rest } = options
  const all = {
    ...rest,
    env: { ...process.env, ...env },
    timeout: timeoutMs ?? 180_000,
    killSignal: 'SIGKILL' as const,
  }
  return new Promise((resolve, reject) => {
    const done = (error: ExecFileException | null, stdout: string, stderr: string) => {
      if (!error) return resolve(stdout)
      // Not error.message: it repeats the whole command line, which may hold a secret.
      const why = error.killed
        ? `no end after ${all.timeout} ms`
        : stderr.trim() || `failed (${String(error.code)})`
      reject(new Error(`${command} ${args[0] ?? ''}: ${why.slice(-2000)}`))
    }
    execFile(command, [...args], { ...all, maxBuffer: 64 << 20, encoding: 'utf8' }, done)
  })
}

/**
 * Below the ports that the kernel gives to whoever asks for any (from 32768 on): one of those another test's server or a
 * client's socket may have a moment later, and then the wrong one answers. And above those that browsers refuse.
 */
const firstPort = 10_240
const portsOfProcess = 64
const lastPort = 32_767
let picked = 0

/** A TCP port of 127.0.0.1 that was free a moment ago: of this process's own few, each in turn. */
export async function freePort(): Promise<number> {
  const processes = Math.floor((lastPort - firstPort + 1) / portsOfProcess)
  const first = firstPort + (process.pid % processes) * portsOfProcess
  for (let tries = 0; tries < portsOfProcess; tries += 1) {
    const port = first + (picked++ % portsOfProcess)
    if (await isFree(port)) return port
  }
  throw new Error(`all ports from ${first} to ${first + portsOfProcess - 1} are taken`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** Tries up to three times: a port that was picked may have been taken before the daemon could bind it. */
export async function retrying<T>(start: () => Promise<T>): Promise<T> {
  const failures: unknown[] = []
  while (failures.length < 3) {
    try {
      return await start()
    } catch (error) {
      failures.push(error)
    }
  }
  throw failures.at(-1)
}

/** Polls `probe` until it gives true. Gives up when a daemon has ended or the time is over, with the tail of the log. */
export async function waitUntilUp(
  daemon: Daemon,
  logFile: string,
  timeoutMs: number,
  probe: () => Promise<boolean>,
) {
  const deadline = Date.now() + timeoutMs
  while (!(await probe().catch(() => false))) {
    if (daemon.isRunning() && Date.now() < deadline) {
      await sleep(30)
      continue
    }
    const how = daemon.isRunning() ? `did not answer within ${timeoutMs} ms` : await daemon.ended
    throw new Error(`${daemon.name} ${how}. Its log ends with:\n${tailOf(logFile)}`)
  }
}

function tailOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-2000)
  } catch {
    return '(no log)'
  }
}

export interface DataFolder {
  path: string
  /** Those that write into it. */
  daemons: Daemon[]
  /** Removes the folder if this call made it; a folder that the caller named stays. */
  remove: () => Promise<void>
}

/** The folder that the caller named, or a new one under the system's temporary folder, mode 0700. */
export async function dataFolder(server: string, given: string | undefined): Promise<DataFolder> {
  const path = given ?? (await mkdtemp(join(tmpdir(), `signpost-${server}-`)))
  const daemons: Daemon[] = []
  const endNow = () => {
    killNow(daemons.filter((daemon) => daemon.isRunning()))
    if (given === undefined) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', endNow)
  const remove = async () => {
    process.removeListener('exit', endNow)
    if (given === undefined) await rm(path, { recursive: true, force: true, maxRetries: 5 })
  }
  return { path, daemons, remove }
}

/** For the end of this process, when nothing asynchronous runs any more: returns when they are gone, after 2 s at most. */
function killNow(daemons: readonly Daemon[]): void {
  for (const { pid } of daemons) process.kill(pid, 'SIGKILL')
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; tries < 400 && daemons.some(({ pid }) => runs(pid)); tries += 1)
    Atomics.wait(clock, 0, 0, 5)
}
