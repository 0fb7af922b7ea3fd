/** The folder that holds what the server keeps on disk, and the files of secrets in it. */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { StartError } from './start-error.ts'

/** Makes the folder, for its owner only. */
export function prepareDataFolder(folder: string): void {
  try {
    const isNew = !existsSync(folder)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (isNew) chmodSync(folder, 0o700)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new StartError(
      `SIGNPOST_DATA_DIR: the folder ${folder} cannot be made or written (${codeOf(cause)}). Name one that this user may write.`,
      cause,
    )
  }
}

/** What the file holds, without the line break at its end; undefined: there is no such file. */
export function readSecretFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new StartError(`${file} cannot be read (${codeOf(cause)}).`, cause)
  }
}

/** Writes a file of mode 0600, whole or not at all. False: there was one already, and it was not touched. */
export function writeSecretFile(folder: string, name: string, text: string): boolean {
  const file = join(folder, name)
  const half = join(folder, `.${name}.${process.pid}`)
  const descriptor = openSync(half, 'w', 0o600)
  try {
    writeSync(descriptor, `${text}\n`)
    fsyncSync(descriptor)
    // Unlike renaming, linking never replaces.
    linkSync(half, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    closeSync(descriptor)
    unlinkSync(half)
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
