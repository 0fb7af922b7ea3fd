import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './daemon.ts'
import { availableServers, installServers, requireServer } from './install.ts'
import type { InstallDeps, ServerName } from './install.ts'

/** A machine where `there` is installed, and apt-get adds what `canInstall` has. */
function machine(
  there: ServerName[],
  options: { ci?: boolean; failure?: string; asked?: string[] } = {},
): InstallDeps {
  const present = new Set<ServerName>(there)
  const install = async (packages: readonly string[]) => {
    options.asked?.push(...packages)
    if (options.failure !== undefined) return options.failure
    for (const name of ['rgw', 'postgres', 'chromium', 'rclone', 'awscli'] as const) present.add(name)
    return undefined
  }
  return { isThere: (name) => present.has(name), install, ci: options.ci ?? false }
}

test('a test runs where its server is, and is skipped with what to install where it is not', () => {
  assert.deepEqual(requireServer('rgw', machine(['rgw'])), { skip: false })
  assert.match(String(requireServer('rgw', machine([])).skip), /install\.ts.*radosgw/)
})

test('with CI=true a test whose server is missing fails instead of being skipped', () => {
  assert.throws(() => requireServer('rgw', machine([], { ci: true })), /rgw is not on this machine/)
})

test('only what is missing is installed, and what is for benchmarks only when asked', async () => {
  const asked: string[] = []
  const deps = machine(['rgw', 'chromium'], { asked })
  assert.deepEqual(await installServers({}, deps), { installed: ['postgres'], missing: [] })
  assert.deepEqual(asked, ['postgresql'])
  const benchDeps = machine(['rgw', 'chromium', 'postgres'])
  assert.deepEqual((await installServers({ bench: true }, benchDeps)).installed, ['rclone', 'awscli'])
})

test('a server that cannot be installed is named with the reason, and with CI=true is a failure', async () => {
  const failure = 'needs root or passwordless sudo'
  const { missing } = await installServers({}, machine(['rgw', 'chromium'], { failure }))
  assert.deepEqual(missing, [{ server: 'postgres', why: failure }])
  await assert.rejects(
    installServers({}, machine(['rgw', 'chromium'], { failure, ci: true })),
    /postgres is missing: needs root/,
  )
})

test('with everything there, the program does nothing and says nothing', async (t) => {
  const needed: ServerName[] = ['rgw', 'postgres', 'chromium']
  const missing = needed.filter((name) => !availableServers().includes(name))
  if (missing.length > 0) return t.skip(`missing here: ${missing.join(', ')}`)
  assert.equal(await run(process.execPath, [join(import.meta.dirname, 'install.ts')]), '')
})
