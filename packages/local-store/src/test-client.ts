/** For the tests: a store in a folder of its own, and clients that are independent of this package's code. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
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
  const opened: TestStore = {
    ...(await open()),
    dataDir,
    logLines: async () => (await readFile(opened.store.accessLogFile, 'latin1')).split('\n').slice(0, -1),
    reopen: async () => {
      opened.s3.destroy()
      await opened.store.close()
      Object.assign(opened, await open())
    },
    close: async () => {
      opened.s3.destroy()
      await opened.store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return opened
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

/** Signs as a broker does: with `X-User=alice` inside the signature, and without checksums of its own. */
export function createPresigner(opened: TestStore) {
  const s3 = createS3Client(opened.store.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' })
  s3.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { query: object }).query, { 'X-User': 'alice' })
      return next(args)
    },
    { step: 'build' },
  )
  const host = `127.0.0.1:${opened.store.port}`
  const presign = async (command: object, options: Parameters<typeof getSignedUrl>[2] = {}) =>
    pathOf(await getSignedUrl(s3, command as never, options))
  return {
    s3,
    presign,
    read: (Key: string) => presign(new GetObjectCommand({ Bucket: BUCKET, Key })),
    write: (Key: string, more: object = {}, options: object = {}) =>
      presign(new PutObjectCommand({ Bucket: BUCKET, Key, ...more }), options),
    send: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
      sendRaw(opened.store, method, path, {
        headers: { host, ...headers },
        ...(body === undefined ? {} : { body }),
      }),
  }
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

/** The body files, finished or not. */
export async function filesUnder(dataDir: string): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true, withFileTypes: true })
  return names
    .filter((one) => one.isFile() && /^(?:bodies|tmp)/.test(relative(dataDir, one.parentPath)))
    .map((one) => one.name)
}

export function presignPut(s3: S3Client, Key: string): Promise<string> {
  return getSignedUrl(s3, new PutObjectCommand({ Bucket: BUCKET, Key }) as never)
}

/** Sends no checksums unless it is told to; its pre-signed PUTs take any body. */
export function createPlainClient(endpoint: string): S3Client {
  return createS3Client(endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' })
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await condition()) return
    await delay(25)
  }
  assert.fail('The condition did not come true within a minute.')
}
