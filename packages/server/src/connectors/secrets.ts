/** Secrets that stand in the settings as references: where they may be read from, and putting them in their places. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import {
  ConnectorSettings,
  SignpostError,
  type ResolvedSettings,
  type SecretReference,
} from '@signpost/contract'

/** Reads what a reference refers to. Throws `credential_unavailable`, naming the reference, where there is nothing. */
export type ReadSecret = (reference: SecretReference) => string

export interface SecretPlaces {
  /** Variables SIGNPOST_SECRET_* of the server, and no others. */
  env: Readonly<Record<string, string | undefined>>
  /** Unset: no file is read. */
  secretsDir?: string | undefined
}

const bytesMax = 65_536

export const refuseReference: ReadSecret = () => {
  throw new SignpostError('credential_unavailable', 'This server reads no secrets by reference.')
}

export function createSecretReader({ env, secretsDir }: SecretPlaces): ReadSecret {
  return (reference) => {
    if ('env' in reference) {
      const name = reference.env
      // The contract holds the form; this holds the door, whatever was stored.
      const value =
        /^SIGNPOST_SECRET_[A-Z0-9_]+$/.test(name) && Object.hasOwn(env, name) ? env[name] : undefined
      return textOf(value ?? '', `the variable ${name}`)
    }
    const what = `the file ${reference.file} below SIGNPOST_SECRETS_DIR`
    if (secretsDir === undefined)
      throw unavailable('references to files are refused: SIGNPOST_SECRETS_DIR is not set on this server')
    return textOf(readBelow(secretsDir, reference.file, what), what)
  }
}

/**
 * Kubernetes renews a mounted secret by turning one symbolic link (`..data`) to a new folder and removing the old one:
 * between finding the real path and opening it, it may be gone. Then it is there at the second try.
 */
function readBelow(folder: string, file: string, what: string): string {
  try {
    return readOnce(folder, file, what)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw asUnavailable(error, what)
  }
  try {
    return readOnce(folder, file, what)
  } catch (error) {
    throw asUnavailable(error, what)
  }
}

function readOnce(folder: string, file: string, what: string): string {
  const root = realpathSync(folder)
  const real = realpathSync(join(root, file))
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw unavailable(`${what} leads out of the folder`)
  // A pipe would hold the server up until somebody writes.
  const descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    checkOpened(descriptor, real, what)
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw unavailable(`${what} is no file`)
    const bytes = Buffer.alloc(bytesMax + 1)
    let length = 0
    for (let read = -1; read !== 0 && length <= bytesMax; length += read)
      read = readSync(descriptor, bytes, length, bytes.length - length, null)
    if (length > bytesMax) throw unavailable(`${what} is larger than ${bytesMax} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Between finding the real path and opening it, a folder on the way may have been exchanged for a link that leads out. Linux
 * says which file was opened; elsewhere the folder's writers are trusted that far.
 */
function checkOpened(descriptor: number, real: string, what: string): void {
  let opened: string
  try {
    opened = readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return
  }
  // What was removed meanwhile may be read: it was opened in its place.
  if (opened !== real && opened !== `${real} (deleted)`)
    throw unavailable(`${what} was exchanged while it was read`)
}

function textOf(raw: string, what: string): string {
  const text = raw.replace(/\r?\n$/, '')
  if (text === '') throw unavailable(`${what} is not set or empty`)
  if (text.includes('\0')) throw unavailable(`${what} holds a NUL character`)
  return text
}

function asUnavailable(error: unknown, what: string): SignpostError {
  if (error instanceof SignpostError) return error
  const code = codeOf(error)
  return unavailable(`${what} ${code === 'ENOENT' ? 'is not there' : `cannot be read as text (${code})`}`)
}

function unavailable(problem: string): SignpostError {
  return new SignpostError('credential_unavailable', `A referenced secret cannot be read: ${problem}.`)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}

const readsMax = 3

/**
 * Settings with every secret in its place. References stand in the credential alone. A key id and its secret may be
 * renewed while they are read one after the other: they are read until twice the same came.
 */
export function resolveSecrets(settings: ConnectorSettings, read: ReadSecret): ResolvedSettings {
  const references = referencesOf(settings)
  const readAll = () => references.map(read)
  let texts = readAll()
  for (let reads = 1; texts.length > 1 && reads < readsMax; reads++) {
    const again = readAll()
    if (again.every((text, index) => text === texts[index])) break
    texts = again
  }
  const byReference = new Map(references.map((reference, index) => [reference, texts[index]!]))
  const whole = resolved(settings, byReference) as ResolvedSettings
  if (references.length > 0) checkResolved(whole)
  return whole
}

/** The contract's rules hold for what is referred to as for what is given: an id that holds more would show it in every URL. */
function checkResolved(settings: ResolvedSettings): void {
  const [issue] = ConnectorSettings.safeParse(settings).error?.issues ?? []
  if (issue) throw unavailable(`what settings.${issue.path.join('.')} refers to ${issue.message}`)
}

function resolved(value: unknown, texts: ReadonlyMap<unknown, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, texts))
  if (typeof value !== 'object' || value === null) return value
  return (
    texts.get(value) ??
    Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolved(one, texts)]))
  )
}

/** Every reference in it, in the order in which they stand. */
export function referencesOf(value: unknown): SecretReference[] {
  if (isReference(value)) return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((one) => referencesOf(one))
}

export function isReference(value: unknown): value is SecretReference {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const [name, ...others] = Object.keys(value)
  return others.length === 0 && (name === 'env' || name === 'file')
}
