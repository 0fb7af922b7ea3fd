/**
 * Brings node_modules in line with package-lock.json, if it is not. A stamp file in node_modules says what was installed
 * last; a full installation also serves where only production is needed. Safe when two run at once. Runs on Node 20.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { root } from './node-version.mjs'

const modules = join(root, 'node_modules')
const stampFile = join(modules, '.signpost-installed')
/** Beside node_modules, which npm may replace. */
const lockFolder = join(root, '.signpost-installing')
const waitMs = 300
/** A lock older than this was left behind: an installation takes a minute or two. */
const lockMsMax = 15 * 60_000

/** @param {'production' | 'full'} needed */
export async function install(needed) {
  if (isInstalled(needed)) return
  requireWritable()
  const release = await takeLock(() => isInstalled(needed))
  if (!release) return
  try {
    const begun = Date.now()
    say(`installing dependencies (${needed === 'full' ? 'all' : 'for production'}), once ...`)
    await npmInstall(needed)
    writeFileSync(stampFile, JSON.stringify({ lock: lockHash(), mode: needed, platform: platform() }))
    say(`installed in ${Math.round((Date.now() - begun) / 1000)} s`)
  } finally {
    release()
  }
}

function isInstalled(needed) {
  return isInstalledByUs(needed) || isInstalledByHand(needed)
}

function isInstalledByUs(needed) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    return (
      stamp.lock === lockHash() &&
      stamp.platform === platform() &&
      (stamp.mode === 'full' || stamp.mode === needed)
    )
  } catch {
    return false
  }
}

/** Somebody ran npm here after the lock file had changed: npm leaves a lock file of its own in node_modules. */
function isInstalledByHand(needed) {
  const at = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0)
  const installed = at(join(modules, '.package-lock.json'))
  if (installed === 0 || installed < at(stampFile)) return false
  // npm writes the two one after the other.
  if (installed + 5000 < at(join(root, 'package-lock.json'))) return false
  return existsSync(join(modules, needed === 'full' ? 'typescript' : 'fastify'))
}

/** Of what decides about node_modules: the lock file. */
function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** The same folder may be mounted on another machine. */
const platform = () => `${process.platform}-${process.arch}`

function requireWritable() {
  try {
    accessSync(existsSync(modules) ? modules : root, constants.W_OK)
    accessSync(root, constants.W_OK)
  } catch {
    throw new Error(
      `The dependencies are not installed, and ${root} is not writable for this user. ` +
        'Run `npm install --no-save` there once as its owner, or make it writable.',
    )
  }
}

/** Answers how to give the lock back; undefined: somebody else has done the work in the meantime. */
export async function takeLock(done, doing = 'installing dependencies') {
  let told = false
  for (;;) {
    try {
      mkdirSync(lockFolder)
      writeFileSync(join(lockFolder, 'pid'), String(process.pid))
      const release = () => rmSync(lockFolder, { recursive: true, force: true })
      process.once('exit', release)
      return () => {
        process.off('exit', release)
        release()
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isLeftBehind()) {
      rmSync(lockFolder, { recursive: true, force: true })
      continue
    }
    if (!told) say(`another process is ${doing}; waiting for it ...`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (done()) return undefined
  }
}

function isLeftBehind() {
  try {
    if (Date.now() - statSync(lockFolder).mtimeMs > lockMsMax) return true
    process.kill(Number(readFileSync(join(lockFolder, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // No such process. A process of another user answers EPERM; a lock without its pid yet, ENOENT or NaN.
    return error.code === 'ESRCH'
  }
}

/**
 * `npm install --no-save` takes the very versions and checksums of the lock file, as `npm ci` does. `npm ci` itself refuses
 * to run where a registry does not have the optional packages of every platform (a mirror for one, say).
 */
function npmInstall(needed) {
  // Inside `npm start` the npm at hand says where it is; settings of the outer npm must not leak into this one.
  const npm = process.env.npm_execpath
  const [command, first] = npm?.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []]
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^npm_(config_omit|config_only|config_production|config_ignore_scripts|config_dry_run|lifecycle|package)/i.test(
          name,
        ),
    ),
  )
  const args = ['install', '--no-save', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  args.push(...(needed === 'full' ? ['--include=dev'] : ['--omit=dev']))
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env: { ...env, NODE_ENV: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(0, 1500)
    })
    const stop = (signal) => {
      child.kill(signal)
      process.exit(130)
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const settled = () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
    child.on('error', (error) => {
      settled()
      reject(
        new Error(
          `npm cannot be run (${error.message}). Install npm, or run \`npm install --no-save\` in ${root} by other means.`,
        ),
      )
    })
    child.on('exit', (code) => {
      settled()
      if (code === 0) resolve(undefined)
      else
        reject(
          new Error(
            `npm install failed with code ${code}. Is the package registry reachable, and does node_modules belong to this user?\n${said.trim()}`,
          ),
        )
    })
  })
}

function say(text) {
  process.stdout.write(`signpost: ${text}\n`)
}
