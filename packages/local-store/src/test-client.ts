/** For the tests: a store in a folder of its own, and clients that are independent of this package's code. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import type { LocalStore, LocalStoreOptions } from './index.ts'
import { openLocalStore } from './index.ts'

export const CREDENTIAL = { accessKeyId: 'LOCALKEY0001', secretAccessKey: 'local-secret-for-tests-only' }
export const BUCKET = 'demo-bucket'

export interface TestStore {
  store: LocalStore
  s3: S3Client
  dataDir: string
  logLines: () => Promise<string[]>
  reopen: () => Promise<void>
  close: () => Promise<void>
}

export async function openTestStore(options: Partial<LocalStoreOptions> = {}): Promise<TestStore> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'local-store-')))
  const open = async () => {
    const store = await openLocalStore({ dataDir, credentials: [CREDENTIAL], ...options })
    await store.createBucket(BUCKET)
    return { store, s3: createS3Client(store.endpoint) }
  }
  const test: TestStore = {
    ...(await open()),
    dataDir,
    logLines: async () => (await readFile(test.store.accessLogFile, 'latin1')).split('\n').slice(0, -1),
    reopen: async () => {
      test.s3.destroy()
      await test.store.close()
      Object.assign(test, await open())
    },
    close: async () => {
      test.s3.destroy()
      await test.store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return test
}

export function createS3Client(endpoint: string, settings: object = {}): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIAL,
    maxAttempts: 1,
    ...settings,
  })
}

export interface RawAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** Sends a path exactly as it is given: no normalisation, no header beyond those named. */
export function sendRaw(
  store: LocalStore,
  method: string,
  path: string,
  options: { headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: store.port, method, path, headers: options.headers ?? {}, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(options.body)
  })
}

export function codeOf(answer: RawAnswer): string | undefined {
  return /<Code>([^<]*)<\/Code>/.exec(answer.text)?.[1]
}

export function pathOf(url: string): string {
  return url.slice(url.indexOf('/', 'http://'.length))
}
