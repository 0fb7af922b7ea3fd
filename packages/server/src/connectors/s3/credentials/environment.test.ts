import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startAwsMetadata, type AwsMetadata } from '../../../../../../tests/servers/aws-metadata.ts'
import { startSts, type Sts } from '../../../../../../tests/servers/sts.ts'
import { testScope } from '../../test-scope.ts'
import { environmentSource } from './environment.ts'

const hour = 3_600_000

// The SDK reads the process's own environment, so the tests set it and put it back.
describe('the identity of the server', () => {
  let folder: string
  let sts: Sts
  let metadata: AwsMetadata
  let now = Date.now()
  const kept = { ...process.env }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signpost-identity-'))
    ;[sts, metadata] = await Promise.all([startSts(), startAwsMetadata()])
  })
  beforeEach(() => {
    now = Date.now()
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, {
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
      AWS_CONFIG_FILE: join(folder, 'config'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: sts.endpoint,
    })
  })
  after(async () => {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name]
    Object.assign(process.env, kept)
    await Promise.all([sts.stop(), metadata.stop(), rm(folder, { recursive: true })])
  })

  const open = (profile?: string) =>
    environmentSource({ profile, region: 'eu-central-1' }, { clock: () => now })
  const file = (name: string, text: string) => writeFile(join(folder, name), text)
  const until = (ms: number) => testScope({ until: now + ms })

  test('comes from variables, with their session token, and says no end', async () => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIAENV',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_SESSION_TOKEN: 't',
    })
    const source = open()
    const { credential, endsAt } = await source.own()
    assert.deepEqual(credential, { accessKeyId: 'AKIAENV', secretAccessKey: 's', sessionToken: 't' })
    assert.equal(endsAt, null)
    assert.equal(await source.forScope(until(hour)), await source.forScope(until(2 * hour)))
  })

  test('comes from a profile, and from the file as it is a while later', async () => {
    const profile = (id: string) =>
      file('credentials', `[signer]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`)
    await profile('AKIAONE')
    process.env['AWS_ACCESS_KEY_ID'] = 'AKIAENV'
    process.env['AWS_SECRET_ACCESS_KEY'] = 's'
    const source = open('signer')
    assert.equal((await source.own()).credential.accessKeyId, 'AKIAONE')
    await profile('AKIATWO')
    now += 301_000
    assert.equal((await source.own()).credential.accessKeyId, 'AKIATWO')
  })

  test('comes from a web identity, and is renewed when it ends too soon', async () => {
    await file('token', 'eyJ.web.identity')
    Object.assign(process.env, {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/signer',
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
      AWS_ROLE_SESSION_NAME: 'signpost',
    })
    const source = open()
    const first = await source.forScope(until(hour / 2))
    assert.ok(Math.abs(first.endsAt! - (Date.now() + hour)) < 60_000)
    assert.equal(await source.forScope(until(hour / 2)), first)
    now += 0.75 * hour
    assert.notEqual(await source.forScope(until(hour / 2)), first)
    const calls = sts.calls.filter((call) => call.get('Action') === 'AssumeRoleWithWebIdentity')
    assert.equal(calls.length, 2)
    assert.equal(calls[0]!.get('WebIdentityToken'), 'eyJ.web.identity')
  })

  test('comes from beside a container, with the end that it is given', async () => {
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = metadata.containerUri
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = metadata.containerToken
    const source = open()
    const first = await source.forScope(until(hour))
    assert.equal(first.credential.accessKeyId, metadata.accessKeyId())
    assert.ok(Math.abs(first.endsAt! - (Date.now() + 6 * hour)) < 60_000)
    // Nothing newer is to be had until AWS turns it over: asked once a minute, and the same object stays.
    for (let minute = 0; minute < 3; minute++) {
      assert.equal(await source.forScope(until(24 * hour)), first)
      now += 61_000
    }
    metadata.rotate(6 * 3600)
    assert.equal((await source.forScope(until(24 * hour))).credential.accessKeyId, metadata.accessKeyId())
  })

  test('comes from the instance, by the second version of its metadata', async () => {
    delete process.env['AWS_EC2_METADATA_DISABLED']
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = metadata.endpoint
    const { credential, endsAt } = await open().own()
    assert.equal(credential.accessKeyId, metadata.accessKeyId())
    assert.ok(endsAt! > Date.now() + hour)
    assert.ok(
      metadata.asked.some(({ method, path }) => method === 'PUT' && path === '/latest/api/token'),
      'with a session token',
    )
  })

  test('is missed with what to do, and nothing of what a helper printed', async () => {
    await file('credentials', '')
    await assert.rejects(async () => open().own(), {
      code: 'credential_unavailable',
      message: /has no credential of an AWS identity now\. Fix: give the server one by variables, a profile/,
    })
    const script = join(folder, 'helper')
    await file('helper', '#!/bin/sh\necho \'{"Version":1,"SecretAccessKey":"hidden-secret"}\'\n')
    await chmod(script, 0o700)
    await file('config', `[profile helped]\ncredential_process = ${script}\n`)
    await assert.rejects(
      async () => open('helped').own(),
      (error: Error) => {
        assert.match(error.message, /AWS profile helped/)
        assert.doesNotMatch(`${error.message} ${String(error.cause)} ${error.stack}`, /hidden-secret/)
        return true
      },
    )
  })

  test('is not there while the token is refused, and comes back with it', async () => {
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = metadata.containerUri
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = 'wrong'
    const source = open()
    await assert.rejects(async () => source.own(), { code: 'credential_unavailable' })
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = metadata.containerToken
    assert.equal((await source.own()).credential.accessKeyId, metadata.accessKeyId())
  })
})
