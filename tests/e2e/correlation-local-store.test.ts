/** Everything that the embedded store's log tells is explained, and nothing is put down to somebody who did not do it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSignpost } from '@signpost/sdk/node'
import { allRecords } from './correlation/reading.ts'
import { correlate } from './correlation/run.ts'
import { localStore } from './correlation/s3-stores.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

test('every access to the embedded store is explained', (t) => correlate(t, localStore))

test('the store that the first start brings along is read where it is, as it grows', async (t) => {
  const env: Record<string, string> = { ...(await freshEnvironment(t)), SIGNPOST_LOGS_INTERVAL_SECONDS: '0' }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const clientOf = (file: string) => {
    const token = readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', file), 'utf8').trim()
    const client = createSignpost({ url: server.url, token })
    t.after(() => client.close())
    return client
  }
  const [admin, member] = [clientOf('admin-token'), clientOf('demo-token')]
  const name = 'embedded'
  const settings = { kind: 'local-store' } as const
  await admin.call('createLogSource', { body: { name, format: 'local-store', settings } })
  for (const times of [1, 2]) {
    const key = `grown-${times}.bin`
    await member.upload({ team: 'demo', key }, Buffer.from('bytes'))
    await (await member.download({ team: 'demo', key })).bytes()
    await member.remove({ team: 'demo', key })
    const { read, problem } = await admin.call('readLogSource', { params: { name } })
    assert.deepEqual([read, problem], [1, null])
    const records = (await allRecords(admin, {})).filter((record) => record.key === `demo/${key}`)
    const told = records.map(({ finding, username, evidence }) => `${finding} ${evidence.action} ${username}`)
    assert.deepEqual(
      told.toSorted(),
      ['matched read demo-user', 'matched write demo-user', 'own delete undefined'].toSorted(),
    )
  }
  const all = await allRecords(admin, {})
  assert.ok(all.every(({ finding }) => finding === 'matched' || finding === 'own'))
})
