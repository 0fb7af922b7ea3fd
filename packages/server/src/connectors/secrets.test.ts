import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConnectorSettings, SecretReference } from '@signpost/contract'
import { createSecretReader, referencesOf, resolveSecrets, type ReadSecret } from './secrets.ts'

const unavailable = { name: 'SignpostError', code: 'credential_unavailable' }
const settings = (accessKeyId: string | SecretReference, secretAccessKey: string | SecretReference) =>
  ({
    kind: 's3',
    name: 'n',
    bucket: 'b',
    region: 'r',
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', accessKeyId, secretAccessKey },
  }) satisfies ConnectorSettings

function secretsFolder(t: TestContext): string {
  const around = mkdtempSync(join(tmpdir(), 'signpost-secrets-'))
  t.after(() => rmSync(around, { recursive: true, force: true }))
  writeFileSync(join(around, 'outside'), 'hidden-outside')
  const folder = join(around, 'secrets')
  mkdirSync(folder)
  return folder
}

test('a variable is read by its whole name, and nothing else of the environment', () => {
  const env = {
    SIGNPOST_SECRET_A: 'text\n',
    SIGNPOST_SECRET_EMPTY: '',
    SIGNPOST_MASTER_KEY: 'hidden',
    PATH: 'hidden',
  }
  const read = createSecretReader({ env })
  assert.equal(read({ env: 'SIGNPOST_SECRET_A' }), 'text')
  for (const name of [
    'SIGNPOST_SECRET_B',
    'SIGNPOST_SECRET_EMPTY',
    'SIGNPOST_MASTER_KEY',
    'PATH',
    '__proto__',
  ])
    assert.throws(() => read({ env: name }), { ...unavailable, message: new RegExp(name) }, name)
})

test('files are refused where no folder is named', () => {
  assert.throws(() => createSecretReader({ env: {} })({ file: 'a' }), {
    ...unavailable,
    message: /SIGNPOST_SECRETS_DIR is not set/,
  })
})

test('a file below the folder is read without the line break at its end', (t) => {
  const folder = secretsFolder(t)
  mkdirSync(join(folder, 'vision'))
  writeFileSync(join(folder, 'vision/key'), 'two\nlines\r\n')
  const read = createSecretReader({ env: {}, secretsDir: folder })
  assert.equal(read({ file: 'vision/key' }), 'two\nlines')
})

