import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { TransferError } from '@signpost/sdk/node'
import type { Io } from './io.ts'
import { createServerAccess } from './server-fetch.ts'

const io: Pick<Io, 'stderr'> = { stderr: new PassThrough() as unknown as Io['stderr'] }
const settings = (url: string) => ({ url, token: 'sp_x' })

/** As `fetch` fails. */
function noAnswer(code: string): TransferError {
  const inner = Object.assign(new Error(code), { code })
  return new TransferError('network', 'No answer', {
    peer: 'signpost',
    cause: new TypeError('fetch failed', { cause: inner }),
  })
}

test('an address at which there is no server is tried once more; what may pass is tried on', () => {
  const { mayRetry } = createServerAccess(io as Io, settings('http://127.0.0.1:1'))
  for (const code of ['ECONNREFUSED', 'ENOTFOUND'])
    assert.deepEqual(
      [0, 1].map((attempt) => mayRetry(noAnswer(code), attempt)),
      [true, false],
      code,
    )
  for (const code of ['ECONNRESET', 'EAI_AGAIN', 'ETIMEDOUT'])
    assert.equal(mayRetry(noAnswer(code), 4), true, code)
})

test('a server that has answered is waited for while it starts anew', async (t) => {
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const access = createServerAccess(io as Io, settings(url))
  await (await access.fetch(url)).arrayBuffer()
  assert.equal(access.mayRetry(noAnswer('ECONNREFUSED'), 4), true)
})
