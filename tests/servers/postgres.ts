import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { runByHand } from './by-hand.ts'
import { dataFolder, freePort, retrying, run, startDaemon, waitUntilUp } from './daemon.ts'
import type { Stoppable } from './daemon.ts'
import { postgresBinaries, requireServer } from './install.ts'

export interface PostgresOptions {
  /** Commits wait for the disk, as in production, unless this is false. */
  fsync?: boolean
  /** One that has a cluster from before is started with it. */
  folder?: string
  port?: number
  /** Further settings, for example `{ max_connections: '20' }`. */
  settings?: Readonly<Record<string, string>>
}

export interface Postgres extends Stoppable {
  /** `postgres://signpost:PASSWORD@127.0.0.1:PORT/postgres`; the user is the superuser. */
  url: string
  /** A new, empty database, and the URL for it. */
  createDatabase: () => Promise<string>
  logFile: string
  pid: number
}

/** Debian's PostgreSQL with a cluster of its own on loopback, scram password. As root it runs as the user `postgres`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const reason = requireServer('postgres').skip
  if (reason !== false) throw new Error(reason)
  return retrying(() => startOnce(options))
}

async function startOnce(options: PostgresOptions): Promise<Postgres> {
  const binaries = postgresBinaries()!
  const user = await userToRunAs()
  const folder = await dataFolder('postgres', options.folder)
  const [data, logFile, passwordFile] = ['data', 'postgres.log', 'password'].map((name) =>
    join(folder.path, name),
  ) as Paths
  const isNew = !existsSync(join(data, 'PG_VERSION'))
  const password = isNew ? randomBytes(18).toString('hex') : await readFile(passwordFile, 'utf8')
  const port = options.port ?? (await freePort())
  if (isNew) await writeFile(passwordFile, password, { mode: 0o600 })
  if (user.uid !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder.path])

  const initdb = [
    '-D',
    data,
    '-U',
    'signpost',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ]
  const folderEnv = { cwd: folder.path, env: { HOME: folder.path, LC_ALL: 'C.UTF-8' }, ...user }
  const fsync = options.fsync ?? true
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: fsync ? 'on' : 'off',
  }
  const flags = Object.entries({ ...settings, ...options.settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  let daemon: ReturnType<typeof startDaemon> | undefined
  const stop = async () => {
    await daemon?.stop()
    await folder.remove()
  }
  const urlFor = (database: string) => `postgres://signpost:${password}@127.0.0.1:${port}/${database}`
  const url = urlFor('postgres')
  try {
    // -N: a cluster that never saw a write has nothing that a crash could lose.
    if (isNew) await run(join(binaries, 'initdb'), [...initdb, '-N'], folderEnv)
    daemon = startDaemon({
      command: join(binaries, 'postgres'),
      args: ['-D', data, ...flags],
      folder,
      logFile,
      // "Fast shutdown": ends the sessions, writes out, exits (PostgreSQL documentation, Shutting Down the Server).
      stopSignal: 'SIGINT',
      ...folderEnv,
    })
    await waitUntilUp(daemon, logFile, 120_000, () => query(url, 'select 1').then(() => true))
  } catch (error) {
    await stop()
    throw error
  }
  const createDatabase = async () => {
    const name = `test_${randomBytes(6).toString('hex')}`
    await query(url, `create database ${name}`)
    return urlFor(name)
  }
  return { url, createDatabase, logFile, pid: daemon.pid, stop }
}

type Paths = [string, string, string]

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 60_000 })
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** PostgreSQL refuses to run as root: then Debian's user `postgres`, which comes with the package. */
async function userToRunAs(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])))
  return { uid: Number(uid), gid: Number(gid) }
}

if (import.meta.main) {
  await runByHand(async () => {
    const { url, stop } = await startPostgres()
    return { SIGNPOST_DATABASE_URL: url, stop }
  })
}