test("a secret as Kubernetes mounts it, behind links that stay inside, follows the platform's renewal", (t) => {
  const folder = secretsFolder(t)
  const mount = (stamp: string, text: string) => {
    mkdirSync(join(folder, stamp))
    writeFileSync(join(folder, stamp, 'token'), text)
    symlinkSync(stamp, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  mount('..2026_01', 'first')
  symlinkSync('..data/token', join(folder, 'token'))
  const read = createSecretReader({ env: {}, secretsDir: folder })
  assert.equal(read({ file: 'token' }), 'first')
  mount('..2026_02', 'second')
  rmSync(join(folder, '..2026_01'), { recursive: true })
  assert.equal(read({ file: 'token' }), 'second')
})

test('what leads out of the folder, is no file, is too large, empty or no text is refused, and never repeated', (t) => {
  const folder = secretsFolder(t)
  symlinkSync('../outside', join(folder, 'link'))
  symlinkSync('..', join(folder, 'up'))
  symlinkSync('loop', join(folder, 'loop'))
  // A folder beside it whose name begins the same.
  mkdirSync(`${folder}-other`)
  writeFileSync(join(`${folder}-other`, 'key'), 'hidden-other')
  symlinkSync(join(`${folder}-other`, 'key'), join(folder, 'beside'))
  mkdirSync(join(folder, 'a-folder'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  writeFileSync(join(folder, 'large'), 'hidden'.padEnd(65_537, 'x'))
  writeFileSync(join(folder, 'nul'), 'hidden\0hidden')
  writeFileSync(join(folder, 'bytes'), Buffer.from([0x68, 0xff, 0xfe]))
  writeFileSync(join(folder, 'empty'), '\n')
  const read = createSecretReader({ env: {}, secretsDir: folder })
  for (const [file, rule] of [
    ['link', /leads out/],
    ['up/outside', /leads out/],
    ['../outside', /leads out/],
    ['beside', /leads out/],
    ['loop', /ELOOP/],
    ['a-folder', /is no file/],
    ['.', /leads out|is no file/],
    ['pipe', /is no file/],
    ['large', /larger than 65536/],
    ['nul', /NUL/],
    ['bytes', /cannot be read as text/],
    ['empty', /empty/],
    ['absent', /is not there/],
  ] as const)
    assert.throws(
      () => read({ file }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'credential_unavailable', file)
        assert.match(error.message, rule)
        assert.doesNotMatch(error.message, /hidden/)
        return true
      },
    )
  writeFileSync(join(folder, 'largest'), 'x'.repeat(65_536))
  assert.equal(read({ file: 'largest' }).length, 65_536)
})

test('every reference of the settings is put in its place, also within a source', () => {
  const read: ReadSecret = (reference) => ('env' in reference ? `<${reference.env}>` : `<${reference.file}>`)
  const role: ConnectorSettings = {
    ...settings('x', 'x'),
    credential: {
      type: 'assumeRole',
      roleArn: 'arn:aws:iam::1:role/r',
      perRequester: true,
      sourceIdentity: true,
      source: { type: 'static', accessKeyId: { file: 'id' }, secretAccessKey: { env: 'SIGNPOST_SECRET_S' } },
    },
  }
  assert.deepEqual(referencesOf(role), [{ file: 'id' }, { env: 'SIGNPOST_SECRET_S' }])
  const { credential } = resolveSecrets(role, read)
  assert.deepEqual('source' in credential && credential.source, {
    type: 'static',
    accessKeyId: '<id>',
    secretAccessKey: '<SIGNPOST_SECRET_S>',
  })
  assert.deepEqual(referencesOf(settings('file', 'env')), [])
})

test('a pair that is renewed between two reads does not come out mixed', () => {
  let reads = 0
  // Renewed right after the first file was read.
  const read: ReadSecret = (reference) => {
    const generation = reads++ === 0 ? 'old' : 'new'
    return `${generation}-${'file' in reference ? reference.file : ''}`
  }
  const { credential } = resolveSecrets(settings({ file: 'id' }, { file: 'secret' }), read)
  assert.deepEqual(credential, { type: 'static', accessKeyId: 'new-id', secretAccessKey: 'new-secret' })
})

test('what a reference holds keeps to the rules of its field, and is not repeated where it does not', () => {
  const [id, secret] = [{ env: 'SIGNPOST_SECRET_ID' }, { env: 'SIGNPOST_SECRET_KEY' }]
  const resolve = (idText: string, secretText: string) =>
    resolveSecrets(
      settings(id, secret),
      createSecretReader({ env: { SIGNPOST_SECRET_ID: idText, SIGNPOST_SECRET_KEY: secretText } }),
    )
  assert.ok(resolve('AKIA', 'hidden/secret+x='))
  // Both halves in one text: the id stands in every URL.
  for (const [idText, secretText] of [
    ['AKIA\nhidden-secret', 'x'],
    ['AKIA hidden-secret', 'x'],
    ['AKIA', 'hidden-secret'.repeat(60)],
  ] as const)
    assert.throws(
      () => resolve(idText, secretText),
      (error: Error) => {
        assert.equal((error as Error & { code?: string }).code, 'credential_unavailable')
        assert.match(error.message, /settings\.credential\.(?:accessKeyId|secretAccessKey)/)
        assert.doesNotMatch(error.message, /hidden/)
        return true
      },
    )
})

test('a folder that turns into a link out of the place, again and again, shows nothing from there', async (t) => {
  const folder = secretsFolder(t)
  const outside = join(folder, '..', 'out')
  for (const place of [join(folder, 'real'), outside]) mkdirSync(place)
  writeFileSync(join(folder, 'real/key'), 'inside')
  writeFileSync(join(outside, 'key'), 'hidden-outside')
  const turn = 'while :; do mv real real2; ln -s ../out real; rm -f real; mv real2 real; done 2>/dev/null'
  const turning = spawn('sh', ['-c', turn], { cwd: folder, detached: true })
  const read = createSecretReader({ env: {}, secretsDir: folder })
  const seen = new Set<string>()
  // It may stand still for long at a moment when nothing is there.
  for (const begun = Date.now(); Date.now() < begun + (seen.size > 0 ? 2000 : 60_000);)
    try {
      seen.add(read({ file: 'real/key' }))
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'credential_unavailable')
    }
  // With what it runs: that would stand in the way of removing the folder.
  process.kill(-turning.pid!, 'SIGKILL')
  await once(turning, 'close')
  assert.deepEqual([...seen], ['inside'])
})
