import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectorSettings } from '@signpost/contract'
import { joinCredential, locationOf, publicSettings, splitCredential } from './settings.ts'

const s3: Extract<ConnectorSettings, { kind: 's3' }> = {
  kind: 's3',
  name: 'main',
  bucket: 'team-vision',
  region: 'eu-central-1',
  addressing: 'virtual',
  marker: 'username',
  credential: {
    type: 'static',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'hidden-1',
    sessionToken: 'hidden-2',
  },
}
const gcs: Extract<ConnectorSettings, { kind: 'gcs' }> = {
  kind: 'gcs',
  name: 'g',
  bucket: 'team-vision',
  addressing: 'path',
  marker: 'pseudonym',
  credential: {
    type: 'serviceAccountKey',
    clientEmail: 'a@b.iam.gserviceaccount.com',
    privateKey: 'hidden-3',
  },
}
const hmac: ConnectorSettings = {
  ...gcs,
  credential: { type: 'hmacKey', accessId: 'GOOG1E', secret: 'hidden-4' },
}
const azure: Extract<ConnectorSettings, { kind: 'azure' }> = {
  kind: 'azure',
  name: 'az',
  bucket: 'team-vision',
  account: 'visionstore',
  marker: 'uuid',
  credential: { type: 'clientSecret', tenantId: 't', clientId: 'c', clientSecret: 'hidden-5' },
}
const accountKey: ConnectorSettings = {
  ...azure,
  credential: { type: 'accountKey', accountKey: 'aGlkZGVuLTY=' },
}
const all: ConnectorSettings[] = [s3, gcs, hmac, azure, accountKey]

test('what is shown and what is stored in the clear has the public half of a credential, and no secret', () => {
  for (const settings of all) {
    const clear = JSON.stringify(publicSettings(settings)) + splitCredential(settings).settings
    assert.doesNotMatch(clear, /hidden|aGlk/)
    assert.match(clear, /team-vision/)
  }
  assert.deepEqual(publicSettings(s3)['credential'], { type: 'static', accessKeyId: 'AKIDEXAMPLE' })
  assert.deepEqual(publicSettings(azure)['credential'], {
    type: 'clientSecret',
    tenantId: 't',
    clientId: 'c',
  })
})

test('a reference is shown in the place of its secret, and a source of its own as a credential is', () => {
  const byReference: ConnectorSettings = {
    ...s3,
    credential: {
      type: 'assumeRole',
      roleArn: 'arn:aws:iam::1:role/r',
      perRequester: true,
      sourceIdentity: false,
      source: {
        type: 'static',
        accessKeyId: { file: 'bucket/id' },
        secretAccessKey: { env: 'SIGNPOST_SECRET_BUCKET' },
        sessionToken: 'hidden-7',
      },
    },
  }
  const shown = publicSettings(byReference)['credential']
  assert.deepEqual(shown, {
    type: 'assumeRole',
    roleArn: 'arn:aws:iam::1:role/r',
    perRequester: true,
    sourceIdentity: false,
    source: {
      type: 'static',
      accessKeyId: { file: 'bucket/id' },
      secretAccessKey: { env: 'SIGNPOST_SECRET_BUCKET' },
    },
  })
  const impersonation: ConnectorSettings = {
    ...gcs,
    credential: {
      type: 'impersonation',
      serviceAccount: 'a@b.example',
      source: { type: 'serviceAccountKey', clientEmail: 'c@d.example', privateKey: 'hidden-8' },
      teamServiceAccounts: [{ team: 'hidden-team', serviceAccount: 'e@f.example' }],
    },
  }
  assert.doesNotMatch(JSON.stringify(publicSettings(impersonation)), /hidden/)
  for (const settings of [byReference, impersonation])
    assert.deepEqual(joinCredential(splitCredential(settings)), settings)
})

test('settings come back from the database as they went in', () => {
  for (const settings of all) assert.deepEqual(joinCredential(splitCredential(settings)), settings)
})

test('the location is the same for two connectors that open the same bucket, however they address it', () => {
  const endpoint = 'https://S3.Example.com:9000'
  const custom = { ...s3, endpoint }
  assert.equal(
    locationOf(custom),
    locationOf({ ...custom, addressing: 'path', endpoint: endpoint.toLowerCase() }),
  )
  assert.equal(locationOf(s3), locationOf({ ...s3, addressing: 'path', name: 'other' }))
  assert.equal(locationOf(s3), locationOf({ ...s3, endpoint: 'https://s3.eu-central-1.amazonaws.com' }))
  assert.equal(locationOf(gcs), locationOf({ ...gcs, addressing: 'virtual' }))
  assert.equal(locationOf(gcs), locationOf({ ...s3, endpoint: 'https://storage.googleapis.com' }))
  assert.equal(locationOf(gcs), 'gcs storage.googleapis.com team-vision')
  assert.equal(locationOf(azure), 'azure blob.core.windows.net visionstore team-vision')
  for (const endpoint of [
    'https://storage.us-central1.rep.googleapis.com',
    'https://storage-a.p.googleapis.com',
  ])
    assert.equal(locationOf({ ...gcs, endpoint }), locationOf(gcs))
  const byPrivateLink = { ...azure, endpoint: 'https://visionstore.privatelink.blob.core.windows.net' }
  assert.equal(locationOf(byPrivateLink), locationOf(azure))
})

test('an endpoint does not hold a bucket, so that none is opened under the name of another', () => {
  const isTaken = (endpoint: string) => ConnectorSettings.safeParse({ ...s3, endpoint }).success
  for (const endpoint of [
    'https://payroll.s3.eu-central-1.amazonaws.com',
    'https://s3-payroll.s3-eu-central-1.amazonaws.com',
    'https://payroll.s3.cn-north-1.amazonaws.com.cn',
    'https://payroll.storage.googleapis.com',
    'https://s3.eu-central-1.amazonaws.com.',
    'https://s3.example.com./',
  ])
    assert.equal(isTaken(endpoint), false, endpoint)
  for (const endpoint of [
    'https://s3.dualstack.eu-central-1.amazonaws.com',
    'https://s3-fips.us-east-1.amazonaws.com',
    'https://s3-accelerate.amazonaws.com',
    'https://bucket.vpce-1a2b-3c.s3.us-east-1.vpce.amazonaws.com',
    'https://storage.googleapis.com',
    'https://payroll.example.com:9000',
  ])
    assert.equal(isTaken(endpoint), true, endpoint)
})

test('the location differs by kind, store, account and bucket', () => {
  const places = [
    s3,
    gcs,
    azure,
    { ...s3, bucket: 'other' },
    { ...s3, endpoint: 'http://127.0.0.1:1' },
    { ...s3, endpoint: 'http://127.0.0.1:2' },
    { ...s3, region: 'cn-north-1' },
    { ...azure, account: 'otherstore' },
    { ...azure, bucket: 'other' },
  ].map((settings) => locationOf(settings))
  assert.equal(new Set(places).size, places.length)
})
