/** Roles and keys with a scope, by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { keyScopeOf, keyScopeText } from './key-scope-flags.ts'
import { openShell } from './testing/run-command.ts'

test('a scope holds what was named, and nothing where nothing was', () => {
  assert.equal(keyScopeOf({}), undefined)
  assert.equal(keyScopeOf({ read: false }), undefined)
  assert.deepEqual(keyScopeOf({ write: true, read: true, team: ['a'], key: ['k'] }), {
    teams: ['a'],
    actions: ['read', 'write'],
    keys: ['k'],
  })
  assert.equal(keyScopeText(null), 'all of its owner')
  assert.equal(keyScopeText({}), 'read,write,delete')
  assert.equal(
    keyScopeText({ teams: ['a', 'b'], actions: ['read'], prefixes: ['p/'], keys: ['k'], networks: ['::1'] }),
    'read in a,b of p/*,k from ::1',
  )
  assert.ok(!keyScopeText({ keys: ['\u001b[31m'] }).includes('\u001b'))
})

test('signpost role and signpost key: made, narrowed, changed and deleted', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await shell.run(args)
    assert.equal(code, 0, `signpost ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const fails = async (code: number, sentence: RegExp, ...args: string[]) => {
    const ran = await shell.run(args)
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, sentence)
  }
  await done('team', 'create', 'vision')
  await done('user', 'create', 'alice')
  await done(
    'role',
    'create',
    'labeler',
    '--permission',
    'objects.read,objects.write',
    '--description',
    'Labels',
  )
  await done('role', 'create', 'helpdesk', '--organisation', '--permission', 'users.manage')
  const listed = await done('role', 'list')
  assert.match(listed, /labeler +a team +no +objects\.read objects\.write/)
  assert.match(listed, /admin +the organisation +yes/)
  await fails(2, /no permission objects\.fly/, 'role', 'create', 'x', '--permission', 'objects.fly')
  await fails(2, /nothing to change/, 'role', 'update', 'labeler')
  assert.match(await done('team', 'member', 'set', 'vision', 'alice', 'labeler'), /alice +user +labeler/)
  await fails(2, /no role ghost in a team/, 'team', 'member', 'set', 'vision', 'alice', 'ghost')
  await fails(1, /holds this role/, 'role', 'delete', '--yes', 'labeler')
  assert.match(await done('role', 'update', 'labeler', '--permission', 'none'), /\(none\)/)
  assert.match(await done('user', 'update', 'alice', '--role', 'helpdesk'), /alice +helpdesk/)
  await fails(2, /not both/, 'user', 'update', 'alice', '--role', 'helpdesk', '--admin')
  await done('service-account', 'create', 'siem', '--organisation-role', 'auditor')
  assert.match(await done('service-account', 'list'), /siem +\(organisation\) +active +auditor/)
  await done('service-account', 'update', 'siem', '--organisation-role', 'member')
  await fails(2, /never admin/, 'service-account', 'update', 'siem', '--organisation-role', 'admin')

  const narrow = ['--read', '--write', '--team', 'vision', '--prefix', 'a/', '--network', '127.0.0.0/8']
  const create = ['key', 'create', '--user', 'alice', '--name', 'n', '--expires', '30d', ...narrow]
  const key = JSON.parse(await done(...create, '--json')) as { id: string; token: string; scope: unknown }
  assert.deepEqual(key.scope, {
    teams: ['vision'],
    actions: ['read', 'write'],
    prefixes: ['a/'],
    networks: ['127.0.0.0/8'],
  })
  assert.match(
    await done('key', 'list', '--user', 'alice'),
    /read,write in vision of a\/\* from 127\.0\.0\.0\/8/,
  )
  await fails(2, /scope\.teams: alice is in no team none/, ...create, '--team', 'none')
  await done('team', 'member', 'set', 'vision', 'alice', 'member')
  const asAlice = { env: { SIGNPOST_TOKEN: key.token } }
  assert.equal((await shell.run(['sign', 'sp://vision/a/b'], asAlice)).code, 0)
  const me = await shell.run(['whoami'], asAlice)
  assert.match(me.stdout, /^key {5}\S+, for read,write in vision of a\/\* from 127\.0\.0\.0\/8$/m)
  assert.match(await done('whoami'), /^key {5}\w+\nuntil {3}it is deleted$/m)
  const brief = (await done('key', 'create', '--name', 'brief', '--user', 'alice', '--expires', '1h')).trim()
  const shown = await shell.run(['whoami'], { env: { SIGNPOST_TOKEN: brief } })
  assert.match(shown.stdout, /^until {3}\d{4}-\d\d-\d\dT[\d:.]+Z$/m)
  const mixed = await shell.run(['whoami'], { env: { SIGNPOST_TOKEN: `made\n${key.token}` } })
  assert.deepEqual([mixed.code, mixed.stderr.includes(key.token)], [2, false])
  assert.match(mixed.stderr, /SIGNPOST_TOKEN holds more than an API key/)
  await fails(2, /must be at most 31622400/, 'link', 'create', 'sp://vision/a/', '--expires', '400d')
  const insecure = ['--issuer', 'http://127.0.0.1:9', '--client-id', 'a', '--client-secret-file', '-']
  const provider = await shell.run(['identity-provider', 'add', 'idp', ...insecure], { input: 'secret' })
  assert.deepEqual(
    [provider.code, /not asked without TLS, unless allowInternal/.test(provider.stderr)],
    [5, true],
  )
  const outside = await shell.run(['sign', 'sp://vision/b'], asAlice)
  assert.match(outside.stderr, /scope of this key/)
  await done('key', 'delete', key.id)
  await done('role', 'delete', '--yes', 'labeler')
})
