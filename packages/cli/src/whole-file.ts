import { createWriteStream } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Writes lines into a file that gets its name when it is whole: what was broken off would look like all there is. A pipe or
 * a device is written as it comes.
 */
export async function writeWhole(
  lines: AsyncIterable<string>,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const there = await stat(file).catch(() => undefined)
  if (there && !there.isFile()) return pipeline(Readable.from(lines), createWriteStream(file), { signal })
  const target = there ? await realpath(file) : file
  const half = `${target}.part`
  try {
    await pipeline(Readable.from(lines), createWriteStream(half, { mode: there?.mode ?? 0o600 }), { signal })
    await rename(half, target)
  } catch (error) {
    await rm(half, { force: true })
    throw error
  }
}
