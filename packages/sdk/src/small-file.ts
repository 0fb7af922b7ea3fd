import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writevSync } from 'node:fs'
import { TransferError } from './transfer-error.ts'

/** Up to this size, bytes, a file is read and written at one go. */
export const smallFileBytes = 256 * 1024

/** A disk that takes longer for a small file on average, ms, is slow. Ample, since a busy machine adds to it. */
const slowMs = 4

/**
 * Small files in the calling thread: for a disk that answers at once, a trip to another thread and back costs several
 * times what the system calls do. Does nothing any more once the disk has shown to be slow: others would wait for it.
 */
export interface SmallFiles {
  /** Undefined: not read; also where the path is no regular file of up to `smallFileBytes`. */
  read(path: string): Uint8Array | undefined
  /** False: not written. The file appears under its name when it is whole. */
  write(path: string, chunks: Uint8Array[], sizeBytes: number): boolean
}

/** @param now ms, from any beginning */
export function createSmallFiles(now: () => number = () => performance.now()): SmallFiles {
  let averageMs = 0
  const timed = <T>(work: () => T): T => {
    const begun = now()
    try {
      return work()
    } finally {
      averageMs = averageMs * 0.9 + (now() - begun) * 0.1
    }
  }
  return {
    read: (path) => (averageMs > slowMs ? undefined : timed(() => readSmall(path))),
    write(path, chunks, sizeBytes) {
      if (averageMs > slowMs || sizeBytes > smallFileBytes) return false
      timed(() => writeSmall(path, chunks, sizeBytes))
      return true
    },
  }
}

function readSmall(path: string): Uint8Array | undefined {
  const file = openSync(path, 'r')
  try {
    const stat = fstatSync(file)
    const { size } = stat
    if (!stat.isFile() || size > smallFileBytes) return undefined
    const bytes = Buffer.allocUnsafeSlow(size)
    let filled = 0
    while (filled < size) {
      const read = readSync(file, bytes, filled, size - filled, filled)
      if (read === 0) throw new TransferError('source_changed', `${path} became shorter while it was read`)
      filled += read
    }
    return bytes
  } finally {
    closeSync(file)
  }
}

function writeSmall(path: string, chunks: Uint8Array[], sizeBytes: number): void {
  const part = `${path}.whole.part`
  try {
    const file = openSync(part, 'w')
    try {
      const written = chunks.length === 0 ? 0 : writevSync(file, chunks, 0)
      if (written !== sizeBytes) {
        throw new TransferError('size_mismatch', `${path}: ${written} of ${sizeBytes} bytes could be written`)
      }
    } finally {
      closeSync(file)
    }
    renameSync(part, path)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}
