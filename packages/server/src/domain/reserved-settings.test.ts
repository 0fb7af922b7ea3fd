import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectorSettings } from '@signpost/contract'
import { z } from 'zod'
import { reservedField } from './reserved-settings.ts'

const s3 = { kind: 's3', name: 'n', bucket: 'b', region: 'r' }
const role = { type: 'assumeRole', roleArn: 'arn:aws:iam::1:role/r' }
const key = { type: 'static', accessKeyId: 'AKIA', secretAccessKey: 'secret' }
const parsed = (settings: object) => ConnectorSettings.parse(settings)
const reserved = (settings: object, before?: object, mayNameAddresses = false) =>
  reservedField(parsed(settings), before && parsed(before), mayNameAddresses)?.field

test('settings that take nothing of the server and name no address are anybody’s', () => {
  assert.equal(reserved({ ...s3, credential: key }), undefined)
  assert.equal(reserved({ ...s3, credential: { ...role, source: key } }), undefined)
  assert.equal(
    reserved({
      kind: 'azure',
      name: 'n',
      bucket: 'b',
      account: 'acct',
      credential: { type: 'accountKey', accountKey: 'a2V5' },
    }),
    undefined,
  )
})

test('every address that the contract knows is reserved, whatever it is called', () => {
  const addresses = new Set<string>()
  const walk = (name: string, schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    if ('format' in schema && schema.format === 'uri') addresses.add(name)
    for (const [inner, one] of Object.entries(schema))
      walk(inner === 'items' || inner === 'properties' ? name : inner, one)
  }
  walk('', z.toJSONSchema(ConnectorSettings))
  assert.ok(addresses.has('metadataHost') && addresses.has('stsEndpoint'), [...addresses].join())
  for (const name of addresses) {
    const settings = { ...s3, credential: { ...key, [name]: 'http://10.0.0.1' } } as unknown
    const found = reservedField(settings as ConnectorSettings, undefined, false)
    assert.deepEqual(found, { field: `settings.credential.${name}`, what: 'address' })
    assert.equal(reservedField(settings as ConnectorSettings, undefined, true), undefined)
  }
})

test('an address in a list is named by its place', () => {
  const audiences = [{ name: 'inside', endpoint: 'http://10.0.0.1' }]
  assert.equal(reserved({ ...s3, audiences, credential: key }), 'settings.audiences[0].endpoint')
})

test('the server’s own identity and secrets are reserved, also where addresses are not', () => {
  const gcs = { kind: 'gcs', name: 'n', bucket: 'b' }
  const azure = { kind: 'azure', name: 'n', bucket: 'b', account: 'acct' }
  const cases: [object, string][] = [
    [{ ...s3, credential: { type: 'environment' } }, 'settings.credential.type'],
    [{ ...s3, credential: { ...role, source: { type: 'environment' } } }, 'settings.credential.source.type'],
    [
      { ...s3, credential: { ...key, secretAccessKey: { env: 'SIGNPOST_SECRET_X' } } },
      'settings.credential.secretAccessKey',
    ],
    [
      { ...s3, credential: { ...role, source: { ...key, sessionToken: { file: 'x' } } } },
      'settings.credential.source.sessionToken',
    ],
    [
      { ...s3, credential: { type: 'coreweaveOidc', organizationId: 'o', token: { file: 't' } } },
      'settings.credential.token',
    ],
    [
      {
        ...gcs,
        credential: { type: 'impersonation', serviceAccount: 'a@b.example', source: { type: 'metadata' } },
      },
      'settings.credential.source.type',
    ],
    [{ ...azure, credential: { type: 'managedIdentity' } }, 'settings.credential.type'],
    [
      {
        ...azure,
        credential: { type: 'workloadIdentity', tenantId: 't', clientId: 'c', token: { file: 't' } },
      },
      'settings.credential.token',
    ],
  ]
  for (const [settings, field] of cases) {
    assert.equal(reserved(settings), field)
    assert.equal(reserved(settings, undefined, true), field)
    assert.equal(reserved(settings, settings), undefined, 'what stands may stay')
  }
})

test('what stands may stay, and other fields may change', () => {
  const before = { ...s3, endpoint: 'https://s3.example', credential: key }
  assert.equal(reserved({ ...before, marker: 'pseudonym' }, before), undefined)
  assert.equal(reserved({ ...before, credential: { ...key, secretAccessKey: 'new' } }, before), undefined)
  const elsewhere = { ...before, endpoint: 'https://s3.elsewhere' }
  assert.equal(reserved(elsewhere, before), 'settings.endpoint')
})

test('the server’s secret is sent to no other address, nor its identity lent to another role', () => {
  const own = {
    ...s3,
    credential: { type: 'coreweaveOidc', organizationId: 'o', token: { file: 'token' } },
  }
  const sent = { ...own, credential: { ...own.credential, exchangeEndpoint: 'https://evil.example' } }
  assert.equal(reserved(sent, own, true), 'settings.credential.token')
  assert.equal(reserved({ ...own, marker: 'pseudonym' }, own), undefined)
  const lent = { ...s3, credential: { ...role, externalId: 'us', source: { type: 'environment' } } }
  const other = { ...lent, credential: { ...lent.credential, roleArn: 'arn:aws:iam::2:role/other' } }
  assert.equal(reserved(other, lent), 'settings.credential.source.type')
  const { externalId: _, ...without } = lent.credential
  assert.equal(reserved({ ...lent, credential: without }, lent), 'settings.credential.source.type')
  // Away from the server's own is fine.
  assert.equal(reserved({ ...lent, credential: { ...role, source: key } }, lent), undefined)
})
