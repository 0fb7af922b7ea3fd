/** The program: the only file that reads the environment and handles signals. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { SignpostError } from '@signpost/contract'
import type { pino } from 'pino'
import { parseConfig, secretVariables, type Config } from './config.ts'
import { systemClock, systemIds } from './app.ts'
import { codeOf, prepareDataFolder } from './first-run/data-folder.ts'
import { greet } from './first-run/greeting.ts'
import { recover } from './first-run/recover.ts'
import { StartError } from './first-run/start-error.ts'
import { createLog, openLogOutput } from './log.ts'
import { openStore, serve, type Serving } from './serve.ts'

const root = join(import.meta.dirname, '../../..')
const exitCodes = { clean: 0, failed: 1, badConfiguration: 2 }
/** One Ctrl-C reaches us twice, from the terminal and through npm; only a later signal is a second one. */
const sameSignalMs = 700
/** For what comes behind the requests at a stop: the last writes, to a database that may not answer. */
const lastWritesMs = 10_000

const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
).version
// Whatever is made on disk is for this user alone.
process.umask(0o077)
// Of the command line's nursery (scripts/run.mjs) this thread has its own by now; each of the others would get one as large.
setFlagsFromString('--min-semi-space-size=0')
setFlagsFromString('--max-semi-space-size=0')
await main()

async function main(): Promise<void> {
  let config: Config
  try {
    config = parseConfig(process.env, (file) => readFileSync(file, 'utf8'))
  } catch (error) {
    return end(exitCodes.badConfiguration, messageOf(error))
  }
  const log = createLog(config.SIGNPOST_LOG_LEVEL, openLogOutput())
  process.on('unhandledRejection', (err) => {
    log.fatal({ err }, 'a promise was rejected and nobody looked')
    process.exit(exitCodes.failed)
  })
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'an error was thrown and nobody looked')
    process.exit(exitCodes.failed)
  })
  if (process.argv[2] === 'recover') return recoverAccess(config, log)
  const { serves, stopping } = listenToSignals(config, log)
  try {
    const tls = readTls(config)
    warnIfExposed(config, tls !== undefined, (message) => log.warn({}, message))
    const secrets = secretVariables(process.env)
    const serving = await serve(config, { log, version, secrets, ...(tls ? { tls } : {}) })
    // Little is kept from one request to the next, and V8 would let garbage double the memory. No hard limit. Not on the
    // command line: there it costs 20 MB, since V8 then does not take the code that comes compiled.
    setFlagsFromString('--heap-growing-percent=20')
    // From what happens to be in use at a collection V8 would conclude that all of its kind stays, and put it where only
    // the large collections look: there it is garbage soon, and keeps all that it refers to.
    setFlagsFromString('--no-allocation-site-pretenuring')
    serves(serving)
    await greet({
      serving,
      version,
      root,
      workingFolder: process.cwd(),
      showKey: process.stdout.isTTY,
      print: (line) => console.log(line),
      stopping,
    })
  } catch (error) {
    if (error instanceof StartError) return end(exitCodes.failed, error.message)
    log.fatal({ err: error }, 'the server could not start')
    process.exit(exitCodes.failed)
  }
}

/** `npm run recover`: for whoever has the data folder, when nobody can log in. */
async function recoverAccess(config: Config, log: pino.Logger): Promise<void> {
  const folder = resolve(config.SIGNPOST_DATA_DIR)
  try {
    prepareDataFolder(folder)
    const store = await openStore(config, folder, log)
    try {
      const deps = { store, clock: systemClock, newId: systemIds(), randomBytes }
      const { username, file, expiresAt } = await recover(deps, folder)
      console.log(`An API key of the organisation admin ${username}, good until ${expiresAt}, is in ${file}`)
      console.log(`Use it:  signpost login --token-file ${file}  and delete the file. This was recorded.`)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof StartError || error instanceof SignpostError)
      return end(exitCodes.failed, error.message)
    log.fatal({ err: error }, 'no access could be recovered')
    process.exit(exitCodes.failed)
  }
}

