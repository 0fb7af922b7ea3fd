/** What an export for others holds, and what can still be verified of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ChainedAuditEvent } from '@signpost/contract'
import { createSignedExport } from '../../contract/src/testing/signed-export.ts'
import { pseudonymisedLine, readPseudonymKey } from './pseudonymise.ts'
import { verifyExport } from './verify-export.ts'

const key = Buffer.alloc(32, 7)
const whole = createSignedExport({
  edit: (event) =>
    event.type === 'user.create'
      ? {
          ...event,
          address: '198.51.100.7',
          agent: 'laptop',
          marker: event.username!,
          details: { user: 'carla', role: 'member', count: 3 },
        }
      : event,
})
const lines = whole.lines.map((line) => pseudonymisedLine(line, key).trimEnd())
const eventsIn = (all: readonly string[]) => all.map((line) => (JSON.parse(line) as ChainedAuditEvent).event)

describe('a pseudonymised export', () => {
  let folder: string
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'signpost-pseudonyms-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const verified = (all: readonly string[]) => {
    const file = join(folder, 'audit.ndjson')
    writeFileSync(file, `${all.join('\n')}\n`)
    return verifyExport({ export: file, publicKey: whole.publicKey }, AbortSignal.any([]))
  }

  test('names nobody, the same always in the same way, and keeps what happened', () => {
    const text = lines.join('\n')
    for (const word of ['alice', 'bob', 'carla', '198.51.100.7', 'laptop'])
      assert.ok(!text.includes(word), word)
    const [event] = eventsIn(lines).filter(({ type }) => type === 'user.create')
    assert.match(event!.username!, /^p-[0-9a-f]{20}$/)
    assert.equal(event!.marker, event!.username)
    assert.deepEqual([event!.details?.['role'], event!.details?.['count']], ['member', 3])
    const again = whole.lines.map((line) => pseudonymisedLine(line, key).trimEnd())
    assert.deepEqual(again, lines)
    const other = whole.lines.map((line) => pseudonymisedLine(line, Buffer.alloc(32, 8)))
    assert.ok(!other.join('').includes(event!.username!))
    const names = eventsIn(whole.lines).map(({ username }) => username)
    const pseudonyms = eventsIn(lines).map(({ username }) => username)
    assert.equal(new Set(pseudonyms).size, new Set(names).size)
  })

  test('verifies as far as it can, and says how far', async () => {
    const { ok, events, pseudonymisedEvents, checkpoints } = await verified(lines)
    assert.deepEqual([ok, events, pseudonymisedEvents, checkpoints?.count], [true, lines.length, 7, 4])
    const line = (JSON.parse(lines[1]!) as { pseudonymised?: boolean }).pseudonymised
    assert.deepEqual([line, lines[0]], [true, whole.lines[0]])
  })

  test('shows events that are taken out, moved or have another hash, and changes of those that are whole', async () => {
    for (const index of lines.keys())
      if (index < lines.length - 1)
        assert.equal((await verified(lines.toSpliced(index, 1))).ok, false, `${index}`)
    const swapped = lines.with(1, lines[2]!).with(2, lines[1]!)
    assert.equal((await verified(swapped)).ok, false)
    const other = lines.map((line, index) =>
      index === 1 ? line.replace(/"hash":"[0-9a-f]{4}/, '"hash":"0000') : line,
    )
    assert.equal((await verified(other)).ok, false, 'the next one is hashed with it')
    const changed = lines.map((line) => line.replace('vision-2', 'vision-9'))
    assert.equal((await verified(changed)).ok, false)
    const unmarked = lines.map((line) => line.replace('"pseudonymised":true,', ''))
    assert.equal((await verified(unmarked)).ok, false)
  })

  test('keeps since when a policy was in force that is told again: expiries are judged by it', () => {
    const [at, firstAt] = ['2026-06-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z']
    const details = { trailDays: 60, firstAt }
    const event = { id: 'id', at, type: 'audit.retention', decision: 'allow', reason: 'told_again', details }
    const line = `${JSON.stringify({ chain: 'a', seq: 1, hash: 'x', event })}\n`
    assert.equal(pseudonymisedLine(line, key), line)
  })

  test('what stands under a name of ours, and is not ours, names nobody either', () => {
    const told = (details: Record<string, string>) => {
      const event = {
        id: 'id',
        at: '2026-06-01T00:00:00.000Z',
        type: 'apiKey.create',
        decision: 'allow',
        details,
      }
      const line = `${JSON.stringify({ chain: 'a', seq: 1, hash: 'x', event })}\n`
      return eventsIn([pseudonymisedLine(line, key)])[0]!.details!
    }
    const leaks = {
      scope: '{"teams":["vision"],"networks":["203.0.113.9/32"]}',
      grantId: 'alice',
      restriction: 'alice',
      from: 'alice',
      before: '{"receiver":"https://alice.example.com"}',
    }
    for (const [name, value] of Object.entries(told(leaks)))
      assert.match(String(value), /^p-[0-9a-f]{20}$/, name)
    const kept = {
      scope: 'team',
      grantId: '01a20abe-ad1b-7000-a24a-c473d51c6f44',
      from: '2026-11-16T23:30:51.288Z',
      before: '2026-11-16T23:30:51.288Z',
      role: 'member',
    }
    assert.deepEqual(told(kept), kept)
  })

  test('a key that is too short is refused', async () => {
    const file = join(folder, 'short.key')
    writeFileSync(file, 'secret')
    await assert.rejects(readPseudonymKey(file), /at least 16 bytes/)
    assert.equal((await readPseudonymKey(undefined)).length, 32)
  })
})
