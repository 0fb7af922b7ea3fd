import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { asFolder, formatRemote, type RemoteAddress } from '../address.ts'
import { UsageError } from '../errors.ts'
import type { Io } from '../io.ts'
import type { CpOptions } from './cp-options.ts'
import { filesBelow } from './local-files.ts'
import { keyOf } from './local-path.ts'
import type { Reporter } from './outcome.ts'

/** One file that goes up. `sizeBytes` is left out of what is no regular file. */
export interface UploadFile {
  path: string
  address: RemoteAddress
  sizeBytes?: number
  mtimeMs: number
  contentType: string | undefined
}

/**
 * The files of the sources, with their keys. One folder: its content lands below the target. Several sources: each keeps
 * its own name below the target. What cannot be sent is reported, and the others go on.
 */
export async function* uploadPlan(
  io: Io,
  sources: readonly string[],
  target: RemoteAddress,
  options: CpOptions,
  reporter: Reporter,
): AsyncGenerator<UploadFile, void, void> {
  const intoFolder = sources.length > 1 || target.key === '' || target.key.endsWith('/')
  const { contentType } = options
  for (const source of sources) {
    const name = basename(resolve(source))
    const own = intoFolder ? asFolder(target.key) + name : target.key
    try {
      const stats = await stat(source)
      if (stats.isDirectory()) {
        const prefix = sources.length > 1 ? asFolder(own) : asFolder(target.key)
        yield* folderPlan(io, source, { ...target, key: prefix }, options, reporter)
        continue
      }
      const size = stats.isFile() ? { sizeBytes: stats.size } : {}
      yield { path: source, address: { ...target, key: own }, ...size, mtimeMs: stats.mtimeMs, contentType }
    } catch (error) {
      io.signal.throwIfAborted()
      reporter.report({ from: source, to: formatRemote({ ...target, key: own }), status: 'failed', error })
    }
  }
}

async function* folderPlan(
  io: Io,
  folder: string,
  target: RemoteAddress,
  options: CpOptions,
  reporter: Reporter,
): AsyncGenerator<UploadFile, void, void> {
  if (!options.recursive) throw new UsageError(`${folder} is a folder: copy it with --recursive`)
  const walk = { followSymlinks: options.followSymlinks ?? false, signal: io.signal }
  for await (const found of filesBelow(folder, walk)) {
    if (found.kind === 'file') {
      const { path, relativePath, sizeBytes, mtimeMs } = found
      const key = keyOf(target.key, relativePath, io.platform)
      yield { path, address: { ...target, key }, sizeBytes, mtimeMs, contentType: options.contentType }
    } else if (found.kind === 'skipped')
      reporter.report({ from: found.path, to: formatRemote(target), status: 'skipped', reason: found.reason })
    else reporter.report({ from: found.path, to: formatRemote(target), status: 'failed', error: found.error })
  }
}
