/** What the command does without a good server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import type { Run } from './context.ts'
import { createProgram } from './program.ts'
import { openShell } from './testing/run-command.ts'

const nowhere = { SIGNPOST_URL: 'http://127.0.0.1:9', SIGNPOST_TOKEN: 'sp_x' }

test('a command line that is not right exits with 2 and says what to write', async (t) => {
  const { run } = openShell(t, nowhere)
  const cases: [string[], RegExp][] = [
    [[], /^Usage: signpost/],
    [['sing'], /unknown command 'sing'\n\(Did you mean sign\?\)/],
    [['sign'], /missing required argument 'address'/],
    [['sign', 'demo/x'], /"demo\/x" is no address: write sp:\/\/team\/key/],
    [['sign', '--action', 'delete', 'sp://demo/x'], /--action write -X DELETE/],
    [['audit', 'list', '--type', 'url.isue'], /"url\.isue": did you mean url\.issue\?\n$/],
    [['team', 'delete', 'vision'], /give --yes to delete team vision/],
    [['user', 'delete', 'alice'], /give --yes to delete user alice/],
    [['service-account', 'delete', 'ci'], /give --yes to delete service account ci/],
    [['connector', 'delete', 'own'], /give --yes to delete connector own/],
    [['help', 'team', 'crate'], /unknown command 'crate' \(did you mean create\?\)/],
    [['sign', '--expires', '1w', 'sp://demo/x'], /such as 90s, 15m/],
    [['cp', 'a'], /name a source and a target/],
    [['cp', 'a', 'b'], /must be sp:\/\/ addresses/],
    [['cp', 'sp://a/b', 'sp://c/d'], /does not copy from one sp:\/\/ address to another/],
    [['cp', 'a', 'b', 'sp://t/x'], /several sources need a folder as target/],
    [['cp', '-', 'sp://t/'], /names a team, not an object/],
    [['cp', 'sp://t/dir/', '.'], /is a folder: copy it with --recursive/],
    [['role', 'update', 'labeler'], /nothing to change/],
    [['role', 'create', 'x', '--permission', 'objects.fly'], /no permission objects\.fly/],
    [['user', 'update', 'alice'], /nothing to change/],
    [['connector', 'create', 'x', '--kind', 's3', '--access-key-id', 'A'], /--secret-access-key-file FILE/],
    [['explain', 'https://a.example/x'], /is not a pre-signed URL|has no/],
  ]
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, expected)
    assert.equal(stdout, '')
    assert.doesNotMatch(stderr, /\n\s+at /)
  }
})

test('a command line that is not right is said as JSON to whoever wants that', async (t) => {
  const { run } = openShell(t, nowhere)
  const cases: [string[], RegExp][] = [
    [['--json', 'sing'], /^unknown command 'sing'/],
    [['sign', '--json'], /^missing required argument 'address'$/],
    [['findings', '--state', 'x', '--json'], /Allowed choices are/],
    [['audit', 'list', '--type', 'url.isue', '--json'], /did you mean url\.issue\?$/],
  ]
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    const { error } = JSON.parse(stderr) as { error: { message: string; code: unknown } }
    assert.match(error.message, expected)
    assert.equal(error.code, null)
  }
})

test('a server that does not answer is given up soon, with 5, as JSON too', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const url = `http://127.0.0.1:${port}`
  const { run } = openShell(t, { ...nowhere, SIGNPOST_URL: url })
  const [text, json] = await Promise.all([run(['whoami']), run(['--json', 'whoami'])])
  assert.deepEqual([text.code, json.code], [5, 5])
  assert.equal(
    text.stderr,
    `signpost: No answer from ${url}/v1/me: nothing answers there (ECONNREFUSED): is it running, and are host and port right? (network)\n`,
  )
  assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'network')
})

test('every command has help with examples; versions and exit codes are told', async (t) => {
  const { run } = openShell(t, {})
  const { code, stdout } = await run(['help', 'sign'])
  assert.equal(code, 0)
  assert.match(stdout, /Examples:\n {2}\S/)
  const help = helpOfAll()
  assert.ok(help.size > 40, `${help.size} commands`)
  for (const [name, text] of help)
    assert.match(text, new RegExp(`\nExamples:\n(?:.*\n)*? .*${name}\\b`), name)
  const cp = (await run(['help', 'cp'])).stdout
  assert.match(cp, /Arguments:\n {2}source .*\n {2}target /)
  assert.match(cp, /unless told 24/)
  assert.match((await run(['help', 'team', 'create'])).stdout, /^Usage: signpost team create /)
  assert.match((await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  assert.match((await run(['help', 'exit-codes'])).stdout, /130 {2}stopped by Ctrl-C/)
})

/** Of every command that does something, by its name. */
function helpOfAll(): Map<string, string> {
  const help = new Map<string, string>()
  const walk = (command: Command, name: string): void => {
    const parts = command.commands.filter((part) => !['help', 'exit-codes'].includes(part.name()))
    for (const part of parts) walk(part, `${name} ${part.name()}`)
    if (parts.length > 0) return
    command.configureOutput({ writeOut: (text) => void help.set(name, `${help.get(name) ?? ''}${text}`) })
    command.outputHelp()
  }
  walk(createProgram({ io: { version: '0.0.0' } } as Run), 'signpost')
  return help
}

test('keys that a hostile bucket holds never write outside the target folder', async (t) => {
  const entry = (key: string) => ({ key, sizeBytes: 2, etag: '"e"', lastModified: '2026-01-01T00:00:00Z' })
  const keys = ['dir/../../evil', '../evil', '/evil', 'a//evil', 'ok.txt']
  const server = createServer((request, response) => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const contract = {
      grantId: 'g',
      method: 'GET',
      url: `${origin}/object`,
      headers: {},
      successStatuses: [200],
    }
    const limits = { expiresAt: '2999-01-01T00:00:00Z', limitedBy: 'requested', enforcement: {} }
    const url = { index: 0, ...contract, ...limits }
    if (request.url === '/object') return void response.end('hi')
    const isList = request.url?.startsWith('/v1/teams/t/objects')
    response.setHeader('content-type', isList ? 'application/json' : 'application/x-ndjson')
    response.end(JSON.stringify(isList ? { items: keys.map(entry), prefixes: [], nextCursor: null } : url))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { run, folder } = openShell(t, { SIGNPOST_URL: `http://127.0.0.1:${port}`, SIGNPOST_TOKEN: 'x' })
  const { code, stderr } = await run(['cp', '-r', 'sp://t/', 'deep/out'])
  assert.equal(code, 1)
  assert.equal(stderr.match(/it is not written/g)?.length, 4)
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['out'])
  assert.deepEqual(readdirSync(join(folder, 'deep/out')), ['ok.txt'])
  assert.equal(readFileSync(join(folder, 'deep/out/ok.txt'), 'utf8'), 'hi')
  assert.equal(existsSync('/evil'), false)
})
