/** Guard rails from a terminal: sizes, digests, forms, and looking afterwards. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { parseChecksum } from './parse.ts'
import { openShell } from './testing/run-command.ts'

test('a digest is taken in hex and in base64, and nothing else', () => {
  const hex = createHash('sha256').update('x').digest('hex')
  const value = Buffer.from(hex, 'hex').toString('base64')
  assert.deepEqual(parseChecksum(`sha256:${hex}`), { algorithm: 'sha256', value })
  assert.deepEqual(parseChecksum(`sha256:${value}`), { algorithm: 'sha256', value })
  assert.deepEqual(parseChecksum('crc32c:e3069283').value, '4waSgw==')
  for (const bad of ['', 'sha256', 'sha256:', `md5:${hex}`, `sha1:${hex}`, 'sha256:xyz', `SHA256:${hex}`])
    assert.throws(() => parseChecksum(bad), /md5, sha256 or crc32c/, bad)
})

test('sizes and digests are held by URL and form, and what is not is looked at', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR'] ?? '', 'demo-token')
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(file, 'utf8').trim()
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  const run = async (args: string[]) => {
    const ran = await shell.run(args)
    return { ...ran, text: ran.stdout.trim() }
  }
  const write = (name: string, body: string) => writeFileSync(join(shell.folder, name), body)
  const shellRun = (line: string) =>
    execFileSync('sh', ['-c', line], { cwd: shell.folder, encoding: 'utf8', stdio: 'pipe' })

  write('FILE', 'twelve bytes')
  const form = ['sign', '-a', 'write', '-X', 'POST', '--curl', 'sp://demo/form']
  const { text: line } = await run([...form, '--max-bytes', '12'])
  assert.match(line, /--form-string key=demo.form .*--form file=@FILE /)
  shellRun(line)
  assert.throws(() => shellRun(line.replace('key=', 'key=x')))
  const { text: small } = await run([...form, '--max-bytes', '11'])
  assert.throws(() => shellRun(small), /400/)
  assert.equal((await run(['cp', 'sp://demo/form', '-'])).stdout, 'twelve bytes')

  const hex = createHash('sha256').update('twelve bytes').digest('hex')
  const sign = ['sign', '-a', 'write', '--curl', '--checksum', `sha256:${hex}`, 'sp://demo/digest']
  const { text: digest } = await run(sign)
  shellRun(digest)
  write('FILE', 'other bytes!')
  assert.throws(() => shellRun(digest), /400/)

  const asked = await run(['sign', '--json', '-a', 'write', '--max-bytes', '5', 'sp://demo/after'])
  const issued = JSON.parse(asked.text) as { grantId: string; url: string; headers: Record<string, string> }
  await fetch(issued.url, { method: 'PUT', headers: issued.headers, body: 'far too large' })
  const bare = await run(['sign', '-a', 'write', '--max-bytes', '5', 'sp://demo/after'])
  assert.match(bare.text, /^http\S+$/)
  assert.match(bare.stderr, /works only with its headers \(x-amz-meta-signpost-grant\): --curl prints a line/)
  const plain = await run(['sign', '-a', 'write', 'sp://demo/after'])
  assert.deepEqual([plain.code, plain.stderr], [0, ''])
  const looked = await run(['verify', 'demo', issued.grantId])
  assert.deepEqual([looked.code, looked.text], [1, 'failed: contentLengthRange; the object was quarantined'])
  assert.equal((await run(['cp', 'sp://demo/after', '-'])).code, 4)
  assert.equal((await run(['verify', 'demo', 'no-such-grant'])).code, 4)
  const json = await run(['verify', 'demo', issued.grantId, '--json'])
  assert.deepEqual([json.code, (JSON.parse(json.text) as { state: string }).state], [1, 'failed'])

  assert.equal((await run(['cp', '--verify', 'FILE', 'sp://demo/verified'])).code, 0)
  for (const bad of [
    ['sign', '-a', 'write', '-X', 'POST', 'sp://demo/x'],
    ['sign', '-a', 'write', '--min-bytes', '5', 'sp://demo/x'],
    ['sign', '-a', 'write', '--checksum', 'nonsense', 'sp://demo/x'],
  ])
    assert.equal((await run(bad)).code, 2, bad.join(' '))
})
