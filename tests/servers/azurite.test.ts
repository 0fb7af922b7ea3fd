import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { request } from 'node:https'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type * as AzureIdentity from '@azure/identity'
import {
  BlobSASPermissions,
  BlobServiceClient,
  SASProtocol,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
} from '@azure/storage-blob'
import type { BlobSASSignatureValues, UserDelegationKey } from '@azure/storage-blob'
import { startAzurite } from './azurite.ts'
import type { Azurite, TokenClaims } from './azurite.ts'
import { startEntra } from './entra.ts'
import type { Entra } from './entra.ts'
import { waitForLine } from './log-file.ts'
import { stillRunning } from './processes.ts'

// The server's own @azure/identity: Azurite brings an older one of its own to the top of node_modules.
const requireForServer = createRequire(join(import.meta.dirname, '../../packages/server/src/index.ts'))
const { ClientSecretCredential } = requireForServer('@azure/identity') as typeof AzureIdentity

const minute = 60_000
const container = 'team-vision'
const blob = 'a/one.txt'

describe('Azurite made strict', () => {
  let azurite: Azurite
  let entra: Entra
  let key: UserDelegationKey

  before(async () => {
    azurite = await startAzurite()
    entra = await startEntra(azurite)
    const owner = serviceClient(azurite, new StorageSharedKeyCredential(azurite.account, azurite.accountKey))
    await owner.createContainer(container)
    await owner.getContainerClient(container).getBlockBlobClient(blob).upload('one', 3)
    key = await delegationKey(azurite, azurite.makeToken())
  })
  after(async () => {
    await entra.stop()
    await azurite.stop()
  })

  /** A user delegation SAS for reading, made by Microsoft's own generator. */
  const delegated = (more: Partial<BlobSASSignatureValues> = {}) => {
    const values = {
      containerName: container,
      blobName: blob,
      version: '2025-11-05',
      ...readFor(10 * minute),
      ...more,
    }
    return urlOf(azurite, generateBlobSASQueryParameters(values, key, azurite.account).toString())
  }

  test('takes a user delegation SAS with a correlation id and an address that fits', async () => {
    for (const version of ['2020-12-06', '2025-11-05']) {
      const url = delegated({
        version,
        correlationId: randomUUID(),
        ipRange: { start: '127.0.0.1', end: '127.0.0.9' },
      })
      assert.deepEqual(await fetchOver(azurite, url), { status: 200, body: 'one' }, version)
    }
    assert.equal((await fetchOver(azurite, delegated())).status, 200)
  })

  test('refuses a correlation id that was changed, added or taken away', async () => {
    const url = delegated({ correlationId: randomUUID() })
    for (const changed of [
      url.replace(/scid=[^&]+/, `scid=${randomUUID()}`),
      url.replace(/&scid=[^&]+/, ''),
      `${delegated()}&scid=${randomUUID()}`,
    ]) {
      const { status, body } = await fetchOver(azurite, changed)
      assert.equal(status, 403)
      assert.match(body, /AuthenticationFailed|AuthorizationFailure/)
    }
  })

  test('refuses a request from an address outside the signed range', async () => {
    const url = delegated({ ipRange: { start: '127.0.0.1' } })
    assert.equal((await fetchOver(azurite, url)).status, 200)
    const elsewhere = await fetchOver(azurite, url, { localAddress: '127.0.0.2' })
    assert.equal(elsewhere.status, 403)
    assert.match(elsewhere.body, /AuthorizationSourceIPMismatch/)
  })

  test('refuses changed permissions, expiry, address range or signature', async () => {
    const url = delegated({ ipRange: { start: '127.0.0.2' } })
    for (const changed of [
      delegated().replace('sp=r', 'sp=rw'),
      delegated().replace(/se=[^&]+/, `se=${encodeURIComponent('2039-01-01T00:00:00Z')}`),
      delegated().replace(/sig=[^&]+/, `sig=${encodeURIComponent('A'.repeat(43) + '=')}`),
      url.replace('sip=127.0.0.2', 'sip=127.0.0.1'),
      url.replace(/&sip=[^&]+/, ''),
    ]) {
      assert.equal((await fetchOver(azurite, changed)).status, 403, changed.replace(/sig=[^&]+/, 'sig=...'))
    }
  })

  test('refuses what has expired, what has not begun, and what was not permitted', async () => {
    const past = { startsOn: new Date(Date.now() - 20 * minute), expiresOn: new Date(Date.now() - minute) }
    const future = {
      startsOn: new Date(Date.now() + 5 * minute),
      expiresOn: new Date(Date.now() + 9 * minute),
    }
    assert.equal((await fetchOver(azurite, delegated(past))).status, 403)
    assert.equal((await fetchOver(azurite, delegated(future))).status, 403)
    const headers = { 'x-ms-blob-type': 'BlockBlob' }
    assert.equal((await fetchOver(azurite, delegated(), { method: 'PUT', headers, body: 'two' })).status, 403)
    const write = delegated({ permissions: BlobSASPermissions.parse('cw') })
    assert.equal((await fetchOver(azurite, write, { method: 'PUT', headers, body: 'one' })).status, 201)
    assert.equal((await fetchOver(azurite, write)).status, 403)
  })

  test('takes a service SAS of the account key, and refuses one of another key', async () => {
    const values = {
      containerName: container,
      blobName: blob,
      version: '2025-11-05',
      protocol: SASProtocol.Https,
    }
    const signWith = (accountKey: string) => {
      const credential = new StorageSharedKeyCredential(azurite.account, accountKey)
      return urlOf(
        azurite,
        generateBlobSASQueryParameters({ ...values, ...readFor(minute) }, credential).toString(),
      )
    }
    assert.equal((await fetchOver(azurite, signWith(azurite.accountKey))).status, 200)
    assert.equal((await fetchOver(azurite, signWith(Buffer.alloc(64).toString('base64')))).status, 403)
    assert.equal((await fetchOver(azurite, `${azurite.blobEndpoint}/${container}/${blob}`)).status, 403)
  })

  test('gives a delegation key only for a token that is signed, in date and for Azure Storage', async () => {
    const refused = async (token: string) =>
      assert.rejects(delegationKey(azurite, token), { statusCode: 403, code: 'AuthenticationFailed' })
    await refused(`${azurite.makeToken().slice(0, -4)}AAAA`)
    const now = Math.floor(Date.now() / 1000)
    const wrong: TokenClaims[] = [
      { exp: now - 60 },
      { nbf: now + 600 },
      { aud: 'https://graph.microsoft.com' },
      { iss: 'https://example.com/' },
    ]
    for (const claims of wrong) await refused(azurite.makeToken(claims))
  })

  test('writes each request into its access log', async () => {
    const correlationId = randomUUID()
    await fetchOver(azurite, delegated({ correlationId }))
    await waitForLine(azurite.accessLogFile, new RegExp(`GET /.*scid=${correlationId}.* 200 `))
  })

  describe('behind the stand-in for Entra', () => {
    const credential = (more: { tenant?: string; client?: string; secret?: string } = {}) =>
      new ClientSecretCredential(
        more.tenant ?? entra.tenantId,
        more.client ?? entra.clientId,
        more.secret ?? entra.clientSecret,
        {
          authorityHost: entra.authorityHost,
          disableInstanceDiscovery: true,
          tlsOptions: { ca: entra.certificatePem },
          retryOptions: { maxRetries: 0 },
        },
      )

    test('Microsoft’s own client gets a token with the right secret, and Azurite takes it', async () => {
      const before = entra.tokensIssued()
      const { token } = await credential().getToken('https://storage.azure.com/.default')
      assert.equal(entra.tokensIssued(), before + 1)
      const given = await delegationKey(azurite, token)
      assert.equal(given.signedTenantId, entra.tenantId)
    })

    test('a wrong secret, application, tenant or scope is refused with Entra’s code', async () => {
      const scope = 'https://storage.azure.com/.default'
      const before = entra.tokensIssued()
      await assert.rejects(credential({ secret: 'wrong' }).getToken(scope), /AADSTS7000215/)
      await assert.rejects(credential({ client: randomUUID() }).getToken(scope), /AADSTS700016/)
      await assert.rejects(
        credential({ tenant: randomUUID() }).getToken(scope),
        /AADSTS90002|endpoints_resolution_error/,
      )
      await assert.rejects(credential().getToken('https://graph.microsoft.com/.default'), /AADSTS70011/)
      assert.equal(entra.tokensIssued(), before)
    })
  })
})

