/** The store's log, as it gets into Signpost and what is told of it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileCounts, type AccessLogRecord } from '@signpost/contract'
import type { Signpost } from '@signpost/sdk/node'
import type { World } from './world.ts'

/** Ceph and Azurite write a line after they have answered. Where no line tells whose it is, only rest tells that all are there. */
export async function settled({ log, ledger, store }: World): Promise<string> {
  const { agents } = store.tells
  let before = ''
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    const now = log()
    const isWhole = !agents || ledger.done.every(({ place }) => now.includes(place))
    if (isWhole && now === before && now.endsWith('\n')) return now
    before = now
    await sleep(agents ? 400 : 2000)
  }
  // What is missing is told by whoever compares.
  return before
}

export async function allRecords(
  admin: Signpost,
  query: { key?: string; team?: string },
): Promise<AccessLogRecord[]> {
  const all: AccessLogRecord[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const more: { cursor?: string } = cursor === '' ? {} : { cursor }
    const page: { items: AccessLogRecord[]; nextCursor: string | null } = await admin.call(
      'listAccessLogRecords',
      { query: { ...query, limit: 1000, ...more } },
    )
    all.push(...page.items)
    cursor = page.nextCursor
  }
  return all
}

/** A source of its own, so that what was read by another is read once more. */
export async function readAsFolder({ admin, logsDir, store }: World, name: string, text: string) {
  writeFileSync(join(logsDir, name), text, 'latin1')
  const kind = store.format === 'ceph-ops' ? ('ceph' as const) : ('folder' as const)
  const body = { name, format: store.format, settings: { kind, path: name } }
  await admin.call('createLogSource', { body })
  const reading = await admin.call('readLogSource', { params: { name } })
  assert.deepEqual([reading.problem, reading.failed, reading.waiting, reading.read], [null, 0, 0, 1])
  const { state } = await admin.call('getLogSource', { params: { name } })
  const { lines, records, unparsed } = state
  return { lines, records, unparsed }
}

/** As `signpost logs ingest` does. */
export async function handIn(world: World, name: string, text: string): Promise<FileCounts> {
  const { server, adminToken, store } = world
  const answer = await fetch(`${server.url}/v1/access-logs?name=${name}&format=${store.format}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/octet-stream' },
    body: Buffer.from(text, 'latin1'),
  })
  const told = await answer.text()
  assert.equal(answer.status, 200, told)
  return FileCounts.parse(JSON.parse(told))
}
