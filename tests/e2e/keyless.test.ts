/** The whole line without a secret at rest: Google's IAM signs, and Entra takes a token from a file that is renewed. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { Signpost } from '@signpost/sdk/node'
import { startAzurite } from '../servers/azurite.ts'
import { startEntra } from '../servers/entra.ts'
import { startGcs } from '../servers/gcs.ts'
import { startGoogleIam } from '../servers/google-iam.ts'
import { trust } from '../servers/trust.ts'
import { freshEnvironment } from './server-process.ts'
import { openVisionTeam } from './vision-team.ts'

const bucket = 'keyless'
const hour = 3_600_000

async function textAt(member: Signpost, address: string): Promise<string> {
  return Buffer.from(await (await member.download(address)).bytes()).toString()
}

test('Google signs as the team’s own service account, for 12 hours at most, and the calls are counted', async (t) => {
  const gcs = await startGcs({ buckets: [bucket] })
  t.after(gcs.stop)
  const vision = gcs.addServiceAccount(({ key }) => key.startsWith('vision/'))
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount, vision] })
  t.after(iam.stop)
  const { server, admin, member, adminToken } = await openVisionTeam(
    t,
    {
      kind: 'gcs',
      name: 'store',
      bucket,
      endpoint: gcs.endpoint,
      credential: {
        type: 'impersonation',
        serviceAccount: gcs.serviceAccount.clientEmail,
        source: { type: 'metadata', metadataHost: iam.endpoint },
        iamEndpoint: iam.endpoint,
        teamServiceAccounts: [{ team: 'vision', serviceAccount: vision.clientEmail }],
      },
    },
    { prefix: 'vision/' },
  )

  const day = { action: 'write', key: 'a.txt', expiresInSeconds: 86_400 } as const
  const issued = await member.call('issueUrl', { params: { team: 'vision' }, body: day })
  const life = Date.parse(issued.expiresAt) - Date.now()
  assert.ok(life <= 12 * hour && life > 12 * hour - 60_000, issued.expiresAt)
  assert.equal(issued.limitedBy, 'provider')
  assert.ok(decodeURIComponent(issued.url).includes(`X-Goog-Credential=${vision.clientEmail}/`))
  await assert.rejects(
    member.call('issueUrl', { params: { team: 'vision' }, body: { ...day, expiryMode: 'refuse' } }),
    { code: 'expiry_not_possible' },
  )

  await member.upload('sp://vision/a.txt', Buffer.from('signed by IAM'))
  assert.equal(await textAt(member, 'sp://vision/a.txt'), 'signed by IAM')
  await member.upload('sp://vision/parts.bin', Buffer.alloc(11 * 2 ** 20, 7), { singlePutMaxBytes: 0 })

  const items = Array.from({ length: 300 }, (_, n) => ({ action: 'read', key: `many/${n}` }) as const)
  let signed = 0
  for await (const line of member.urls('vision', items)) if ('url' in line) signed += 1
  assert.equal(signed, 300)
  assert.ok(iam.atOnce() <= 50)
  assert.ok(iam.tokensIssued() <= 2, 'one for the look before saving, one for all the rest')

  iam.deny(vision.clientEmail)
  await assert.rejects(member.call('issueUrl', { params: { team: 'vision' }, body: day }), (error: Error) => {
    assert.match(error.message, /IAM_PERMISSION_DENIED\. Fix: .*roles\/iam\.serviceAccountTokenCreator/)
    return true
  })
  const headers = { authorization: `Bearer ${adminToken}` }
  const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text()
  const count = (result: string) =>
    Number(
      new RegExp(`^signpost_signblob_calls_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(metrics)?.[1],
    )
  assert.ok(count('ok') >= 300)
  assert.equal(count('refused'), 1)

  const { items: events } = await admin.call('listAuditEvents', { query: { limit: 1000 } })
  assert.ok(
    events.some(({ event }) => event.reason === 'credential_unavailable'),
    'the refusal is recorded',
  )
  for (const text of [server.output(), server.errors(), JSON.stringify(events)])
    assert.doesNotMatch(text, /ya29\.|X-Goog-Signature=/)
})

test('a federated token is read again when its file changes; one that Entra does not take changes nothing', async (t) => {
  const azurite = await startAzurite()
  t.after(azurite.stop)
  t.after(trust(azurite.certificatePem))
  const { account, accountKey } = azurite
  const owner = new StorageSharedKeyCredential(account, accountKey)
  await new BlobServiceClient(azurite.blobEndpoint, owner).createContainer(bucket)
  const entra = await startEntra(azurite)
  t.after(entra.stop)
  const { tenantId, clientId, authorityHost, federation } = entra
  const env = await freshEnvironment(t)
  const folder = join(env['SIGNPOST_DATA_DIR'] ?? '', '..', 'secrets')
  mkdirSync(folder)
  const file = join(folder, 'token')
  const first = federation.makeToken()
  writeFileSync(file, `${first}\n`)
  const { admin, member, server } = await openVisionTeam(
    t,
    {
      kind: 'azure',
      name: 'store',
      bucket,
      account,
      endpoint: new URL(azurite.blobEndpoint).origin,
      credential: { type: 'workloadIdentity', tenantId, clientId, authorityHost, token: { file: 'token' } },
    },
    {
      prefix: 'vision/',
      env: { ...env, SIGNPOST_SECRETS_DIR: folder, NODE_EXTRA_CA_CERTS: azurite.certificateFile },
    },
  )
  const works = async (text: string) => {
    await member.upload('sp://vision/a.txt', Buffer.from(text))
    assert.equal(await textAt(member, 'sp://vision/a.txt'), text)
  }
  const decided = async (decision: string, count: number) => {
    for (let tries = 0; tries < 600; tries++) {
      const { items } = await admin.call('listAuditEvents', {
        query: { type: 'connector.credential', limit: 100 },
      })
      if (items.filter(({ event }) => event.decision === decision).length >= count) return
      await works('while it is looked at')
      await sleep(200)
    }
    assert.fail(`no connector.credential with ${decision}: ${server.errors()}`)
  }
  await works('first')

  const strange = federation.makeToken({ sub: 'system:serviceaccount:other:other' })
  writeFileSync(file, strange)
  await decided('deny', 1)
  await works('still')

  const issued = entra.tokensIssued()
  const second = federation.makeToken({ jti: 'second' })
  writeFileSync(file, second)
  await decided('allow', 1)
  assert.ok(entra.tokensIssued() > issued, 'it was exchanged')
  await works('second')

  const { items } = await admin.call('listAuditEvents', { query: { limit: 1000 } })
  const shown = await admin.call('getConnector', { params: { connector: 'store' } })
  for (const text of [server.output(), server.errors(), JSON.stringify(items), JSON.stringify(shown)])
    for (const token of [first, strange, second]) assert.ok(!text.includes(token.split('.')[2]!))
})
