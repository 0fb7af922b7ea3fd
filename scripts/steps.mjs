/** Runs the steps of a task one after the other, and says which one failed. Runs on the Node that run.mjs found. */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { root } from './node-version.mjs'

/** Tools of node_modules/.bin and anything that says `node` use this very Node. */
export const env = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.execPath.replace(/\/[^/]+$/, ''), process.env.PATH].join(
    delimiter,
  ),
}

/** Exit code of the command. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env, ...options })
    const forward = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, forward)
      resolve(code ?? (signal ? 1 : 0))
    })
  })
}

/** Runs all of them, so that one run shows everything; answers the exit code of the first that failed. */
export async function runSteps(steps) {
  let failed = 0
  for (const [what, command, ...args] of steps) {
    const begun = Date.now()
    const code = await run(command, args)
    const seconds = ((Date.now() - begun) / 1000).toFixed(1)
    process.stdout.write(`signpost: ${what}: ${code === 0 ? 'ok' : 'failed'}, ${seconds} s\n`)
    failed ||= code
  }
  return failed
}
