import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** What must be the same for an upload to be gone on with. */
export interface UploadIdentity {
  server: string
  team: string
  key: string
  path: string
  sizeBytes: number
  mtimeMs: number
  contentType: string | undefined
  createOnly: boolean
}

export interface UploadStates {
  /** The upload that was broken off, if there is one. */
  find(identity: UploadIdentity): string | undefined
  /** On disk when it returns: the process may be killed at any moment after. */
  keep(identity: UploadIdentity, uploadId: string): void
  forget(identity: UploadIdentity): Promise<void>
  /** Removes what no server remembers any more. */
  sweep(now: number): Promise<void>
}

/** The server itself drops uploads that nobody completes long before. */
const keptMs = 30 * 86_400_000

/** One small file an upload, so that several commands at once do not meet. It holds no secret: an id is none. */
export function createUploadStates(stateFolder: string): UploadStates {
  const folder = join(stateFolder, 'uploads')
  const fileOf = (identity: UploadIdentity) => join(folder, `${digestOf(identity)}.json`)
  return {
    find(identity) {
      try {
        const kept = JSON.parse(readFileSync(fileOf(identity), 'utf8')) as { uploadId?: unknown } | null
        return typeof kept?.uploadId === 'string' ? kept.uploadId : undefined
      } catch {
        return undefined
      }
    },
    keep(identity, uploadId) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const fresh = `${fileOf(identity)}.${process.pid}.new`
      writeFileSync(fresh, `${JSON.stringify({ uploadId, ...identity })}\n`, { mode: 0o600 })
      renameSync(fresh, fileOf(identity))
    },
    forget: (identity) => rm(fileOf(identity), { force: true }),
    async sweep(now) {
      const names = await readdir(folder).catch(() => [])
      for (const name of names) {
        const file = join(folder, name)
        const age = now - (await stat(file).catch(() => ({ mtimeMs: now }))).mtimeMs
        if (age > keptMs) await rm(file, { force: true })
      }
    },
  }
}

function digestOf(identity: UploadIdentity): string {
  const { server, team, key, path, sizeBytes, mtimeMs, contentType, createOnly } = identity
  const parts = [server, team, key, resolve(path), sizeBytes, mtimeMs, contentType ?? null, createOnly]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
