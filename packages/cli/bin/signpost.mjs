#!/usr/bin/env node
/** Launcher of the command: plain JavaScript for any Node, which finds one that runs the TypeScript sources as they are. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import * as modules from 'node:module'
import { constants as os } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

// Until the program has its own.
const sayInterrupted = () => {
  process.stderr.write('signpost: interrupted\n')
  process.exit(130)
}
process.on('SIGINT', sayInterrupted)
const majorMin = 24
const here = dirname(fileURLToPath(import.meta.url))
const program = join(here, '../src/main.ts')

// Compiled once, not at each command: that is half of the time of a short one. Where it cannot be written, nothing is kept.
const compileCache = join(here, '../../../node_modules/.cache/node-compile')

if (Number(process.versions.node.split('.')[0]) >= majorMin) {
  if (process.env.NODE_COMPILE_CACHE === undefined) modules.enableCompileCache(compileCache)
  await import(pathToFileURL(program).href)
} else runWith(findNode())

/** The Node that npm installed with the workspaces, beside or above this package. */
function findNode() {
  const name = join('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  for (let folder = here; ; folder = dirname(folder)) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      if (folder === dirname(folder)) return undefined
    }
  }
}

function runWith(node) {
  if (!node) {
    process.stderr.write(
      `signpost: needs Node ${majorMin} or newer (this is ${process.version}), and there is none in node_modules. ` +
        'In a checkout, run `npm start` or `npm install` first; elsewhere install Node from https://nodejs.org.\n',
    )
    process.exit(1)
  }
  const env = { NODE_COMPILE_CACHE: compileCache, ...process.env }
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit', env })
  // The terminal sends its signals to both; those of `kill` come here only. A repeated one does no harm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.off('SIGINT', sayInterrupted)
  child.on('exit', (code, signal) => {
    // Stopped before it could say so itself.
    if (signal === 'SIGINT') process.stderr.write('signpost: interrupted\n')
    process.exit(code ?? 128 + os.signals[signal])
  })
}
