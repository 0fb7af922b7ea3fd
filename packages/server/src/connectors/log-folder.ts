/** Reads log files below one folder, as another user may write them: links, pipes and devices are left alone. */
import { constants, type Dirent } from 'node:fs'
import { lstat, open, readdir, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, sep } from 'node:path'
import { SignpostError } from '@signpost/contract'
import type { FileOnServer, LogFolder } from '../domain/log-folder.ts'

const filesMax = 100_000
const depthMax = 8
const chunkBytes = 256 * 1024

/** `only`: names of files; nothing else is there, and no folder is gone into. */
export function createLogFolder(folder: string, only?: RegExp): LogFolder {
  return {
    list: async (path) => naming(path, async () => listed(await below(folder, path), path, only)),
    async *read({ name, id }, { from, to }) {
      const file = await naming(name, async () => opened(await below(folder, name), id))
      try {
        for (let at = from; at < to;) {
          const length = Math.min(chunkBytes, to - at)
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
          if (bytesRead === 0) break
          at += bytesRead
          yield buffer.subarray(0, bytesRead)
        }
      } finally {
        await file.close()
      }
    },
    async *listen(path, { silenceMs, lastsMs, bytesMax, signal }) {
      const real = await naming(path, async () => {
        const found = await below(folder, path)
        if (!(await lstat(found)).isSocket()) throw refused(path, 'is no socket')
        return found
      })
      const socket = connect(real)
      const ends = AbortSignal.any([signal, AbortSignal.timeout(lastsMs)])
      const end = () => void socket.destroy()
      ends.addEventListener('abort', end, { once: true })
      socket.setTimeout(silenceMs, end)
      let bytes = 0
      try {
        for await (const chunk of socket) {
          yield chunk as Buffer
          if ((bytes += (chunk as Buffer).length) >= bytesMax) break
        }
      } catch (error) {
        if (!ends.aborted && codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw asRefused(path, error)
      } finally {
        ends.removeEventListener('abort', end)
        end()
      }
    },
  }
}

/** The real path: no link on the way leads out. */
async function below(folder: string, path: string): Promise<string> {
  const root = await realpath(folder)
  const wanted = join(root, path)
  const real = await realpath(wanted)
  const isInside = real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
  if (!isInside || path.split('/').includes('..')) throw refused(path, 'leads out of the folder')
  return real
}

async function listed(real: string, path: string, only: RegExp | undefined): Promise<FileOnServer[]> {
  const stat = await lstat(real)
  const found: FileOnServer[] = []
  if (stat.isFile()) await add(found, real, path)
  else if (stat.isDirectory()) await addAll(found, real, path, only === undefined ? 0 : depthMax)
  else throw refused(path, 'is neither a file nor a folder')
  const wanted = only ? found.filter(({ name }) => only.test(name)) : found
  return wanted.toSorted((a, b) => a.modifiedAt - b.modifiedAt || (a.name < b.name ? -1 : 1))
}

async function addAll(found: FileOnServer[], real: string, path: string, depth: number): Promise<void> {
  const entries: Dirent[] = await readdir(real, { withFileTypes: true })
  for (const entry of entries) {
    if (found.length >= filesMax) throw refused(path, `holds more than ${filesMax} files`)
    const name = path === '.' ? entry.name : `${path}/${entry.name}`
    if (entry.isFile()) await add(found, join(real, entry.name), name)
    else if (entry.isDirectory() && depth < depthMax)
      await addAll(found, join(real, entry.name), name, depth + 1)
  }
}

async function add(found: FileOnServer[], real: string, name: string): Promise<void> {
  try {
    const { dev, ino, size, mtimeMs } = await lstat(real)
    found.push({ name, id: `${dev}-${ino}`, sizeBytes: size, modifiedAt: Math.floor(mtimeMs) })
  } catch (error) {
    // Turned over meanwhile.
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** A pipe would hold the server up until somebody writes, and a link may have been put there since it was listed. */
async function opened(real: string, id: string): Promise<FileHandle> {
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || `${stat.dev}-${stat.ino}` !== id)
      throw Object.assign(new Error('another file'), { code: 'ENOENT' })
    await checkPlace(file, real)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A folder on the way may have been exchanged for a link that leads out. Linux says which file was opened. */
async function checkPlace({ fd }: FileHandle, real: string): Promise<void> {
  const place = await readlink(`/proc/self/fd/${fd}`).catch(() => real)
  if (place !== real && place !== `${real} (deleted)`)
    throw Object.assign(new Error('exchanged'), { code: 'ENOENT' })
}

async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asRefused(path, error)
  }
}

function asRefused(path: string, error: unknown): SignpostError {
  if (error instanceof SignpostError) return error
  const code = codeOf(error)
  if (code === 'ENOENT') return new SignpostError('not_found', sentence(path, 'is not there'))
  return refused(path, `cannot be read (${code})`)
}

function refused(path: string, why: string): SignpostError {
  return new SignpostError('invalid', sentence(path, why), { field: 'settings.path' })
}

function sentence(path: string, why: string): string {
  return `settings.path: ${path} below SIGNPOST_LOGS_DIR ${why}.`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
