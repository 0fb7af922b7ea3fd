/** An export of which beginnings expired, against who takes away more than a policy would have, by records of their own. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { expireDetails, noteInFile, type AuditEvent, type ChainedAuditEvent } from '@signpost/contract'
import { keyFrom } from '../../contract/src/testing/checkpoint-trail.ts'
import { createTrailWriter, type ExportOptions } from '../../contract/src/testing/signed-export.ts'
import { verifyExport } from './verify-export.ts'

const dayMs = 86_400_000
const begin = Date.parse('2026-01-01T00:00:00.000Z')
const on = (day: number, minutes = 0) => new Date(begin + day * dayMs + minutes * 60_000).toISOString()

type Link = Pick<ChainedAuditEvent, 'seq' | 'hash'> & { chain: string }
const linkOf = (line: string) => JSON.parse(line) as Link

interface Told {
  /** Day of the record, as it says. */
  day?: number
  /** Day of the checkpoint that covers it; undefined: there is none yet. */
  signedOn?: number | undefined
  chain?: string
  through?: number
  /** Which of the first two checkpoints vouches. */
  proof?: number | undefined
  checkpoints?: number[]
  fields?: Partial<AuditEvent>
  details?: NonNullable<AuditEvent['details']>
  policy?: number | null
  options?: ExportOptions
}

/**
 * chain-a, of 8 events: two days with a checkpoint each, day 0 and day 10. chain-b begins on day 20, has a checkpoint of its own
 * and tells of what expires; the honest record is of day 45, and takes away chain-a to event 4.
 */
function trail(told: Told = {}) {
  const { day = 45, signedOn = day, chain = 'chain-a', through = 4, proof = 1, checkpoints = [] } = told
  const { lines, notes, publicKey, write, open, checkpoint } = createTrailWriter(told.options)
  open('chain-a', on(0))
  for (const when of [0, 10]) {
    for (const minute of [1, 2, 3]) write('chain-a', on(when, minute), { type: 'user.create' })
    checkpoint('chain-a', on(when, 9))
  }
  open('chain-b', on(20))
  if (told.policy !== undefined)
    write('chain-b', on(20, 1), { type: 'audit.retention', details: { trailDays: told.policy } })
  write('chain-b', on(20, 2), { type: 'user.update', username: 'bob' })
  checkpoint('chain-b', on(20, 9))
  const last = lines.map(linkOf).find((link) => link.chain === chain && link.seq === through)!
  const proofs = proof === undefined ? [] : [{ number: proof, note: notes[proof - 1]! }]
  const details = { events: through, before: on(day - 31), ...expireDetails([last], checkpoints, proofs) }
  const record = { type: 'audit.expire', reason: 'retention', ...told.fields } as const
  write('chain-b', on(day), { ...record, details: { ...details, ...told.details } })
  if (signedOn !== undefined) checkpoint('chain-b', on(signedOn, 9))
  return { lines, notes, publicKey }
}

const without = (lines: readonly string[], chain: string, first: number, last: number) =>
  lines.filter((line) => {
    const link = linkOf(line)
    return link.chain !== chain || link.seq < first || link.seq > last
  })

