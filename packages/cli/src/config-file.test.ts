import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { configFile, readLogin, removeLogin, saveLogin, stateFolder } from './config-file.ts'
import type { Io } from './io.ts'
import { serverSettings } from './server-settings.ts'

function place(t: TestContext, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, io: { env: { XDG_CONFIG_HOME: folder, ...env }, homeFolder: folder } as unknown as Io }
}

test('the kept key is for its user alone, even in a folder that was open before', async (t) => {
  const { folder, io } = place(t)
  mkdirSync(join(folder, 'signpost'))
  chmodSync(join(folder, 'signpost'), 0o755)
  const file = await saveLogin(io, { url: 'https://a.example', token: 'one' })
  await saveLogin(io, { url: 'https://a.example', token: 'two' })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'signpost')).mode & 0o777, 0o700)
  assert.deepEqual(await readLogin(io), { url: 'https://a.example', token: 'two' })
  await removeLogin(io)
  assert.equal(await readLogin(io), undefined)
})

test('without XDG folders, or with relative ones, the home folder is taken', () => {
  for (const env of [{}, { XDG_CONFIG_HOME: 'x', XDG_STATE_HOME: 'x' }]) {
    assert.equal(configFile({ env, homeFolder: '/h' }), '/h/.config/signpost/config.json')
    assert.equal(stateFolder({ env, homeFolder: '/h' }), '/h/.local/state/signpost')
  }
})

test('a file that is something else is named, and not shown', async (t) => {
  const { io } = place(t)
  const file = await saveLogin(io, { url: 'https://a.example', token: 'secret' })
  writeFileSync(file, '{"token": "secret"')
  await assert.rejects(readLogin(io), (error: Error) => {
    assert.ok(error.message.includes(file))
    assert.ok(!error.message.includes('secret'))
    return true
  })
})

test('a kept key goes to the server that it was kept for, and to no other', async (t) => {
  const { io } = place(t)
  await saveLogin(io, { url: 'https://a.example', token: 'kept' })
  assert.deepEqual(await serverSettings(io, {}), {
    url: 'https://a.example',
    token: 'kept',
    tokenFrom: '`signpost login`',
  })
  assert.equal((await serverSettings(io, { url: 'https://a.example/' })).token, 'kept')
  await assert.rejects(serverSettings(io, { url: 'https://b.example' }), /no key for https:\/\/b\.example/)
})

test('options come before the environment, and that before what is kept', async (t) => {
  const { folder, io } = place(t, { SIGNPOST_URL: 'https://env.example', SIGNPOST_TOKEN: 'env' })
  await saveLogin(io, { url: 'https://a.example', token: 'kept' })
  assert.deepEqual(await serverSettings(io, {}), {
    url: 'https://env.example',
    token: 'env',
    tokenFrom: 'SIGNPOST_TOKEN',
  })
  const tokenFile = join(folder, 'key')
  writeFileSync(tokenFile, 'from-file\n')
  assert.deepEqual(await serverSettings(io, { url: 'https://o.example', tokenFile }), {
    url: 'https://o.example',
    token: 'from-file',
    tokenFrom: '--token-file',
  })
})
