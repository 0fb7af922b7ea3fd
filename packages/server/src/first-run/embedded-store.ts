/** The embedded store: its folder, its key pair, and its port. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import { codeOf, readSecretFile, writeSecretFile } from './data-folder.ts'
import { StartError } from './start-error.ts'

const fileName = 'local-store-credential'
/** The connector that the first start makes for it. */
export const embeddedConnector = 'local'
export const embeddedBucket = 'signpost'
export const embeddedRegion = 'us-east-1'

export interface EmbeddedStore {
  store: LocalStore
  /** Where clients reach it. */
  endpoint: string
  credential: { accessKeyId: string; secretAccessKey: string }
}

export async function openEmbeddedStore(options: {
  folder: string
  host: string
  port: number
  /** Under which address clients reach it; unset: where it listens. */
  endpoint?: string | undefined
}): Promise<EmbeddedStore> {
  const credential = credentialIn(options.folder)
  try {
    const store = await openLocalStore({
      dataDir: join(options.folder, 'local-store'),
      host: options.host,
      port: options.port,
      region: embeddedRegion,
      credentials: [credential],
    })
    await store.createBucket(embeddedBucket)
    return {
      store,
      credential,
      endpoint: options.endpoint ?? store.endpoint.replace(/\/\/(0\.0\.0\.0|\[::\]):/, '//127.0.0.1:'),
    }
  } catch (cause) {
    throw listenError(cause, 'SIGNPOST_LOCAL_STORE_PORT', options) ?? cause
  }
}

/** A clear word on a port that cannot be had; undefined: that was not the reason. */
export function listenError(
  cause: unknown,
  variable: string,
  { host, port }: { host: string; port: number },
): StartError | undefined {
  const reason = {
    EADDRINUSE: `port ${port} of ${host} is in use. Stop what uses it, or set ${variable} to a free port.`,
    EACCES: `this user may not listen on port ${port}. Set ${variable} to a port above 1023.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Set SIGNPOST_HOST to one that is.`,
    ENOTFOUND: `${host} is not an address of this machine. Set SIGNPOST_HOST to one that is.`,
  }[codeOf(cause)]
  return reason === undefined ? undefined : new StartError(`${variable}: ${reason}`, cause)
}

function credentialIn(folder: string): EmbeddedStore['credential'] {
  const file = join(folder, fileName)
  if (readSecretFile(file) === undefined) {
    const made = {
      accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64url'),
    }
    writeSecretFile(folder, fileName, JSON.stringify(made))
  }
  const [, accessKeyId, secretAccessKey] =
    /^\{"accessKeyId":"([^"]+)","secretAccessKey":"([^"]+)"\}$/.exec(readSecretFile(file) ?? '') ?? []
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new StartError(
      `The embedded store's credential in ${file} is damaged. Put the right file back; it was not changed.`,
    )
  return { accessKeyId, secretAccessKey }
}