describe('an export of which beginnings have expired', () => {
  let folder: string
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'signpost-expiry-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const verified = (
    lines: readonly string[],
    publicKey: string | undefined,
    more: { kept?: string; day?: number } = {},
  ) => {
    const [file, checkpoints] = [join(folder, 'audit.ndjson'), join(folder, 'kept.txt')]
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
    if (more.kept !== undefined) writeFileSync(checkpoints, more.kept)
    const asked = {
      export: file,
      ...(publicKey === undefined ? {} : { publicKey }),
      ...(more.kept === undefined ? {} : { checkpoints }),
    }
    return verifyExport(asked, new AbortController().signal, () => begin + (more.day ?? 46) * dayMs)
  }

  test('verifies, and tells who took away what, and by which checkpoint it was old enough', async () => {
    const { lines, notes, publicKey } = trail()
    const left = without(lines, 'chain-a', 1, 4)
    for (const kept of [undefined, notes.map(noteInFile).join('')]) {
      const result = await verified(left, publicKey, kept === undefined ? {} : { kept })
      assert.deepEqual([result.ok, result.firstBad, result.expiredEvents], [true, null, 4])
      assert.deepEqual(result.expiries, [
        {
          chain: 'chain-b',
          seq: 4,
          at: on(45),
          by: null,
          events: 4,
          beginnings: [{ chain: 'chain-a', throughSeq: 4, checkpoint: 1 }],
          problem: null,
        },
      ])
    }
    assert.equal((await verified(left, undefined)).ok, true)
  })

  test('verifies where the checkpoints went with the events, by the note in the record', async () => {
    const { lines, publicKey } = trail({ through: 6, day: 50, proof: 2, checkpoints: [1] })
    const result = await verified(without(lines, 'chain-a', 1, 6), publicKey, { day: 51 })
    assert.deepEqual([result.ok, result.firstBad, result.checkpoints?.firstBad], [true, null, null])
    assert.equal(result.expiries?.[0]?.beginnings[0]?.checkpoint, 2)
  })

  // Each: what is told, what is taken away beside, and what is named: its chain, its place, and why.
  const forged: [what: string, told: Told, gone: [string, number, number], bad: [string, number, RegExp]][] =
    [
      [
        'a gap in the middle',
        {},
        ['chain-a', 2, 4],
        ['chain-a', 2, /missing.*nothing expires behind an event/],
      ],
      [
        'the end of a chain',
        { through: 9 },
        ['chain-a', 6, 9],
        ['chain-a', 9, /missing: chain chain-b says/],
      ],
      ['more than the record says', {}, ['chain-a', 1, 5], ['chain-a', 1, /missing: the next event found/]],
      ['another chain than the record says', {}, ['chain-b', 1, 2], ['chain-b', 1, /missing/]],
      [
        'what was too young',
        { day: 25 },
        ['chain-a', 1, 4],
        ['chain-b', 4, /by checkpoint 1 that was 24 days old/],
      ],
      [
        'what was too young, by a record that says to be of later',
        { day: 45, signedOn: 21 },
        ['chain-a', 1, 4],
        ['chain-b', 4, /that was 21 days old/],
      ],
      [
        'what the policy kept for good',
        { policy: null },
        ['chain-a', 1, 4],
        ['chain-b', 5, /kept all for good/],
      ],
      [
        'what says itself that it was young',
        { details: { before: on(40) } },
        ['chain-a', 1, 4],
        ['chain-b', 4, /does not say/],
      ],
      [
        'what does not say how old',
        { details: { before: null } },
        ['chain-a', 1, 4],
        ['chain-b', 4, /does not say/],
      ],
      [
        'a record of a refusal',
        { fields: { decision: 'deny' } },
        ['chain-a', 1, 4],
        ['chain-a', 1, /missing/],
      ],
      [
        'an event of a checkpoint that none old enough tells of',
        { checkpoints: [1, 2] },
        ['chain-a', 1, 4],
        ['chain-b', 4, /the event of checkpoint 1/],
      ],
    ]
  for (const [what, told, gone, [chain, seq, problem]] of forged)
    test(`names who takes away ${what}`, async () => {
      const { lines, notes, publicKey } = trail(told)
      for (const kept of [undefined, notes.map(noteInFile).join('')]) {
        const result = await verified(without(lines, ...gone), publicKey, kept === undefined ? {} : { kept })
        assert.equal(result.ok, false)
        assert.deepEqual(
          [result.firstBad?.chain, result.firstBad?.seq],
          [chain, seq],
          result.firstBad?.problem,
        )
        assert.match(result.firstBad!.problem, problem)
      }
    })

  test('names who takes away what was younger than the policy keeps, as far as checkpoints tell', async () => {
    const told: Told = { policy: 400, through: 6, proof: 2, checkpoints: [1], day: 50 }
    const { lines, notes, publicKey } = trail(told)
    const left = without(lines, 'chain-a', 1, 6)
    const kept = notes.map(noteInFile).join('')
    const { ok, firstBad } = await verified(left, publicKey, { kept, day: 51 })
    assert.deepEqual([ok, firstBad?.chain, firstBad?.seq], [false, 'chain-b', 5])
    assert.match(firstBad!.problem, /that was 49 days old at most, and the policy kept 400/)
    const may = trail({ ...told, policy: 45 })
    assert.equal(
      (
        await verified(without(may.lines, 'chain-a', 1, 6), publicKey, {
          kept: may.notes.map(noteInFile).join(''),
          day: 51,
        })
      ).ok,
      true,
    )
  })

  test('names a record of the future that nobody has signed yet', async () => {
    const { lines, publicKey } = trail({ day: 90, signedOn: undefined, details: { before: on(50) } })
    const left = without(lines, 'chain-a', 1, 4)
    const { firstBad, expiries } = await verified(left, publicKey, { day: 22 })
    assert.deepEqual([firstBad?.chain, firstBad?.seq], ['chain-b', 4])
    assert.match(firstBad!.problem, /that was 21 days old/)
    assert.equal(expiries?.[0]?.problem, firstBad?.problem)
    assert.equal((await verified(left, publicKey, { day: 91 })).ok, true)
  })

  test('names a record without a checkpoint that vouches for it, and one with a note of somebody else', async () => {
    // The event of the first checkpoint is gone with what it covered.
    const gone: Told = { through: 6, day: 50, checkpoints: [1] }
    const none = trail({ ...gone, proof: undefined })
    const left = without(without(none.lines, 'chain-a', 1, 6), 'chain-a', 9, 9)
    const told = await verified(left, none.publicKey, { day: 51 })
    assert.match(
      `${told.firstBad?.problem} ${told.checkpoints?.firstBad?.problem}`,
      /missing|no signed checkpoint/,
    )
    const other = trail({ options: { key: keyFrom(9) } })
    const borrowed = trail({ ...gone, details: { 'checkpoint:1': other.notes[0]! }, proof: 2 })
    const result = await verified(without(borrowed.lines, 'chain-a', 1, 6), borrowed.publicKey, { day: 51 })
    assert.equal(result.ok, false)
  })
})
