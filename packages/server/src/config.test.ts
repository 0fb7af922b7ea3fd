import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseConfig, secretVariables, settingNames } from './config.ts'
import { configReference } from './config-reference.ts'

const noFiles = (): string => {
  throw Object.assign(new Error('no'), { code: 'ENOENT' })
}
const parse = (env: Record<string, string>, readText = noFiles) => parseConfig(env, readText)
const problemsOf = (env: Record<string, string>): string => {
  try {
    parse(env)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

test('nothing set gives the defaults of the design', () => {
  const config = parse({ PATH: '/bin', SIGNPOST_URL: 'http://a', SIGNPOST_TOKEN: 'b', SIGNPOST_PORT: '' })
  assert.equal(config.SIGNPOST_DATA_DIR, './data')
  assert.equal(config.SIGNPOST_HOST, '127.0.0.1')
  assert.equal(config.SIGNPOST_PORT, 8787)
  assert.equal(config.SIGNPOST_DATABASE_URL, undefined)
  assert.equal(config.SIGNPOST_READ_SECONDS_MAX, 3600)
  assert.equal(config.SIGNPOST_WRITE_SECONDS_MAX, 86_400)
  assert.deepEqual(config.SIGNPOST_TRUSTED_PROXIES, [])
})

test('all problems are named at once, by name and rule and never by value', () => {
  const message = problemsOf({
    SIGNPOST_PORT: 'SECRETVALUE',
    SIGNPOST_DATABASE_URL: 'mysql://root:SECRETVALUE@host',
    SIGNPOST_MASTER_KEY: 'SECRETVALUE',
    SIGNPOST_ADMIN_TOKEN: 'SECRETVALUE',
    SIGNPOST_LOG_LEVEL: 'SECRETVALUE',
    SIGNPOST_TRUSTED_PROXIES: '10.0.0.0/8, SECRETVALUE',
    SIGNPOST_CORS_ORIGINS: 'https://a.example/',
    SIGNPOST_METRICS_PUBLIC: 'SECRETVALUE',
    SIGNPOST_DATBASE_URL: 'SECRETVALUE',
    SIGNPOST_BODY_BYTES_MAX: '1',
  })
  for (const name of [
    'SIGNPOST_PORT',
    'SIGNPOST_DATABASE_URL',
    'SIGNPOST_MASTER_KEY',
    'SIGNPOST_ADMIN_TOKEN',
    'SIGNPOST_LOG_LEVEL',
    'SIGNPOST_TRUSTED_PROXIES',
    'SIGNPOST_CORS_ORIGINS',
    'SIGNPOST_METRICS_PUBLIC',
    'SIGNPOST_BODY_BYTES_MAX',
  ])
    assert.ok(message.includes(`  ${name}: `), `${name} is not in: ${message}`)
  assert.match(message, /SIGNPOST_DATBASE_URL: .* did you mean SIGNPOST_DATABASE_URL\?/)
  assert.equal(message.includes('SECRETVALUE'), false)
})

test('a secret can come from a file, from one place only', () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  assert.equal(parse({ SIGNPOST_MASTER_KEY_FILE: '/key' }, () => `${key}\n`).SIGNPOST_MASTER_KEY, key)
  assert.match(problemsOf({ SIGNPOST_MASTER_KEY_FILE: '/key' }), /SIGNPOST_MASTER_KEY_FILE: .*ENOENT/)
  assert.match(problemsOf({ SIGNPOST_MASTER_KEY: key, SIGNPOST_MASTER_KEY_FILE: '/key' }), /one of the two/)
})

test('variables that hold secrets of buckets may have any name of theirs, and are the only ones handed on', () => {
  const env = {
    SIGNPOST_SECRET_VISION_1: 'hidden',
    SIGNPOST_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    PATH: '/',
  }
  assert.equal('SIGNPOST_SECRET_VISION_1' in parse(env), false)
  assert.deepEqual(secretVariables(env), { SIGNPOST_SECRET_VISION_1: 'hidden' })
  for (const name of [
    'SIGNPOST_SECRET',
    'SIGNPOST_SECRET_',
    'SIGNPOST_SECRET_vision',
    'SIGNPOST_SECRETS_VISION',
  ])
    assert.match(problemsOf({ [name]: 'hidden' }), new RegExp(`${name}: there is no such setting`), name)
})

test('the master key before this one has the same form', () => {
  assert.match(
    problemsOf({ SIGNPOST_MASTER_KEY_PREVIOUS: 'hidden' }),
    /MASTER_KEY_PREVIOUS: must be the base64 of/,
  )
  const key = Buffer.alloc(32, 7).toString('base64')
  const config = parse({ SIGNPOST_MASTER_KEY_PREVIOUS_FILE: '/key' }, () => `${key}\n`)
  assert.equal(config.SIGNPOST_MASTER_KEY_PREVIOUS, key)
})

test('keys that sign checkpoints are Ed25519 in PEM; the one before may be lost', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  for (const bad of ['hidden', 'lost', rsa.export({ format: 'pem', type: 'pkcs8' }).toString()]) {
    const problems = problemsOf({ SIGNPOST_CHECKPOINT_KEY: bad })
    assert.match(problems, /SIGNPOST_CHECKPOINT_KEY: must be an Ed25519 private key/)
    assert.doesNotMatch(problems, /hidden|BEGIN/)
  }
  const config = parse(
    { SIGNPOST_CHECKPOINT_KEY_FILE: '/key', SIGNPOST_CHECKPOINT_KEY_PREVIOUS: 'lost' },
    () => pem,
  )
  assert.equal(config.SIGNPOST_CHECKPOINT_KEY?.trim(), pem.trim())
  assert.equal(config.SIGNPOST_CHECKPOINT_KEY_PREVIOUS, 'lost')
  assert.match(problemsOf({ SIGNPOST_CHECKPOINT_KEY_PREVIOUS: 'gone' }), /or the word `lost`/)
})

test('settings that contradict each other are refused', () => {
  assert.match(problemsOf({ SIGNPOST_TLS_CERT_FILE: '/cert' }), /give both or neither/)
  assert.match(
    problemsOf({ SIGNPOST_READ_SECONDS_DEFAULT: '7200' }),
    /SIGNPOST_READ_SECONDS_DEFAULT: must not be more/,
  )
  assert.match(problemsOf({ SIGNPOST_LOCAL_STORE_PORT: '8787' }), /SIGNPOST_LOCAL_STORE_PORT/)
})

test('the reference page is the one that the schema makes, and has every setting', () => {
  const page = configReference()
  for (const name of settingNames) assert.ok(page.includes(`\`${name}\``), name)
  const file = new URL('../../../docs/reference/configuration.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), page, 'run npm run fix')
})
