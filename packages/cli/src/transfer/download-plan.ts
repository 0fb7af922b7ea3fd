import { lstat, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { NodeSignpost } from '@signpost/sdk/node'
import { asFolder, formatRemote, lastName, type RemoteAddress } from '../address.ts'
import { UsageError } from '../errors.ts'
import type { Io } from '../io.ts'
import type { CpOptions } from './cp-options.ts'
import { localPathOf } from './local-path.ts'
import type { Reporter } from './outcome.ts'

/** One object that comes down; `isPipe`: into something that is no regular file. */
export interface DownloadFile {
  path: string
  address: RemoteAddress
  sizeBytes?: number
  isPipe: boolean
}

/**
 * The objects of the sources, with their files. One folder: its content lands below the target. Several sources: each
 * keeps its own name below the target. What has no safe place below the target is reported, and the others go on.
 */
export async function* downloadPlan(
  io: Io,
  client: NodeSignpost,
  sources: readonly RemoteAddress[],
  target: string,
  options: CpOptions,
  reporter: Reporter,
): AsyncGenerator<DownloadFile, void, void> {
  const kind = await kindOf(target)
  const intoFolder = sources.length > 1 || kind === 'folder' || /[/\\]$/.test(target.replaceAll(sep, '/'))
  if (kind === 'file' && intoFolder) throw new UsageError(`${target} is a file, not a folder`)
  for (const source of sources) {
    const isFolder = source.key === '' || source.key.endsWith('/')
    if (isFolder && !options.recursive)
      throw new UsageError(`${formatRemote(source)} is a folder: copy it with --recursive`)
    const name = lastName(source.key) || source.team
    if (options.recursive) {
      const folder = sources.length > 1 ? localPathOf(target, name, io.platform) : target
      let found = 0
      for await (const file of folderPlan(io, client, source, folder, reporter)) {
        found += 1
        if (file) yield file
      }
      if (found > 0 || isFolder) continue
    }
    const placed = await place(source, target, reporter, async () =>
      intoFolder || options.recursive
        ? { path: await safePath(target, name, io.platform), isPipe: false }
        : { path: kind === 'file' ? await realpath(target) : target, isPipe: kind === 'pipe' },
    )
    if (placed) yield { ...placed, address: source }
  }
}

async function* folderPlan(
  io: Io,
  client: NodeSignpost,
  source: RemoteAddress,
  folder: string,
  reporter: Reporter,
): AsyncGenerator<DownloadFile | undefined, void, void> {
  const prefix = asFolder(source.key)
  const checked = new Map<string, Promise<void>>()
  for await (const entry of client.list(source.team, { prefix, signal: io.signal })) {
    if ('prefix' in entry) continue
    const { key, sizeBytes } = entry
    const address = { team: source.team, key }
    if (key.endsWith('/') && sizeBytes === 0) {
      const reason = 'it is the marker of a folder'
      reporter.report({ from: formatRemote(address), to: folder, status: 'skipped', reason })
      yield undefined
      continue
    }
    const path = await place(address, folder, reporter, () =>
      safePath(folder, key.slice(prefix.length), io.platform, checked),
    )
    yield path === undefined ? undefined : { path, address, sizeBytes, isPipe: false }
  }
}

async function place<T>(
  address: RemoteAddress,
  target: string,
  reporter: Reporter,
  find: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await find()
  } catch (error) {
    reporter.report({ from: formatRemote(address), to: target, status: 'failed', error })
    return undefined
  }
}

/** `localPathOf`, and no symbolic link on the way leads elsewhere. */
async function safePath(
  folder: string,
  key: string,
  platform: NodeJS.Platform,
  checked = new Map<string, Promise<void>>(),
): Promise<string> {
  const path = localPathOf(folder, key, platform)
  for (const step of stepsBelow(folder, dirname(path))) {
    const check = checked.get(step) ?? refuseLink(step)
    checked.set(step, check)
    await check
  }
  await refuseLink(path)
  return path
}

function stepsBelow(folder: string, path: string): string[] {
  const segments = relative(folder, path).split(sep)
  return segments[0] === '' ? [] : segments.map((_, index) => join(folder, ...segments.slice(0, index + 1)))
}

async function refuseLink(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined || stats.isFile() || stats.isDirectory()) return
  const what = stats.isSymbolicLink() ? 'a symbolic link' : 'no regular file'
  throw new Error(`${path} is ${what}: it is not written through`)
}

async function kindOf(path: string): Promise<'nothing' | 'file' | 'folder' | 'pipe'> {
  try {
    const stats = await stat(path)
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : 'pipe'
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 'nothing'
    throw error
  }
}