test('two Azurites run side by side, and stopping leaves no process and no folder', async () => {
  const [one, two] = await Promise.all([startAzurite(), startAzurite({ account: 'devtest' })])
  assert.notEqual(one.blobEndpoint, two.blobEndpoint)
  assert.equal(two.account, 'devtest')
  await Promise.all([one.stop(), two.stop()])
  assert.deepEqual(await stillRunning([one.pid, two.pid]), [])
  assert.equal(existsSync(dirname(one.accessLogFile)), false)
  await one.stop()
})

function readFor(lifetimeMs: number) {
  const times = { startsOn: new Date(Date.now() - minute), expiresOn: new Date(Date.now() + lifetimeMs) }
  return { ...times, permissions: BlobSASPermissions.parse('r') }
}

function urlOf(azurite: Azurite, sas: string): string {
  return `${azurite.blobEndpoint}/${container}/${blob}?${sas}`
}

function serviceClient(
  azurite: Azurite,
  credential: StorageSharedKeyCredential | AzureIdentity.TokenCredential,
): BlobServiceClient {
  const tls = {
    tlsOptions: { ca: azurite.certificatePem },
    retryOptions: { maxTries: 1 },
    keepAliveOptions: { enable: false },
  }
  return new BlobServiceClient(azurite.blobEndpoint, credential, tls)
}

function delegationKey(azurite: Azurite, token: string): Promise<UserDelegationKey> {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + minute }) }
  const hour = new Date(Date.now() + 60 * minute)
  return serviceClient(azurite, credential).getUserDelegationKey(new Date(Date.now() - 30 * minute), hour)
}

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
  localAddress?: string
}

function fetchOver(
  azurite: Azurite,
  url: string,
  { body, ...sent }: Sent = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = {
      ...sent,
      headers: { ...sent.headers, ...length },
      ca: azurite.certificatePem,
      agent: false as const,
    }
    const outgoing = request(url, options, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }))
    })
    outgoing.once('error', reject).end(body)
  })
}
