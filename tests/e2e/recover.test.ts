/** When nobody can log in: whoever has the data folder gets an admin's key. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { root } from '../repo/files.ts'
import { builtFile, freshEnvironment, startServer } from './server-process.ts'

const execute = promisify(execFile)

test('recover makes a key that the next start takes, and shows it nowhere; it touches no database in use', async (t) => {
  const env = await freshEnvironment(t)
  const first = await startServer(t, env)
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SIGNPOST_|NODE_TEST)/.test(name))
  const run = () =>
    execute(process.execPath, [builtFile, 'recover'], {
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...env },
    })
  await assert.rejects(run(), {
    code: 1,
    stderr: /Another Signpost process uses the database .*stop it first/,
  })
  first.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  const { stdout, stderr } = await run()
  const { url } = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR']!, 'recover-token')
  const token = readFileSync(file, 'utf8').trim()
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(stdout, /organisation admin break-glass, good until /)
  assert.equal((stdout + stderr).includes(token), false)
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${token}` } })
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }
  const me = await ask('/v1/me')
  assert.deepEqual([me['username'], me['organisationRole']], ['break-glass', 'admin'])
  const { items } = (await ask('/v1/audit-events?type=admin.recover')) as { items: unknown[] }
  assert.equal(items.length, 1)
  assert.equal(((await ask('/v1/audit-events/verify', 'POST')) as { ok: boolean }).ok, true)
})