/** A server that starts is stopped at once: what it writes is there whole or not at all. */
function listenToSignals(config: Config, log: pino.Logger) {
  const stopping = new AbortController()
  let serving: Serving | undefined
  let isHangup = false
  let asked = 0
  const onStop = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (asked === 0) {
      asked = now
      stopping.abort()
      stop(signal, serving, log, config.SIGNPOST_DRAIN_SECONDS * 1000 + lastWritesMs)
    } else if (now - asked > sameSignalMs) process.exit(128 + (signal === 'SIGINT' ? 2 : 15))
  }
  const onHangup = () => {
    if (serving) readTlsAgain(config, serving, log)
    else isHangup = true
  }
  process.on('SIGINT', onStop)
  process.on('SIGTERM', onStop)
  process.on('SIGHUP', onTerminal() ? onStop : onHangup)
  return {
    stopping: stopping.signal,
    serves(started: Serving) {
      serving = started
      if (isHangup) onHangup()
    },
  }
}

/** The first signal lets running requests finish; a second one ends at once. */
function stop(
  signal: NodeJS.Signals,
  serving: Serving | undefined,
  log: pino.Logger,
  withinMs: number,
): void {
  if (!serving) {
    log.info({ signal }, 'stopping before it served')
    // The end waits for a statement that runs, maybe a long migration: a second signal is to end it as it ends any process.
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.exit(exitCodes.clean)
  }
  log.info({ signal }, 'stopping: running requests may finish')
  setTimeout(() => {
    log.error({}, 'the database does not answer: the last writes before the end are given up')
    process.exit(exitCodes.failed)
  }, withinMs).unref()
  serving.close().then(
    () => process.exit(exitCodes.clean),
    (err: unknown) => {
      log.fatal({ err }, 'stopping failed')
      process.exit(exitCodes.failed)
    },
  )
}

/** There SIGHUP means that the terminal was closed, by POSIX; elsewhere it is the word for reading files again. */
function onTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY
}

function readTlsAgain(config: Config, { app }: Serving, log: pino.Logger): void {
  const { server } = app.server
  if (!('setSecureContext' in server)) return
  try {
    const tls = readTls(config)
    if (tls) (server as unknown as import('node:tls').Server).setSecureContext(tls)
    log.info({}, 'certificate read again')
  } catch (err) {
    log.error({ err }, 'the certificate could not be read again; the one before stays')
  }
}

function readTls(config: Config): { cert: string; key: string } | undefined {
  const { SIGNPOST_TLS_CERT_FILE: certFile, SIGNPOST_TLS_KEY_FILE: keyFile } = config
  if (certFile === undefined || keyFile === undefined) return undefined
  const read = (name: string, file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch (cause) {
      throw new StartError(`${name}: the file cannot be read (${codeOf(cause)}).`, cause)
    }
  }
  return { cert: read('SIGNPOST_TLS_CERT_FILE', certFile), key: read('SIGNPOST_TLS_KEY_FILE', keyFile) }
}

function warnIfExposed(config: Config, tls: boolean, warn: (message: string) => void): void {
  const host = config.SIGNPOST_HOST
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (!loopback && !tls && config.SIGNPOST_TRUSTED_PROXIES.length === 0)
    warn(
      `Listening on ${host} without TLS and without a named proxy: API keys and live URLs cross the network in the clear. ` +
        'Set SIGNPOST_TLS_CERT_FILE and SIGNPOST_TLS_KEY_FILE, or put a proxy with TLS in front and name it in SIGNPOST_TRUSTED_PROXIES.',
    )
}

function end(code: number, message: string): void {
  process.stderr.write(`signpost: ${message}\n`)
  process.exitCode = code
}

function messageOf(error: unknown): string {
  return error instanceof SignpostError || error instanceof StartError ? error.message : String(error)
}
