/** The files that hold bytes. Their names are random: a key or a bucket name never becomes part of a path. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, unlinkSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface BodyWriter {
  write(chunk: Buffer): Promise<void>
  /** Makes the bytes durable under the name that is returned. */
  finish(): Promise<string>
  /** Removes what has been written. */
  abandon(): Promise<void>
}

export interface BodyFiles {
  create(): Promise<BodyWriter>
  pathOf(file: string): string
  /** Keeps files on disk while they are read; call the result once. */
  hold(files: readonly string[]): () => void
  /** Removes files that no row names any more, as soon as nobody reads them. Never throws: the next start sweeps. */
  discard(files: readonly string[]): Promise<void>
}

/** Writes to disk are gathered up to this size. */
const WRITE_BYTES = 512 * 1024

/** Opens the folder and removes what a crash has left: everything in tmp/, and bodies that `isKnown` denies. */
export function openBodyFiles(dataDir: string, isKnown: (file: string) => boolean): BodyFiles {
  const temporary = join(dataDir, 'tmp')
  const bodies = join(dataDir, 'bodies')
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true, mode: 0o700 })
  for (let byte = 0; byte < 256; byte += 1) {
    const folder = join(bodies, byte.toString(16).padStart(2, '0'))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const file of readdirSync(folder)) if (!isKnown(file)) unlinkSync(join(folder, file))
  }
  const pathOf = (file: string) => join(bodies, file.slice(0, 2), file)
  return {
    pathOf,
    create: () => createBodyWriter(temporary, pathOf),
    ...createHolds(pathOf),
  }
}

function createHolds(pathOf: (file: string) => string): Pick<BodyFiles, 'hold' | 'discard'> {
  const readers = new Map<string, number>()
  const doomed = new Set<string>()
  const remove = (file: string) => unlink(pathOf(file)).catch(() => undefined)
  return {
    hold: (files) => {
      for (const file of files) readers.set(file, (readers.get(file) ?? 0) + 1)
      return () => {
        for (const file of files) {
          const left = (readers.get(file) ?? 1) - 1
          if (left > 0) {
            readers.set(file, left)
          } else {
            readers.delete(file)
            if (doomed.delete(file)) void remove(file)
          }
        }
      }
    },
    discard: async (files) => {
      const free = files.filter((file) => !readers.has(file))
      for (const file of files) if (readers.has(file)) doomed.add(file)
      await Promise.all(free.map(remove))
    },
  }
}

async function createBodyWriter(temporary: string, pathOf: (file: string) => string): Promise<BodyWriter> {
  const file = randomBytes(16).toString('hex')
  const path = join(temporary, file)
  const handle = await open(path, 'wx', 0o600)
  let pending: Buffer[] = []
  let pendingBytes = 0
  const flush = async () => {
    const [chunks, sizeBytes] = [pending, pendingBytes]
    pending = []
    pendingBytes = 0
    if (sizeBytes > 0) await writeFully(handle, chunks, sizeBytes)
  }
  return {
    write: async (chunk) => {
      pending.push(chunk)
      pendingBytes += chunk.length
      if (pendingBytes >= WRITE_BYTES) await flush()
    },
    finish: async () => {
      await flush()
      await handle.sync()
      await handle.close()
      const target = pathOf(file)
      await rename(path, target)
      await syncFolder(join(target, '..'))
      return file
    },
    abandon: async () => {
      await handle.close().catch(() => undefined)
      await unlink(path).catch(() => undefined)
    },
  }
}

async function writeFully(handle: FileHandle, chunks: Buffer[], sizeBytes: number): Promise<void> {
  let at = (await handle.writev(chunks)).bytesWritten
  if (at === sizeBytes) return
  const data = Buffer.concat(chunks)
  while (at < data.length) at += (await handle.write(data, at)).bytesWritten
}

/** A rename is durable only when the directory is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
