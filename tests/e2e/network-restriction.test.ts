/** Networks held at a real bucket: Ceph's gateway sees clients at 127.0.0.2 and 127.0.0.3, and Signpost at 127.0.0.1. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { IssuedUrl } from '@signpost/contract'
import { createSignpost, type Signpost } from '@signpost/sdk/node'
import { startAzurite } from '../servers/azurite.ts'
import { requireServer } from '../servers/install.ts'
import { roleOnRgw } from '../servers/rgw-role.ts'
import { startRgw, type Rgw } from '../servers/rgw.ts'
import { trust } from '../servers/trust.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

const [signpostAt, officeAt, elsewhereAt] = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
const others = [
  {
    Sid: 'AuditorsRead',
    Effect: 'Allow',
    Principal: { AWS: ['arn:aws:iam:::user/auditor'] },
    Action: ['s3:GetObject'],
    Resource: ['arn:aws:s3:::BUCKET/*'],
  },
  {
    Effect: 'Deny',
    Principal: { AWS: ['arn:aws:iam:::user/auditor'] },
    Action: 's3:DeleteObject',
    Resource: 'arn:aws:s3:::BUCKET/*',
  },
]

/** One request from an address of the client's choice. */
async function from(
  localAddress: string,
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<{ status: number; text: string }> {
  const sent = request(url, { method, headers, localAddress, agent: false })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return { status: answer.statusCode ?? 0, text }
}

interface World {
  rgw: Rgw
  s3: S3Client
  url: string
  admin: Signpost
  /** The key of a member of all teams. */
  token: string
}

interface Place {
  bucket: string
  connector: string
  team: string
}

describe('networks at a bucket of Ceph', requireServer('rgw'), () => {
  let world: World
  const ends: (() => unknown)[] = []
  before(async () => {
    const rgw = await startRgw()
    ends.push(() => rgw.stop())
    await rgw.admin(['user', 'create', '--uid=auditor', '--display-name=auditor'])
    const t = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext
    const env = await freshEnvironment(t)
    const server = await startServer(t, env)
    await untilPrinted(server, 'Ctrl-C')
    const tokenOf = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR']!, name), 'utf8').trim()
    const admin = createSignpost({ url: server.url, token: tokenOf('admin-token') })
    const { endpoint, region } = rgw
    const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
    ends.push(
      () => s3.destroy(),
      () => admin.close(),
    )
    world = { rgw, s3, url: server.url, admin, token: tokenOf('demo-token') }
  })
  after(async () => {
    for (const end of ends.toReversed()) await end()
  })

  /** A bucket with a policy of others, a connector and a team. */
  async function place(bucket: string, networks: string[], endpoint = world.rgw.endpoint): Promise<Place> {
    const { admin, rgw, s3 } = world
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    await setPolicy(bucket, othersOf(bucket))
    const { region, accessKeyId, secretAccessKey } = rgw
    await admin.call('createConnector', {
      body: {
        settings: {
          kind: 's3',
          name: bucket,
          bucket,
          endpoint,
          region,
          addressing: 'path',
          credential: { type: 'static', accessKeyId, secretAccessKey },
        },
        policy: { networks },
      },
    })
    await team(bucket, bucket)
    return { bucket, connector: bucket, team: bucket }
  }

  async function team(name: string, connector: string, networks: string[] = []): Promise<void> {
    await world.admin.call('createTeam', { body: { name, connector, policy: { networks } } })
    const params = { team: name, username: 'demo-user' }
    await world.admin.call('setMember', { params, body: { role: 'admin' } })
  }

  const othersOf = (bucket: string) =>
    JSON.parse(JSON.stringify(others).replaceAll('BUCKET', bucket)) as typeof others
  const setPolicy = (Bucket: string, Statement: unknown[]) =>
    world.s3.send(
      new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
    )
  const policyText = async (Bucket: string) =>
    (await world.s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy ?? ''
  const statements = async (bucket: string) =>
    (JSON.parse(await policyText(bucket)) as { Statement: { Sid?: string }[] }).Statement
  const plan = (connector: string) => world.admin.call('planNetwork', { params: { connector } })
  const apply = async (connector: string) =>
    world.admin.call('applyNetwork', {
      params: { connector },
      body: { digest: (await plan(connector)).digest },
    })
  const setList = (connector: string, networks: string[]) =>
    world.admin.call('updateConnector', { params: { connector }, body: { policy: { networks } } })

  async function ask<T>(
    at: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; answer: T }> {
    const headers = {
      authorization: `Bearer ${world.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const sent = body === undefined ? '' : JSON.stringify(body)
    const { status, text } = await from(at, method, `${world.url}${path}`, headers, sent)
    return { status, answer: (text === '' ? undefined : JSON.parse(text)) as T }
  }

  async function urlFor(at: string, name: string, item: object): Promise<IssuedUrl> {
    const { status, answer } = await ask<IssuedUrl>(at, 'POST', `/v1/teams/${name}/urls`, item)
    assert.equal(status, 200, JSON.stringify(answer))
    return answer
  }
  const use = async (at: string, { method, url, headers }: IssuedUrl, body = '') =>
    (await from(at, method, url, headers, body)).status

  test('a URL works from the list alone, both ways round, and what others wrote is kept', async () => {
    const { bucket, connector, team: name } = await place('both-ways', [`${officeAt}/32`])
    const write = await urlFor(officeAt, name, { action: 'write', key: 'a.txt', contentLength: 2 })
    assert.equal(
      await use(elsewhereAt, write, 'hi'),
      200,
      'without a rule at the bucket it works from anywhere',
    )
    const { answer: refused } = await ask<{ code: string; detail: string }>(
      elsewhereAt,
      'POST',
      `/v1/teams/${name}/urls`,
      { action: 'read', key: 'a.txt' },
    )
    assert.equal(refused.code, 'forbidden')
    assert.match(refused.detail, /network address/)

    const planned = await plan(connector)
    assert.ok(planned.canApply, JSON.stringify(planned))
    assert.ok(planned.difference.some((line) => /^\+.*SignpostNetwork/.test(line)))
    assert.ok(planned.difference.every((line) => !/^-(?!--)/.test(line) || /^-\s+}$/.test(line)))
    assert.deepEqual(await statements(bucket), othersOf(bucket), 'a plan changes nothing')
    const applied = await apply(connector)
    assert.deepEqual(applied.difference, [])
    assert.deepEqual((await statements(bucket)).slice(0, 2), othersOf(bucket))

    const read = await urlFor(officeAt, name, { action: 'read', key: 'a.txt' })
    assert.deepEqual([await use(officeAt, read), await use(elsewhereAt, read)], [200, 403])
    assert.deepEqual([await use(officeAt, write, 'hi'), await use(elsewhereAt, write, 'hi')], [200, 403])
    assert.equal(
      await use(signpostAt, read),
      200,
      "Signpost's own address stays good there, and the plan says so",
    )
    assert.ok(applied.notEnforceable.some((one) => one.includes(signpostAt)))

    await setList(connector, [`${elsewhereAt}/32`])
    assert.ok((await plan(connector)).difference.length > 0)
    await apply(connector)
    assert.equal((await statements(bucket)).length, 3, 'ours was replaced, not added to')
    assert.deepEqual([await use(officeAt, read), await use(elsewhereAt, read)], [403, 200])

    await setList(connector, [])
    await apply(connector)
    assert.deepEqual(await statements(bucket), othersOf(bucket), 'without a list ours goes alone')
    assert.deepEqual([await use(officeAt, read), await use(elsewhereAt, read)], [200, 200])
    const { items } = await world.admin.call('listAuditEvents', { query: { limit: 1000 } })
    const told = items.map(({ event }) => event).filter((event) => event.type === 'connector.network')
    assert.equal(told.filter((event) => event.connector === connector).length, 3)
  })

  test('to apply again changes nothing, not a letter', async () => {
    const { bucket, connector } = await place('again', [`${officeAt}/32`, '2001:db8::1/32'])
    await apply(connector)
    const first = await policyText(bucket)
    await apply(connector)
    assert.equal(await policyText(bucket), first)
    assert.match(first, /2001:db8::\/32/)
  })

  test("Signpost's own work goes on: uploads in parts, listing, deleting", async () => {
    const { connector, team: name } = await place('own-work', [`${officeAt}/32`])
    await apply(connector)
    const uploads = `/v1/teams/${name}/uploads`
    const opened = await ask<{ uploadId: string }>(officeAt, 'POST', uploads, { key: 'large', sizeBytes: 4 })
    assert.equal(opened.status, 201, JSON.stringify(opened.answer))
    const at = `${uploads}/${opened.answer.uploadId}`
    const { answer } = await ask<{ parts: IssuedUrl[] }>(officeAt, 'POST', `${at}/parts`, {
      partNumbers: [1],
    })
    const part = answer.parts[0]!
    assert.equal(await use(elsewhereAt, part, 'part'), 403)
    assert.equal(await use(officeAt, part, 'part'), 200)
    const completed = await ask(officeAt, 'POST', `${at}/complete`, {})
    assert.equal(completed.status, 200, JSON.stringify(completed.answer))
    const objects = `/v1/teams/${name}/objects`
    const listed = await ask<{ items: { key: string }[] }>(officeAt, 'GET', `${objects}?prefix=large`)
    assert.deepEqual(
      listed.answer.items.map(({ key }) => key),
      ['large'],
    )
    assert.equal((await ask(officeAt, 'DELETE', `${objects}/large`)).status, 204)
    for (const [method, path, body] of [
      ['GET', objects, undefined],
      ['DELETE', `${objects}/large`, undefined],
      ['POST', uploads, { key: 'x' }],
    ] as const)
      assert.equal(
        (await ask(elsewhereAt, method, path, body)).status,
        403,
        `${method} ${path} from elsewhere`,
      )
  })

  test("a team's own list holds for its prefix, besides the connector's", async () => {
    const { connector, team: name } = await place('shared', [`${officeAt}/31`])
    await team('narrow', connector, [`${officeAt}/32`])
    await apply(connector)
    for (const [of, atElsewhere] of [
      [name, 200],
      ['narrow', 403],
    ] as const) {
      const write = await urlFor(officeAt, of, { action: 'write', key: 'a' })
      assert.deepEqual([await use(officeAt, write), await use(elsewhereAt, write)], [200, atElsewhere], of)
      assert.equal(await use('127.0.0.4', write), 403, `${of} from outside both`)
    }
  })

  test('where connectors share a bucket, each one’s list is for its own teams, whoever signs', async () => {
    const { connector, team: name } = await place('two-connectors', [`${officeAt}/32`])
    const { rgw, admin } = world
    const [accessKeyId, secretAccessKey] = ['SECONDKEYID', 'second-secret']
    const keys = [`--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`]
    await rgw.admin(['user', 'create', '--uid=second', '--display-name=second', ...keys])
    const everything = {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/second'] },
      Action: 's3:*',
      Resource: [`arn:aws:s3:::${connector}`, `arn:aws:s3:::${connector}/*`],
    }
    await setPolicy(connector, [everything])
    const { endpoint, region } = rgw
    const credential = { type: 'static', accessKeyId, secretAccessKey } as const
    const settings = {
      kind: 's3',
      name: 'second',
      bucket: connector,
      endpoint,
      region,
      addressing: 'path',
      credential,
    } as const
    const policy = { networks: [`${elsewhereAt}/32`] }
    await admin.call('createConnector', { body: { settings, policy } })
    await team('of-second', 'second')
    await apply(connector)
    assert.deepEqual((await plan('second')).difference, [], 'the two agree on what is to stand there')
    const first = await urlFor(officeAt, name, { action: 'write', key: 'a' })
    const second = await urlFor(elsewhereAt, 'of-second', { action: 'write', key: 'a' })
    assert.deepEqual([await use(officeAt, first), await use(elsewhereAt, first)], [200, 403])
    assert.deepEqual([await use(officeAt, second), await use(elsewhereAt, second)], [403, 200])
    assert.deepEqual((await statements(connector))[0], everything)
  })

  test('what changed since the plan is not overwritten', async () => {
    const { bucket, connector } = await place('changed', [`${officeAt}/32`])
    const { digest } = await plan(connector)
    const now = othersOf(bucket).slice(1)
    await setPolicy(bucket, now)
    const old = world.admin.call('applyNetwork', { params: { connector }, body: { digest } })
    await assert.rejects(old, { code: 'conflict' })
    assert.deepEqual(await statements(bucket), now)
    const { digest: second } = await plan(connector)
    await setList(connector, [`${elsewhereAt}/32`])
    const other = world.admin.call('applyNetwork', { params: { connector }, body: { digest: second } })
    await assert.rejects(other, { code: 'conflict' })
    assert.deepEqual(await statements(bucket), now)
  })

  test('a policy that would be too large is refused before anything is set', async () => {
    const { bucket, connector } = await place('too-large', [`${officeAt}/32`])
    const many = Array.from({ length: 64 }, (_, index) => `2001:db8:${index}:aaaa:bbbb:cccc:dddd:0/112`)
    for (let number = 1; number <= 12; number += 1) await team(`large-${number}`, connector, many)
    const planned = await plan(connector)
    assert.equal(planned.canApply, false)
    assert.match(planned.notEnforceable.join('\n'), /would have \d+ bytes, and stores take 20480/)
    await assert.rejects(apply(connector), { code: 'unsupported_by_store' })
    assert.deepEqual(await statements(bucket), othersOf(bucket))
  })

  test('a rule that shuts Signpost out is taken back', async () => {
    // The store sees what comes through here at another address than Signpost's.
    const { port } = new URL(world.rgw.endpoint)
    const gate = createServer((client) => {
      const store = connect({ host: signpostAt, port: Number(port), localAddress: '127.0.0.9' })
      for (const socket of [client, store]) socket.on('error', () => (client.destroy(), store.destroy()))
      client.pipe(store).pipe(client)
    })
    gate.listen(0, signpostAt)
    await once(gate, 'listening')
    ends.push(() => gate.close())
    const through = `http://${signpostAt}:${(gate.address() as AddressInfo).port}`
    const { bucket, connector } = await place('shut-out', [`${officeAt}/32`], through)
    await assert.rejects(apply(connector), /taken back.*name the address/)
    assert.deepEqual(await statements(bucket), othersOf(bucket))
    await setList(connector, [`${officeAt}/32`, '127.0.0.9'])
    await apply(connector)
    assert.equal((await statements(bucket)).length, 3)
  })

  test('verify tells what holds and what does not', async () => {
    const { bucket, connector } = await place('verified', [`${officeAt}/32`, signpostAt])
    const verify = async () => {
      const { ok, checks } = await world.admin.call('verifyNetwork', { params: { connector } })
      return { ok, results: Object.fromEntries(checks.map(({ name, result }) => [name, result])) }
    }
    const before = await verify()
    assert.equal(before.ok, false)
    assert.equal(before.results['network.at_the_bucket'], 'fail')
    await apply(connector)
    const all = ['at_the_bucket', 'own_requests', 'url_read', 'url_write'].map((name) => `network.${name}`)
    assert.deepEqual(await verify(), {
      ok: true,
      results: Object.fromEntries(all.map((name) => [name, 'pass'])),
    })
    const deny = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
    }
    await setPolicy(bucket, [...(await statements(bucket)), deny])
    assert.equal((await verify()).results['network.own_requests'], 'fail')
    await world.s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
    await setList(connector, [`${officeAt}/32`])
    await apply(connector)
    assert.equal(
      (await verify()).results['network.url_read'],
      'not_possible',
      'from an address that has to stay good',
    )
  })

  test('where sessions of a role sign, each is bound itself: nothing is set, and verify sees the refusal', async () => {
    const { rgw, s3, admin } = world
    const bucket = 'sessions'
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    const { roleArn, source } = await roleOnRgw(rgw, [bucket])
    const { endpoint, region } = rgw
    await admin.call('createConnector', {
      body: {
        settings: {
          kind: 's3',
          name: bucket,
          bucket,
          endpoint,
          region,
          addressing: 'path',
          credential: { type: 'assumeRole', roleArn, source, sourceIdentity: false },
        },
        policy: { networks: [`${officeAt}/32`] },
      },
    })
    await team(bucket, bucket)
    const planned = await plan(bucket)
    assert.equal(planned.canApply, false)
    assert.match(planned.notEnforceable.join(' '), /each session of the role is bound/)
    const { ok, checks } = await admin.call('verifyNetwork', { params: { connector: bucket } })
    assert.ok(ok, JSON.stringify(checks))
    const read = checks.find(({ name }) => name === 'network.url_read')
    assert.equal(read?.result, 'pass')
    assert.match(read?.seen ?? '', /refused from here \(HTTP 403\).*127\.0\.0\.1, is not in the list/)
    const write = await urlFor(officeAt, bucket, { action: 'write', key: 'a' })
    assert.equal(write.enforcement['network'], 'storage')
    assert.deepEqual([await use(officeAt, write), await use(elsewhereAt, write)], [200, 403])
    assert.equal(await use(signpostAt, write), 403, 'not even from where Signpost is')
  })

  test('nobody but who manages the connector may look or set', async () => {
    const { connector } = await place('managed', [])
    for (const [method, path, body] of [
      ['POST', 'network/plan', undefined],
      ['POST', 'network/apply', { digest: 'x' }],
      ['POST', 'network/verify', undefined],
      ['GET', 'policies', undefined],
    ] as const)
      assert.equal(
        (await ask(signpostAt, method, `/v1/connectors/${connector}/${path}`, body)).status,
        403,
        path,
      )
  })
})

test('behind a named proxy its word counts for the caller, and nobody else’s', async (t) => {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_TRUSTED_PROXIES: `${officeAt}/32`,
  }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenOf = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR']!, name), 'utf8').trim()
  const admin = createSignpost({ url: server.url, token: tokenOf('admin-token') })
  t.after(() => admin.close())
  const policy = { networks: ['203.0.113.0/24', '2001:db8::/32'] }
  await admin.call('updateTeam', { params: { team: 'demo' }, body: { policy } })
  const authorization = `Bearer ${tokenOf('demo-token')}`
  const ask = async (at: string, forwarded: string) => {
    const headers = { authorization, 'x-forwarded-for': forwarded }
    return (await from(at, 'GET', `${server.url}/v1/teams/demo/objects`, headers)).status
  }
  assert.equal(await ask(officeAt, '203.0.113.7'), 200)
  assert.equal(await ask(officeAt, '2001:db8::7'), 200)
  assert.equal(await ask(officeAt, '198.51.100.7'), 403, 'the proxy says that the caller is outside')
  assert.equal(await ask(officeAt, '203.0.113.7, 198.51.100.7'), 403, 'the client said so, not the proxy')
  assert.equal(await ask(elsewhereAt, '203.0.113.7'), 403, 'this one is no proxy')
  const { items } = await admin.call('listAuditEvents', { query: { decision: 'deny', limit: 3 } })
  assert.deepEqual(
    items.map(({ event }) => [event.reason, event.address]),
    [
      ['outside_network', elsewhereAt],
      ['outside_network', '198.51.100.7'],
      ['outside_network', '198.51.100.7'],
    ],
  )
})

test('on Azure one range is held by the SAS itself, and verify sees which lists are not held', async (t) => {
  const azurite = await startAzurite()
  t.after(azurite.stop)
  const { account, accountKey, blobEndpoint, certificateFile, certificatePem } = azurite
  t.after(trust(certificatePem))
  const key = new StorageSharedKeyCredential(account, accountKey)
  await new BlobServiceClient(blobEndpoint, key).createContainer('data')
  const env: Record<string, string> = { ...(await freshEnvironment(t)), NODE_EXTRA_CA_CERTS: certificateFile }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(join(env['SIGNPOST_DATA_DIR']!, 'admin-token'), 'utf8').trim()
  const admin = createSignpost({ url: server.url, token })
  t.after(() => admin.close())
  await admin.call('createConnector', {
    body: {
      settings: {
        kind: 'azure',
        name: 'blobs',
        bucket: 'data',
        account,
        endpoint: new URL(blobEndpoint).origin,
        credential: { type: 'accountKey', accountKey },
      },
    },
  })
  const params = { connector: 'blobs' }
  const verify = async (networks: string[]) => {
    await admin.call('updateConnector', { params, body: { policy: { networks } } })
    const { ok, checks } = await admin.call('verifyNetwork', { params })
    return [ok, ...checks.map(({ name, result }) => `${name} ${result}`)]
  }
  const unread = 'network.at_the_bucket not_possible'
  const own = 'network.own_requests pass'
  const good = [true, unread, own, 'network.url_read pass', 'network.url_write pass']
  assert.deepEqual(await verify([`${officeAt}/32`]), good, 'from here it is refused, by sip')
  assert.deepEqual(await verify([`${signpostAt}/32`]), good)
  assert.deepEqual(
    await verify([`${officeAt}/32`, '203.0.113.0/24']),
    [false, unread, own, 'network.url_read fail', 'network.url_write fail'],
    'a SAS takes one range, and the firewall is not set',
  )
  const { canApply, documents } = await admin.call('planNetwork', { params })
  assert.equal(canApply, false)
  assert.match(documents[0]?.text ?? '', /"203\.0\.113\.0\/24"/)
  assert.doesNotMatch(JSON.stringify(documents), /127\.0\.0\.2/, 'no private address in the firewall')
})
