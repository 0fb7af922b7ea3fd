/** A page on another origin, in a real Chromium, uploads in parts through the SDK and reads back by range, on real stores. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { CreateBucketCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import { createSignpost } from '@signpost/sdk'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { root } from '../repo/files.ts'
import { launchChromium, type Chromium } from '../servers/chromium.ts'
import { requireServer } from '../servers/install.ts'
import { startRgw } from '../servers/rgw.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

const sizeBytes = 50 * 1024 * 1024
const partSizeBytes = 8 * 1024 * 1024

interface S3Store {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

/** What runs in the page: makes 50 MB, uploads it, reads it back and compares. Answers facts only. */
const pageScript = `
import { createSignpost } from '@signpost/sdk'
window.roundTrip = async ({ url, token, address, sizeBytes, partSizeBytes }) => {
  const bytes = new Uint8Array(sizeBytes)
  for (let at = 0; at < sizeBytes; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, sizeBytes)))
  const signpost = createSignpost({ url, token, retries: 1 })
  const steps = []
  try {
    const uploaded = await signpost.upload(address, new Blob([bytes]), {
      partSizeBytes, onProgress: ({ transferredBytes }) => steps.push(transferredBytes),
    })
    const download = await signpost.download(address)
    const read = await download.bytes()
    let same = read.byteLength === bytes.byteLength
    for (let at = 0; same && at < sizeBytes; at++) same = read[at] === bytes[at]
    const small = address + '.form'
    await signpost.upload(small, new Blob(['by a form']), { contentLengthRange: { max: 9 }, onProgress: () => {} })
    const form = new TextDecoder().decode(await (await signpost.download(small)).bytes())
    return { same, form, sizeBytes: read.byteLength, uploadId: uploaded.uploadId, last: steps.at(-1), rising: steps.every((step, at) => at === 0 || step >= steps[at - 1]) }
  } catch (error) {
    return { code: error.code, message: error.message }
  }
}
`

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: pageScript, resolveDir: join(root, 'tests/e2e'), loader: 'js' },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
  })
  return outputFiles[0]!.text
}

/** Serves one page and its script. Its origin is neither Signpost's nor the store's. */
async function servePage(script: string): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(
      isScript ? script : '<!doctype html><title>page</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

async function setCors(
  store: S3Store,
  bucket: string,
  origin: string,
  exposeHeaders: string[],
): Promise<void> {
  const client = new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: store,
  })
  const rule = {
    AllowedOrigins: [origin],
    AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
    AllowedHeaders: ['*'],
    ExposeHeaders: exposeHeaders,
    MaxAgeSeconds: 0,
  }
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }))
  client.destroy()
}

describe('a page in Chromium', requireServer('chromium'), () => {
  let chromium: Chromium
  let page: { origin: string; close(): void }
  before(async () => {
    chromium = await launchChromium()
    page = await servePage(await bundle())
  })
  after(async () => {
    page?.close()
    await chromium?.stop()
  })

  /** A server, and a team on the given store; without one, team demo on the embedded store. */
  async function startTeam(t: TestContext, rgw?: S3Store & { bucket: string }) {
    const env: Record<string, string> = { ...(await freshEnvironment(t)), SIGNPOST_CORS_ORIGINS: page.origin }
    const server = await startServer(t, env)
    await untilPrinted(server, 'Ctrl-C')
    const read = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
    if (!rgw) {
      const credential = JSON.parse(read('local-store-credential')) as Omit<S3Store, 'endpoint'>
      const store = { endpoint: `http://127.0.0.1:${env['SIGNPOST_LOCAL_STORE_PORT']}`, ...credential }
      return { url: server.url, token: read('demo-token'), team: 'demo', store, bucket: 'signpost' }
    }
    const admin = createSignpost({ url: server.url, token: read('admin-token') })
    const { endpoint, accessKeyId, secretAccessKey, bucket } = rgw
    await admin.call('createConnector', {
      body: {
        settings: {
          kind: 's3',
          name: 'ceph',
          bucket,
          endpoint,
          region: 'us-east-1',
          addressing: 'path',
          credential: { type: 'static', accessKeyId, secretAccessKey },
        },
      },
    })
    await admin.call('createTeam', { body: { name: 'vision', connector: 'ceph' } })
    await admin.call('setMember', {
      params: { team: 'vision', username: 'demo-user' },
      body: { role: 'member' },
    })
    return { url: server.url, token: read('demo-token'), team: 'vision', store: rgw, bucket }
  }

  async function roundTrip(given: {
    url: string
    token: string
    team: string
  }): Promise<Record<string, unknown>> {
    const context = await chromium.newContext()
    const tab: Page = await context.newPage()
    try {
      await tab.goto(page.origin)
      await tab.waitForFunction('window.roundTrip')
      const input = {
        url: given.url,
        token: given.token,
        address: `sp://${given.team}/from the browser/50 MB.bin`,
        sizeBytes,
        partSizeBytes,
      }
      return (await tab.evaluate(`window.roundTrip(${JSON.stringify(input)})`)) as Record<string, unknown>
    } finally {
      await context.close()
    }
  }

  async function works(t: TestContext, team: Awaited<ReturnType<typeof startTeam>>): Promise<void> {
    await setCors(team.store, team.bucket, page.origin, ['ETag', 'Content-Range', 'Content-Length'])
    const { uploadId, ...result } = await roundTrip(team)
    assert.deepEqual(result, { same: true, form: 'by a form', sizeBytes, last: sizeBytes, rising: true })
    assert.equal(typeof uploadId, 'string', 'it went up in parts')

    await setCors(team.store, team.bucket, page.origin, [])
    const failed = await roundTrip(team)
    assert.equal(failed['code'], 'etag_hidden', JSON.stringify(failed))
    assert.match(String(failed['message']), /ETag/)
    assert.match(String(failed['message']), /CORS|expose/i)
    t.diagnostic(String(failed['message']))
  }

  test('uploads 50 MB in parts and reads it back by range on the embedded store; a hidden ETag is told', async (t) => {
    await works(t, await startTeam(t))
  })

  test(
    'uploads 50 MB in parts and reads it back by range on Ceph; a hidden ETag is told',
    requireServer('rgw'),
    async (t) => {
      const rgw = await startRgw()
      t.after(() => rgw.stop())
      const client = new S3Client({
        endpoint: rgw.endpoint,
        region: rgw.region,
        forcePathStyle: true,
        credentials: rgw,
      })
      await client.send(new CreateBucketCommand({ Bucket: 'from-browsers' }))
      client.destroy()
      await works(t, await startTeam(t, { ...rgw, bucket: 'from-browsers' }))
    },
  )
})
