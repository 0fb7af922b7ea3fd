import type { Stats } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type FoundFile =
  | { kind: 'file'; path: string; relativePath: string; sizeBytes: number; mtimeMs: number }
  | { kind: 'skipped'; path: string; reason: string }
  | { kind: 'failed'; path: string; error: unknown }

export interface WalkOptions {
  followSymlinks: boolean
  signal: AbortSignal
}

/** How many files are looked at together. */
const statsAtOnce = 64

/** Every file below a folder, in the order of names; what cannot be sent is named, with the reason. */
export async function* filesBelow(
  folder: string,
  options: WalkOptions,
): AsyncGenerator<FoundFile, void, void> {
  yield* walk(folder, '', [await realpath(folder)], options)
}

async function* walk(
  folder: string,
  relativeFolder: string,
  ancestors: readonly string[],
  options: WalkOptions,
): AsyncGenerator<FoundFile, void, void> {
  let names: Buffer[]
  try {
    names = (await readdir(folder, { encoding: 'buffer' })).toSorted((a, b) => a.compare(b))
  } catch (error) {
    yield { kind: 'failed', path: folder, error }
    return
  }
  for (let start = 0; start < names.length; start += statsAtOnce) {
    options.signal.throwIfAborted()
    const some = names.slice(start, start + statsAtOnce)
    for (const entry of await Promise.all(some.map((name) => look(folder, name, options)))) {
      if (!('stats' in entry)) {
        yield entry
        continue
      }
      const { path, stats } = entry
      const relativePath = join(relativeFolder, entry.name)
      if (stats.isDirectory()) yield* enter(path, relativePath, ancestors, options)
      else yield found(path, relativePath, stats)
    }
  }
}

async function* enter(
  path: string,
  relativePath: string,
  ancestors: readonly string[],
  options: WalkOptions,
): AsyncGenerator<FoundFile, void, void> {
  const real = options.followSymlinks ? await realpath(path) : path
  if (ancestors.includes(real)) yield { kind: 'skipped', path, reason: 'symbolic links go in a circle' }
  else yield* walk(path, relativePath, [...ancestors, real], options)
}

type Looked = { path: string; name: string; stats: Stats }

async function look(folder: string, rawName: Buffer, options: WalkOptions): Promise<Looked | FoundFile> {
  const name = rawName.toString('utf8')
  const path = join(folder, name)
  // Such a name has no key; and the text that Node makes of it names no file.
  if (!Buffer.from(name, 'utf8').equals(rawName))
    return { kind: 'failed', path, error: new Error(`${path}: its name is not UTF-8: rename it`) }
  try {
    const own = await lstat(path)
    if (!own.isSymbolicLink()) return { path, name, stats: own }
    if (options.followSymlinks) return { path, name, stats: await stat(path) }
    return {
      kind: 'skipped',
      path,
      reason: 'it is a symbolic link (--follow-symlinks sends what it points to)',
    }
  } catch (error) {
    return { kind: 'failed', path, error }
  }
}

function found(path: string, relativePath: string, stats: Stats): FoundFile {
  const { size, mtimeMs } = stats
  if (stats.isFile()) return { kind: 'file', path, relativePath, sizeBytes: size, mtimeMs }
  const what = stats.isFIFO() ? 'a pipe' : stats.isSocket() ? 'a socket' : 'a device'
  return { kind: 'skipped', path, reason: `it is ${what}, not a file` }
}
