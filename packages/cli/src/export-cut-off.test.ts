/** An export that is broken off: by the server, or by whoever runs it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openShell } from './testing/run-command.ts'

/** Of either export. */
const line = '{"chain":"c","seq":1,"kind":"event","data":{}}\n'

/** A server that has said the first lines of an export, and then does what the test wants. */
async function openServer(t: TestContext) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write(line.repeat(3), () => server.emit('asked', response))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const token = `sp_${'a'.repeat(12)}_${'B'.repeat(43)}`
  const shell = openShell(t, { SIGNPOST_URL: `http://127.0.0.1:${port}`, SIGNPOST_TOKEN: token })
  const asked = async () => ((await once(server, 'asked')) as [ServerResponse])[0]
  return { shell, asked, files: () => readdirSync(shell.folder).filter((name) => !name.startsWith('.')) }
}

const commands = [
  ['audit', 'export', '-o', 'out.ndjson'],
  ['person', 'data', 'alice', '-o', 'out.ndjson'],
]

for (const command of commands) {
  test(`${command[0]} ${command[1]}: a server that is gone leaves no half file`, async (t) => {
    const { shell, asked, files } = await openServer(t)
    const { ended } = shell.start(command)
    ;(await asked()).destroy()
    const { code, stderr } = await ended
    assert.equal(code, 5, stderr)
    assert.match(stderr, /^signpost: .*(?:run it again|No answer from).*\(network\)\n$/)
    assert.deepEqual(files(), [])
  })

  test(`${command[0]} ${command[1]}: Ctrl-C leaves the file of before`, async (t) => {
    const { shell, asked, files } = await openServer(t)
    writeFileSync(join(shell.folder, 'out.ndjson'), 'before')
    const child = shell.start(command)
    await asked()
    child.kill('SIGINT')
    assert.deepEqual(await child.ended, { code: 130, stdout: '', stderr: 'signpost: interrupted\n' })
    assert.deepEqual(files(), ['out.ndjson'])
    assert.equal(readFileSync(join(shell.folder, 'out.ndjson'), 'utf8'), 'before')
  })
}

test('a whole export takes the place of the file of before, keeps its mode, and spares devices', async (t) => {
  const { shell, asked, files } = await openServer(t)
  writeFileSync(join(shell.folder, 'out.ndjson'), 'before', { mode: 0o640 })
  symlinkSync('out.ndjson', join(shell.folder, 'link'))
  for (const file of ['link', '/dev/null']) {
    const { ended } = shell.start(['audit', 'export', '-o', file])
    ;(await asked()).end(line)
    assert.equal((await ended).code, 0)
  }
  assert.deepEqual(files(), ['link', 'out.ndjson'])
  assert.equal(readFileSync(join(shell.folder, 'out.ndjson'), 'utf8'), line.repeat(4))
  assert.equal(statSync(join(shell.folder, 'out.ndjson')).mode & 0o777, 0o640)
  assert.equal(statSync('/dev/null').isFile(), false)
})
