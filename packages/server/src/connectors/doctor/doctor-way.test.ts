/** What stands at the address, or on the way to it, is not a store as it should be. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import { generate } from 'selfsigned'
import { inTime } from '../../../../../tests/in-time.ts'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { trust } from '../../../../../tests/servers/trust.ts'
import { s3Doctor } from '../s3/doctor.ts'
import { carelessStore } from './testing/careless-store.ts'
import { assertFound, findings, troubles, type Circumstances } from './testing/findings.ts'
import { startProxy, startSite } from './testing/proxy.ts'

type S3Settings = Extract<ResolvedSettings, { kind: 's3' }>

const credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: randomBytes(20).toString('hex') }
const expired = {
  accessKeyId: 'AKENDED',
  secretAccessKey: randomBytes(20).toString('hex'),
  sessionToken: randomBytes(20).toString('hex'),
}
const lasting = {
  accessKeyId: 'AKSESSION',
  secretAccessKey: randomBytes(20).toString('hex'),
  sessionToken: randomBytes(20).toString('hex'),
}

interface Way {
  store: LocalStore
  stops: (() => Promise<unknown>)[]
}

interface Breakage {
  what: string
  breaks: (way: Way) => Promise<{ settings?: Partial<S3Settings> } & Circumstances>
  finds: string[]
  says?: RegExp
}

const breakages: Breakage[] = [
  {
    what: 'a region that is not the bucket’s',
    breaks: async () => ({ settings: { region: 'eu-west-3' } }),
    finds: ['fail region.right'],
    says: /is in region us-east-1, not in eu-west-3.*set the region to us-east-1/s,
  },
  {
    what: 'a redirect to the bucket’s region',
    breaks: (way) =>
      site(way, (_request, response) =>
        response
          .writeHead(301, { 'x-amz-bucket-region': 'eu-central-1', 'content-type': 'application/xml' })
          .end('<Error><Code>PermanentRedirect</Code></Error>'),
      ),
    finds: ['fail region.right'],
    says: /eu-central-1/,
  },
  {
    what: 'a session that has expired',
    breaks: async () => ({ settings: { credential: { type: 'static', ...expired } } }),
    finds: ['fail credential.session'],
  },
  {
    what: 'a session token that is not the key’s',
    breaks: async () => ({
      settings: { credential: { type: 'static', ...credential, sessionToken: 'other' } },
    }),
    finds: ['fail credential.session'],
  },
  {
    what: 'a session whose end nothing tells',
    breaks: async () => ({ settings: { credential: { type: 'static', ...lasting } } }),
    finds: ['warn credential.lasts'],
  },
  {
    what: 'a host that is changed on the way to a store that shows what it calculated',
    breaks: (way) => proxy(way, { request: (headers) => void (headers.host = '127.0.0.1:1') }),
    finds: ['fail signature.host_kept'],
  },
  {
    what: 'a proxy that adds a header which nobody signed',
    breaks: (way) => proxy(way, { request: (headers) => void (headers['x-amz-meta-via'] = 'proxy') }),
    finds: ['fail signature.headers_kept'],
  },
  {
    what: 'an encryption key that the store cannot use',
    breaks: (way) =>
      proxy(way, {
        instead: (method) =>
          method === 'PUT'
            ? { status: 400, body: '<Error><Code>KMS.DisabledException</Code></Error>' }
            : undefined,
      }),
    finds: ['fail encryption.kms'],
    says: /kms:GenerateDataKey/,
  },
  {
    what: 'a store that is somewhere else',
    breaks: (way) =>
      site(way, (_request, response) =>
        response.writeHead(307, { location: 'https://console.example/x' }).end(),
      ),
    finds: ['fail store.redirects'],
    says: /to console\.example/,
  },
  {
    what: 'a web page',
    breaks: (way) =>
      site(way, (_request, response) =>
        response
          .writeHead(404, { 'content-type': 'text/html' })
          .end('<html><body>internal page</body></html>'),
      ),
    finds: ['fail store.kind'],
  },
  {
    what: 'a web site that answers everything with 200',
    breaks: (way) => site(way, (_request, response) => response.end('internal page')),
    finds: ['fail store.kind'],
  },
  {
    what: 'a store that cannot serve now',
    breaks: (way) =>
      site(way, (_request, response) => response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')),
    finds: ['fail store.healthy'],
    says: /SlowDown/,
  },
  {
    what: 'a store that takes the question and says nothing',
    breaks: async ({ stops }) => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      stops.push(async () => silent.close())
      const { port } = silent.address() as AddressInfo
      return { settings: { endpoint: `http://127.0.0.1:${port}` }, checkMs: 400 }
    },
    finds: ['fail store.answers'],
  },
  {
    what: 'a port where nobody listens',
    breaks: async () => ({ settings: { endpoint: `http://127.0.0.1:${await freePort()}` } }),
    finds: ['fail net.connect'],
    says: /ECONNREFUSED/,
  },
  {
    what: 'a name that is not in DNS',
    breaks: async () => ({ settings: { endpoint: 'https://no-such-store.invalid' } }),
    finds: ['fail dns.service'],
  },
  {
    what: 'http to a store that is not on this machine',
    breaks: async () => ({ settings: { endpoint: 'http://no-such-store.invalid' } }),
    finds: ['fail dns.service', 'warn tls.used'],
  },
  {
    what: 'a container’s name in place of an address for clients',
    breaks: async () => ({ settings: { endpoint: 'http://minio:9000' } }),
    finds: ['warn address.clients', 'fail dns.service', 'warn tls.used'],
    says: /audience/,
  },
  {
    what: 'https where http is spoken',
    breaks: async ({ store }) => ({ settings: { endpoint: store.endpoint.replace('http:', 'https:') } }),
    finds: ['fail tls.trusted'],
    says: /is the endpoint http/,
  },
  {
    what: 'a certificate that nobody trusts',
    breaks: (way) => behindTls(way, { days: 90, isTrusted: false }),
    finds: ['fail tls.trusted'],
    says: /NODE_EXTRA_CA_CERTS/,
  },
  {
    what: 'a certificate that has expired',
    breaks: (way) => behindTls(way, { days: -1 }),
    finds: ['fail tls.lasts'],
    says: /expired on/,
  },
  {
    what: 'a certificate that expires in a week',
    breaks: (way) => behindTls(way, { days: 7 }),
    finds: ['warn tls.lasts'],
  },
  {
    what: 'a certificate for another host',
    breaks: (way) => behindTls(way, { days: 90, host: 'other.example' }),
    finds: ['fail tls.trusted'],
    says: /ALTNAME/,
  },
  {
    what: 'addressing in the path where the store wants it in the host',
    breaks: async (way) => {
      const { settings } = await site(way, (request, response) => {
        const isVirtual = request.headers.host?.startsWith('bucket.') === true
        const code = isVirtual ? 'AccessDenied' : 'NoSuchBucket'
        response.writeHead(isVirtual ? 403 : 404).end(`<Error><Code>${code}</Code></Error>`)
      })
      const endpoint = settings.endpoint!.replace('127.0.0.1', 'localhost')
      return { settings: { endpoint }, deps: { fetch: toLoopback } }
    },
    finds: ['fail addressing.right'],
    says: /set addressing to virtual/,
  },
  {
    what: 'a store that takes every signature, digest and overwriting',
    breaks: (way) => site(way, carelessStore()),
    finds: [
      'warn constraint.sha256',
      'fail access.multipart',
      'fail access.abort',
      'fail constraint.md5',
      'fail constraint.create_only',
      'fail signature.verified',
      'fail signature.expiry',
      'fail public.anonymous_read',
      'fail public.anonymous_list',
    ],
    says: /./,
  },
]

describe('the doctor on the way to a store', () => {
  let dataDir: string
  let store: LocalStore
  let healthy: Check[]
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'signpost-doctor-'))
    const credentials = [credential, { ...expired, expiresAt: Date.now() - 1000 }, lasting]
    store = await openLocalStore({ dataDir, credentials })
    await store.createBucket('bucket')
    healthy = await findings(good(), { origins: [] })
  })
  after(async () => {
    await store.close()
    await rm(dataDir, { recursive: true })
  })
  const good = (): S3Settings => ({
    kind: 's3',
    name: 'test',
    bucket: 'bucket',
    endpoint: store.endpoint,
    region: 'us-east-1',
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', ...credential },
  })

  test('the embedded store as it is', () => {
    assert.deepEqual(
      troubles(healthy).filter((one) => !one.startsWith('warn scope.')),
      ['warn lifecycle.stale_uploads'].filter((one) => troubles(healthy).includes(one)),
    )
    assert.ok(!troubles(healthy).some((one) => one.startsWith('fail')), troubles(healthy).join())
  })

  for (const { what, breaks, finds, says } of breakages) {
    test(`${what}: ${finds.slice(0, 3).join(', ')}`, async (t) => {
      const way: Way = { store, stops: [] }
      t.after(async () => {
        await Promise.all(way.stops.map((stop) => stop()))
      })
      const { settings, ...circumstances } = await breaks(way)
      const found = await findings({ ...good(), ...settings }, { origins: [], ...circumstances })
      const expected = finds.filter((one) => !troubles(healthy).includes(one))
      assert.deepEqual(
        troubles(found)
          .filter((one) => !troubles(healthy).includes(one))
          .toSorted(),
        expected.toSorted(),
      )
      assertFound(found, healthy, inOrder(expected, healthy), [
        credential.secretAccessKey,
        expired.sessionToken,
      ])
      const first = found.find(({ name }) => finds[0]?.endsWith(` ${name}`))
      if (says) assert.match(`${first?.seen} ${first?.fix} ${first?.paste}`, says)
      assert.ok(!JSON.stringify(found).includes('internal page'))
    })
  }

  test('ends in time, whatever hangs, and never throws', async (t) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const settings = { ...good(), endpoint: `http://127.0.0.1:${port}` }
    const found = await inTime(2000, () => findings(settings, { totalMs: 1000, checkMs: 10_000 }))
    assert.deepEqual(
      found.map(({ name }) => name),
      healthy.map(({ name }) => name),
    )
  })

  test('a signal ends it at once', async () => {
    const ending = new AbortController()
    ending.abort()
    const found = await findings(good(), { signal: ending.signal })
    assert.ok(
      found.every(
        ({ result, seen }) => result === 'not_possible' && /no time left|time that was over/.test(seen),
      ),
    )
  })

  test('what CoreWeave and AWS do not take as a name is told before anything is asked', () => {
    const nameProblem = (bucket: string, endpoint?: string) =>
      s3Doctor.nameProblem({ ...good(), bucket, endpoint, addressing: 'virtual' })?.seen
    const coreweave = 'https://cwobject.com'
    assert.match(nameProblem('my_bucket', coreweave) ?? '', /cannot stand in a host/)
    assert.match(nameProblem('cw-data', coreweave) ?? '', /cw- and vip-/)
    assert.match(nameProblem('vip-data', coreweave) ?? '', /cw- and vip-/)
    assert.equal(nameProblem('my-bucket', coreweave), undefined)
    assert.match(nameProblem('My_Bucket') ?? '', /no name that AWS takes/)
    assert.equal(nameProblem('my.bucket'), undefined)
  })
})

function inOrder(names: readonly string[], checks: readonly Check[]): string[] {
  const place = (one: string) => checks.findIndex(({ name }) => one.endsWith(` ${name}`))
  return names.toSorted((a, b) => place(a) - place(b))
}

async function proxy({ store, stops }: Way, meddling: Parameters<typeof startProxy>[1]) {
  const between = await startProxy(store.endpoint, meddling)
  stops.push(between.stop)
  return { settings: { endpoint: between.url } }
}

async function site({ stops }: Way, answer: Parameters<typeof startSite>[0]) {
  const between = await startSite(answer)
  stops.push(between.stop)
  return { settings: { endpoint: between.url } }
}

async function behindTls(way: Way, what: { days: number; host?: string; isTrusted?: boolean }) {
  const { days, host, isTrusted = true } = what
  const now = Date.now()
  const made = await generate([{ name: 'commonName', value: host ?? '127.0.0.1' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - 30 * 86_400_000),
    notAfterDate: new Date(now + days * 86_400_000 + 3_600_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [host === undefined ? { type: 7, ip: '127.0.0.1' } : { type: 2, value: host }],
      },
    ],
  })
  if (isTrusted) {
    const distrust = trust(made.cert)
    way.stops.push(async () => distrust())
  }
  return proxy(way, { tls: { cert: made.cert, key: made.private } })
}

/** Names below localhost are not known to every resolver. */
const toLoopback: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (!url.hostname.endsWith('.localhost')) return fetch(input, init)
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: url.port,
        path: url.pathname + url.search,
        method: init?.method,
        headers: { host: url.host },
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        answer.on('end', () => resolve(new Response(text, { status: answer.statusCode ?? 500 })))
      },
    )
    sent.once('error', reject).end()
  })
}
