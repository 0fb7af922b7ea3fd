/** No URL without its record: the server is killed at random moments of a load, and every URL that a client got must be in the trail. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AuditVerification, ChainedAuditEvent } from '@signpost/contract'
import { createSignpost } from '@signpost/sdk'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

const moments = 50
const batchItems = 300
const askers = 8
/** Of each moment at least, lest it mean nothing. */
const urlsOfMoment = 10

test(`killed at ${moments} random moments, the server has left no URL without its audit event, and the chains verify`, async (t) => {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    SIGNPOST_LOG_LEVEL: 'fatal',
  }
  const token = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  let server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const received = new Set<string>()
  for (let moment = 0; moment < moments; moment++) {
    const before = received.size
    const killed = new AbortController()
    const load = Promise.all(
      Array.from({ length: askers }, (_, asker) =>
        ask(server.url, token('demo-token'), asker, received, killed.signal),
      ),
    )
    await waitFor(() => received.size >= before + urlsOfMoment)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
    server.kill('SIGKILL')
    await server.ended
    killed.abort()
    await load
    server = await startServer(t, env)
  }
  const authorization = `Bearer ${token('admin-token')}`

  const recorded = new Set<string>()
  for await (const { event } of exported(server.url, authorization)) {
    if (event.type === 'url.issue' && event.decision === 'allow' && event.grantId) recorded.add(event.grantId)
  }
  const unrecorded = [...received].filter((grantId) => !recorded.has(grantId))
  assert.deepEqual(unrecorded, [])

  const answer = await fetch(`${server.url}/v1/audit-events/verify`, {
    method: 'POST',
    headers: { authorization },
  })
  const verification = (await answer.json()) as AuditVerification
  assert.equal(verification.firstBad, null)
  assert.equal(verification.ok, true)
  assert.equal(verification.chains, moments + 1)
  t.diagnostic(`${received.size} URLs received, ${recorded.size} recorded, ${verification.chains} chains`)
})

/** One URL at a time, and batches, until the server is gone. */
async function ask(
  url: string,
  token: string,
  asker: number,
  received: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const client = createSignpost({ url, token, retries: 0 })
  try {
    while (!signal.aborted) {
      if (asker % 2 === 0) {
        received.add((await client.url('demo', { action: 'read', key: 'a.txt' })).grantId)
      } else {
        const items = Array.from({ length: batchItems }, (_, index) => ({
          action: 'read' as const,
          key: `${index}.txt`,
        }))
        for await (const line of client.urls('demo', items)) if (line.ok) received.add(line.url.grantId)
      }
    }
  } catch {
    // The server is gone: what had been received counts.
  }
}

async function* exported(url: string, authorization: string): AsyncGenerator<ChainedAuditEvent> {
  const answer = await fetch(`${url}/v1/audit-events/export`, { headers: { authorization } })
  assert.equal(answer.status, 200)
  let rest = ''
  const text = answer.body!.pipeThrough(new TextDecoderStream()) as AsyncIterable<string>
  for await (const chunk of text) {
    const lines: string[] = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as ChainedAuditEvent
  }
  assert.equal(rest, '', 'the export ends with a whole line')
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (const until = Date.now() + 120_000; !condition();) {
    if (Date.now() > until) throw new Error('no URLs came within two minutes')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
