import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BlobSASPermissions,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import fc from 'fast-check'
import { azureSas } from './azure-sas.ts'
import { azureBlobUrl } from './azure-url.ts'
import { explainAzureUrl } from './explain.ts'
import { awkwardKey, awkwardText, seed } from './testing/awkward.ts'
import { queryOf } from './testing/in-url.ts'
import type { AzureSasRequest } from './types.ts'

/** @azure/storage-blob as judge. Azure publishes no vectors of its own. */

const ACCOUNT = 'trainingdata'
const KEY = Buffer.from('0123456789abcdef'.repeat(4)).toString('base64')
const VERSIONS = ['2020-12-06', '2021-04-10', '2023-11-03', '2025-05-05', '2025-07-05', '2025-11-05']
const DELEGATION = {
  signedObjectId: '11111111-aaaa-4111-8111-111111111111',
  signedTenantId: '22222222-bbbb-4222-8222-222222222222',
  signedService: 'b',
}

const line = awkwardText.filter((text) => text.isWellFormed() && !/[\r\n]/.test(text))
const second = fc.integer({ min: 1_600_000_000, max: 1_900_000_000 }).map((seconds) => seconds * 1000)

function subsetOf(letters: string): fc.Arbitrary<string> {
  return fc.subarray(letters.split(''), { minLength: 1 }).map((chosen) => chosen.join(''))
}

const request = fc
  .record({
    isDelegation: fc.boolean(),
    blob: fc.option(awkwardKey, { nil: undefined }),
    blobPermissions: subsetOf('racwdxtmeiy'),
    containerPermissions: subsetOf('racwdxltmeiyf'),
    version: fc.constantFrom(...VERSIONS),
    startsAt: fc.option(
      second.map((time) => time - 400_000_000_000),
      { nil: undefined },
    ),
    expiresAt: second,
    ipRange: fc.constantFrom(undefined, '203.0.113.7', '10.0.0.0-10.0.0.255'),
    protocol: fc.constantFrom(undefined, 'https' as const, 'https,http' as const),
    identifier: fc.option(line, { nil: undefined }),
    correlationId: fc.option(fc.uuid(), { nil: undefined }),
    encryptionScope: fc.option(line, { nil: undefined }),
    timePoint: fc.constantFrom('none', 'none', 'snapshot', 'version'),
    response: fc.record(
      {
        contentType: line,
        contentLanguage: line,
        contentDisposition: line,
        contentEncoding: line,
        cacheControl: line,
      },
      { requiredKeys: [] },
    ),
  })
  .map(
    ({
      isDelegation,
      blobPermissions,
      containerPermissions,
      identifier,
      correlationId,
      timePoint,
      ...rest
    }) => {
      const time = '2026-01-02T03:04:05.1234567Z'
      const hasTimePoint = rest.blob !== undefined && timePoint !== 'none'
      return withoutUndefined({
        ...rest,
        account: ACCOUNT,
        container: 'runs-2026',
        permissions:
          rest.blob !== undefined ? blobPermissions : allowedIn(rest.version, containerPermissions),
        credential: isDelegation
          ? {
              type: 'userDelegation',
              key: {
                ...DELEGATION,
                signedStartsOn: '2020-01-01T00:00:00Z',
                signedExpiresOn: '2035-01-01T00:00:00Z',
                signedVersion: rest.version,
                value: KEY,
              },
            }
          : { type: 'accountKey', accountKey: KEY },
        identifier: isDelegation ? undefined : identifier,
        correlationId: isDelegation ? correlationId : undefined,
        snapshot: hasTimePoint && timePoint === 'snapshot' ? time : undefined,
        versionId: hasTimePoint && timePoint === 'version' ? time : undefined,
      }) as unknown as AzureSasRequest
    },
  )

/** `f` came with 2021-04-10. */
function allowedIn(version: string, containerPermissions: string): string {
  return version >= '2021-04-10' ? containerPermissions : containerPermissions.replace('f', '') || 'l'
}

test('2000 random SAS tokens have the fields and the signature of @azure/storage-blob', (t) => {
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(request, (given) => {
      const ours = azureSas(given)
      const theirs = theirToken(given)
      assert.deepEqual(fieldsOf(ours.token), fieldsOf(theirs))
      assert.equal(fieldsOf(theirs).get('sig'), ours.signature)
    }),
    { numRuns: 2000, seed },
  )
})

test('the URL of a SAS survives URL clients, decodes to the signed blob name, and can be explained', () => {
  fc.assert(
    fc.property(request, fc.boolean(), (given, isAzurite) => {
      const { token, stringToSign } = azureSas(given)
      const { snapshot, versionId } = given
      const url = azureBlobUrl({
        ...(isAzurite
          ? { origin: 'http://127.0.0.1:10000', account: ACCOUNT }
          : { origin: `https://${ACCOUNT}.blob.core.windows.net` }),
        container: given.container,
        ...(given.blob === undefined ? {} : { blob: given.blob }),
        sas: token,
        query: withoutUndefined({
          comp: 'block',
          blockid: 'AA+/==',
          snapshot,
          versionid: versionId,
        }) as Record<string, string>,
      })
      assert.equal(new URL(url).href, url)
      const path = decodeURIComponent(new URL(url).pathname)
      assert.equal(
        path,
        `${isAzurite ? `/${ACCOUNT}` : ''}/${given.container}${given.blob === undefined ? '' : `/${given.blob}`}`,
      )
      assert.equal(queryOf(url).get('blockid'), 'AA+/==')
      assert.equal(explainAzureUrl(url).stringToSign, stringToSign)
    }),
    { numRuns: 1000, seed },
  )
})

function theirToken(given: AzureSasRequest): string {
  const [start, end] = given.ipRange?.split('-') ?? []
  const values = withoutUndefined({
    containerName: given.container,
    blobName: given.blob,
    permissions: (given.blob === undefined ? ContainerSASPermissions : BlobSASPermissions).parse(
      given.permissions,
    ),
    version: given.version,
    startsOn: given.startsAt === undefined ? undefined : new Date(given.startsAt),
    expiresOn: new Date(given.expiresAt),
    ipRange: start === undefined ? undefined : withoutUndefined({ start, end }),
    protocol:
      given.protocol === undefined
        ? undefined
        : given.protocol === 'https'
          ? SASProtocol.Https
          : SASProtocol.HttpsAndHttp,
    identifier: given.identifier,
    correlationId: given.correlationId,
    encryptionScope: given.encryptionScope,
    snapshotTime: given.snapshot,
    versionId: given.versionId,
    ...given.response,
  }) as unknown as Parameters<typeof generateBlobSASQueryParameters>[0]
  const { credential } = given
  if (credential.type === 'accountKey') {
    return generateBlobSASQueryParameters(
      values,
      new StorageSharedKeyCredential(ACCOUNT, credential.accountKey),
    ).toString()
  }
  const { signedStartsOn, signedExpiresOn, ...key } = credential.key
  const dated = {
    ...key,
    signedStartsOn: new Date(signedStartsOn),
    signedExpiresOn: new Date(signedExpiresOn),
  }
  return generateBlobSASQueryParameters(values, dated, ACCOUNT).toString()
}

function fieldsOf(token: string): Map<string, string> {
  return queryOf(`https://host/?${token}`)
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
