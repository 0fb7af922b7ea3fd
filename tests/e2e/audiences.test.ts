/** One store at two addresses: each URL is signed for the host that its client uses, and works nowhere else. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import type { IssuedUrl } from '@signpost/contract'
import { createNodeTransport, createSignpost } from '@signpost/sdk/node'
import { openShell } from '../../packages/cli/src/testing/run-command.ts'
import { requireServer } from '../servers/install.ts'
import { ceph } from './move/stores.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

const proxyAddress = '127.0.0.9'
const inside = '10.1.2.3'
const mib = 2 ** 20

test('audiences', requireServer('rgw'), async (t) => {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    SIGNPOST_LOG_LEVEL: 'error',
    SIGNPOST_TRUSTED_PROXIES: proxyAddress,
  }
  const store = await ceph(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenIn = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  const token = tokenIn('demo-token')
  const admin = createSignpost({ url: server.url, token: tokenIn('admin-token') })
  const settings = store.settings('two-doors')
  const own = new URL(settings.endpoint!)
  const named = new URL(own)
  named.hostname = 'localhost'
  const audiences = [
    { name: 'inside', endpoint: named.origin, networks: ['10.0.0.0/8'] },
    { name: 'named', endpoint: named.origin },
  ]
  await admin.call('createConnector', { body: { settings: { ...settings, audiences }, check: false } })
  await admin.call('createTeam', { body: { name: 'doors', connector: 'two-doors' } })
  await admin.call('setMember', {
    params: { team: 'doors', username: 'demo-user' },
    body: { role: 'member' },
  })

  const hosts = new Set<string>()
  const transport = createNodeTransport()
  const client = (audience?: string) => {
    const made = createSignpost({
      url: server.url,
      token,
      audience,
      transport: {
        ...transport,
        send: async (sent) => {
          hosts.add(new URL(sent.url).host)
          return transport.send(sent)
        },
      },
    })
    return made
  }
  const member = client()
  t.after(() => {
    admin.close()
    transport.close?.()
  })
  const hostOf = ({ url }: { url: string }) => new URL(url).host
  const get = async (url: string) => {
    const answer = await fetch(url)
    return { status: answer.status, text: await answer.text() }
  }

  await t.test('each URL works at its own host, and not when it is rewritten to the other', async () => {
    await member.upload('sp://doors/a', Buffer.from('through a door'))
    const byOwn = await member.url('doors', { action: 'read', key: 'a' })
    const byName = await member.url('doors', { action: 'read', key: 'a', audience: 'named' })
    assert.deepEqual([hostOf(byOwn), byOwn.audience], [own.host, undefined])
    assert.deepEqual([hostOf(byName), byName.audience], [named.host, 'named'])
    for (const [issued, other] of [
      [byOwn, named],
      [byName, own],
    ] as const) {
      assert.deepEqual(await get(issued.url), { status: 200, text: 'through a door' })
      const rewritten = new URL(issued.url)
      rewritten.host = other.host
      assert.equal((await get(rewritten.href)).status, 403)
    }
    const events = await admin.call('listAuditEvents', {
      query: { team: 'doors', type: 'url.issue', limit: 1 },
    })
    assert.equal(events.items[0]?.event.details?.['audience'], 'named')
    await assert.rejects(member.url('doors', { action: 'read', key: 'a', audience: 'nobody' }), {
      code: 'invalid',
      field: 'audience',
    })
  })

  await t.test(
    'a client with an audience moves all its bytes there: one PUT, parts, ranges, batches',
    async () => {
      const bytes = randomBytes(11 * mib)
      const shell = openShell(t, {})
      const path = join(shell.folder, 'file')
      await writeFile(path, bytes)
      const bound = client('named')
      const move = async (audience?: string) => {
        hosts.clear()
        const using = audience === undefined ? bound : member
        const each = { audience }
        await using.upload('sp://doors/one', bytes.subarray(0, mib), each)
        await using.uploadFile('sp://doors/parts', path, {
          ...each,
          singlePutMaxBytes: mib,
          partSizeBytes: 5 * mib,
        })
        const read = await using.download('sp://doors/parts', { ...each, rangeBytes: 4 * mib })
        assert.ok(bytes.equals(await read.bytes()))
        await using.downloadFile('sp://doors/parts', `${path}.copy`, { ...each, rangeBytes: 4 * mib })
        const files = [{ path: `${path}.many`, address: 'sp://doors/one', sizeBytes: mib }]
        for await (const outcome of using.downloadFiles(files, each)) assert.ok(outcome.ok)
        for await (const { ok, ...line } of using.urls('doors', [{ action: 'read', key: 'one' }], each))
          assert.ok(ok && 'url' in line && hostOf(line.url) === named.host)
        assert.deepEqual([...hosts], [named.host])
      }
      await move()
      await move('named')
    },
  )

  await t.test('signpost sign and cp take --audience', async () => {
    const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
    const signed = await shell.run(['sign', '--audience', 'named', 'sp://doors/a'])
    assert.equal(signed.code, 0, signed.stderr)
    assert.equal(new URL(signed.stdout.trim()).host, named.host)
    await writeFile(join(shell.folder, 'cli.txt'), 'by cli')
    for (const args of [
      ['cli.txt', 'sp://doors/cli.txt'],
      ['sp://doors/cli.txt', 'back.txt'],
    ]) {
      const { code, stderr } = await shell.run(['cp', '--audience', 'named', ...args])
      assert.equal(code, 0, stderr)
    }
    assert.equal(await readFile(join(shell.folder, 'back.txt'), 'utf8'), 'by cli')
    const wrong = await shell.run(['sign', '--audience', 'nobody', 'sp://doors/a'])
    assert.notEqual(wrong.code, 0)
    assert.match(wrong.stderr, /audience/)
  })

  /** Asks for a URL from a loopback address of choice. */
  const askFrom = async (from: string, forwarded?: string) =>
    new Promise<{ status: number; body: IssuedUrl & { code?: string } }>((resolve, reject) => {
      const sent = request(
        `${server.url}/v1/teams/doors/urls`,
        {
          method: 'POST',
          localAddress: from,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            ...(forwarded === undefined
              ? {}
              : { 'x-forwarded-for': forwarded, forwarded: `for=${forwarded}`, 'x-real-ip': forwarded }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              body: JSON.parse(Buffer.concat(chunks).toString()) as IssuedUrl,
            }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(JSON.stringify({ action: 'read', key: 'a' }))
    })

  await t.test('who comes from a named network gets its address; a forged header opens none', async () => {
    const believed = await askFrom(proxyAddress, inside)
    assert.deepEqual([hostOf(believed.body), believed.body.audience], [named.host, 'inside'])
    assert.equal((await get(believed.body.url)).status, 200)
    // The header of somebody who is no proxy of ours, and what a client wrote before our proxy did.
    for (const [from, forwarded] of [
      ['127.0.0.1', inside],
      ['127.0.0.8', `${inside}, ${proxyAddress}`],
      [proxyAddress, `${inside}, 203.0.113.5`],
      [proxyAddress, 'nonsense'],
    ] as const) {
      const { body } = await askFrom(from, forwarded)
      assert.deepEqual([hostOf(body), body.audience], [own.host, undefined], `${from} ${forwarded}`)
    }
  })

  await t.test(
    'a forged header does not get past the networks of a policy, and what is recorded is the truth',
    async () => {
      const policy = { networks: ['10.0.0.0/8'] }
      await admin.call('updateTeam', { params: { team: 'doors' }, body: { policy } })
      assert.equal((await askFrom(proxyAddress, inside)).status, 200)
      for (const [from, forwarded, address] of [
        ['127.0.0.1', undefined, '127.0.0.1'],
        ['127.0.0.1', inside, '127.0.0.1'],
        [proxyAddress, `${inside}, 203.0.113.5`, '203.0.113.5'],
      ] as const) {
        const { status, body } = await askFrom(from, forwarded)
        assert.deepEqual([status, body.code], [403, 'forbidden'])
        const events = await admin.call('listAuditEvents', {
          query: { team: 'doors', type: 'url.issue', limit: 1 },
        })
        const { event } = events.items[0]!
        assert.deepEqual([event.decision, event.reason, event.address], ['deny', 'outside_network', address])
      }
      await admin.call('updateTeam', { params: { team: 'doors' }, body: { policy: {} } })
    },
  )
})
