import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Io } from './io.ts'
import { UsageError } from './errors.ts'

/** What `signpost login` keeps. */
export interface StoredLogin {
  url: string
  token: string
}

type Place = Pick<Io, 'env' | 'homeFolder'>

/** XDG Base Directory Specification: a relative path there is to be ignored. */
export function configFile(io: Place): string {
  const base = io.env['XDG_CONFIG_HOME']
  return join(base?.startsWith('/') ? base : join(io.homeFolder, '.config'), 'signpost', 'config.json')
}

/** Where uploads that were broken off are remembered. */
export function stateFolder(io: Place): string {
  const base = io.env['XDG_STATE_HOME']
  return join(base?.startsWith('/') ? base : join(io.homeFolder, '.local', 'state'), 'signpost')
}

/** Undefined: nobody is logged in. */
export async function readLogin(io: Place): Promise<StoredLogin | undefined> {
  const file = configFile(io)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
  const login = parsed(text)
  if (typeof login?.url !== 'string' || typeof login.token !== 'string')
    throw new UsageError(`${file} is not what \`signpost login\` wrote: run it again`)
  return { url: login.url, token: login.token }
}

function parsed(text: string): Partial<StoredLogin> | null {
  try {
    return JSON.parse(text) as Partial<StoredLogin> | null
  } catch {
    return null
  }
}

/** Readable by this user alone, from its first byte. */
export async function saveLogin(io: Place, login: StoredLogin): Promise<string> {
  const file = configFile(io)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await chmod(dirname(file), 0o700)
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(fresh, file)
  return file
}

export async function removeLogin(io: Place): Promise<void> {
  await rm(configFile(io), { force: true })
}
