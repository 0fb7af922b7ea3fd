/** Test support: the command as a process of its own, with folders of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const program = join(import.meta.dirname, '../main.ts')

export interface Ran {
  code: number | string
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string | Buffer
}

export interface Shell {
  /** The folder that commands run in. */
  folder: string
  run: (args: readonly string[], options?: RunOptions) => Promise<Ran>
  start: (args: readonly string[], options?: RunOptions) => ChildProcess & { ended: Promise<Ran> }
}

/** A folder to work in; nothing of the caller's settings. */
export function openShell(t: TestContext, env: Record<string, string>): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SIGNPOST_|NODE_TEST|XDG_|AWS_|AZURE_|GOOGLE_)/.test(name),
  )
  const base = {
    ...Object.fromEntries(inherited),
    XDG_CONFIG_HOME: join(folder, '.config'),
    XDG_STATE_HOME: join(folder, '.state'),
    ...env,
  }
  const start = (args: readonly string[], options: RunOptions = {}) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...base, ...options.env },
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    // A command that ends before it has read everything is no error of the test.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    t.after(() => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    })
    const ended = once(child, 'close').then(([code, signal]) => ({
      code: (code ?? signal) as number | string,
      stdout: Buffer.concat(out).toString('utf8'),
      stderr: Buffer.concat(err).toString('utf8'),
    }))
    return Object.assign(child, { ended })
  }
  return { folder, start, run: (args, options) => start(args, options).ended }
}
