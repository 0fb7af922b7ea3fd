/** An export, the public key and checkpoints that were kept elsewhere, against everybody who changes what is checked. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { noteInFile, type AuditEvent } from '@signpost/contract'
import { keyFrom } from '../../contract/src/testing/checkpoint-trail.ts'
import { createSignedExport } from '../../contract/src/testing/signed-export.ts'
import { verifyExport, type ExportVerification } from './verify-export.ts'

const whole = createSignedExport()
const { lines, notes, publicKey } = whole
const inFile = (all: readonly string[]) => all.map(noteInFile).join('')

describe('verifying an export off the server', () => {
  let folder: string
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'signpost-export-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** `kept`: the text of the file of kept checkpoints; left out: none is given. */
  const verified = (
    exported: readonly string[],
    { kept, key = publicKey }: { kept?: string; key?: string | null } = {},
  ): Promise<ExportVerification> => {
    const [file, checkpoints] = [join(folder, 'audit.ndjson'), join(folder, 'kept.txt')]
    writeFileSync(file, exported.map((line) => `${line}\n`).join(''))
    if (kept !== undefined) writeFileSync(checkpoints, kept)
    const asked = {
      export: file,
      ...(key === null ? {} : { publicKey: key }),
      ...(kept === undefined ? {} : { checkpoints }),
    }
    return verifyExport(asked, new AbortController().signal)
  }
  /** Neither passes nor breaks down: it is told what is wrong, and where. */
  const named = async (
    what: string,
    exported: readonly string[],
    kept?: string,
  ): Promise<ExportVerification> => {
    const result = await verified(exported, kept === undefined ? {} : { kept })
    assert.equal(result.ok, false, what)
    assert.ok(result.firstBad ?? result.checkpoints?.firstBad, what)
    return result
  }

  test('what is as it was: ok, with and without kept checkpoints', async () => {
    const { ok, chains, events, checkpoints, keptUntil } = await verified(lines, { kept: inFile(notes) })
    assert.deepEqual([ok, chains, events, keptUntil], [true, 2, lines.length, 4])
    assert.deepEqual([checkpoints?.count, checkpoints?.last?.number, checkpoints?.uncoveredEvents], [4, 4, 1])
    assert.equal((await verified(lines)).ok, true)
    const older = await verified(lines, { kept: inFile(notes.slice(0, 2)) })
    assert.deepEqual([older.ok, older.keptUntil, older.checkpoints?.last?.number], [true, 2, 4])
    const chainsOnly = await verifyExport({ export: join(folder, 'audit.ndjson') }, AbortSignal.any([]))
    assert.deepEqual([chainsOnly.ok, chainsOnly.checkpoints], [true, undefined])
  })

  test('each event that is taken out, doubled, moved or put in is named', async () => {
    const kept = inFile(notes)
    for (const [index, line] of lines.entries()) {
      const { chain, seq } = JSON.parse(line) as { chain: string; seq: number }
      // Nothing that is signed tells of the very last: the checkpoint was signed before it.
      if (index < lines.length - 1) {
        const { firstBad } = await named(`without ${seq}`, lines.toSpliced(index, 1), kept)
        assert.deepEqual([firstBad?.chain, firstBad?.seq], [chain, seq])
      }
      assert.match((await named('twice', lines.toSpliced(index, 0, line), kept)).firstBad!.problem, /doubled/)
      const other = lines.findIndex((one, at) => at > index && one.startsWith(`{"chain":"${chain}"`))
      if (other !== -1) await named('moved', lines.with(index, lines[other]!).with(other, line), kept)
      const inserted = line.replace(/"seq":\d+/, `"seq":${seq + 1}`).replace(/"id":"[^"]*"/, '"id":"new"')
      await named('put in', lines.toSpliced(index + 1, 0, inserted), kept)
    }
  })

  test('any character of any event that is changed is found', async () => {
    for (const [index, line] of lines.entries())
      for (let at = index % 11; at < line.length; at += 11) {
        const changed = line.slice(0, at) + (line[at] === '0' ? '1' : '0') + line.slice(at + 1)
        const result = await verified(lines.with(index, changed)).catch((error: Error) => error)
        if (result instanceof Error) assert.match(result.message, /line \d+: it is no exported audit event/)
        else assert.equal(result.ok, false, `character ${at} of line ${index + 1}`)
      }
  })

  test('another text that reads the same is found', async () => {
    const doubled = lines[1]!.replace('"decision":', '"decision":"deny","decision":')
    assert.deepEqual(JSON.parse(doubled), JSON.parse(lines[1]!))
    assert.match((await named('doubled name', lines.with(1, doubled))).firstBad!.problem, /changed/)
    await named('spaces', lines.with(1, lines[1]!.replace('"event":', '"event": ')))
  })

  test('an end that was cut off, and a whole chain that is gone, are named', async () => {
    const kept = inFile(notes)
    for (let count = 0; count < lines.length - 1; count++) {
      const { firstBad } = await named(`${count} left`, lines.slice(0, count), kept)
      assert.match(firstBad!.problem, /^missing: checkpoint \d says/)
    }
    for (const chain of ['chain-a', 'chain-b']) {
      const { firstBad } = await named(
        chain,
        lines.filter((line) => !line.includes(`{"chain":"${chain}"`)),
        kept,
      )
      assert.equal(firstBad?.chain, chain)
    }
  })

  test('hashes that were all computed anew are found: by what the trail tells, and by what was kept', async () => {
    const changedHere = { username: 'mallory' }
    const rewritten = createSignedExport({
      edit: (event) => (event.username === 'alice-2' ? { ...event, ...changedHere } : event),
      noteInEvent: (_, number) => notes[number - 1]!,
    })
    assert.equal((await verified(rewritten.lines, { key: null })).ok, true, 'the chains alone do not show it')
    const told = await named('told', rewritten.lines)
    assert.match(told.firstBad!.problem, /^changed: checkpoint 2 recorded another hash/)
    const dropped = createSignedExport({
      edit: (event) =>
        event.type === 'audit.checkpoint' ? undefined : event.username === 'alice-2' ? undefined : event,
    })
    const byKept = await named('kept', dropped.lines, inFile(notes))
    assert.match(byKept.firstBad!.problem, /checkpoint \d/)
    const none = await verified(dropped.lines)
    assert.match(none.checkpoints!.firstBad!.problem, /no checkpoint at all/)
  })

  test('whoever signs everything anew has another key, or another deployment', async () => {
    const edit = (event: AuditEvent) =>
      event.username === 'alice-2' ? { ...event, username: 'mallory' } : event
    const forged = createSignedExport({ key: keyFrom(9), edit })
    assert.match((await named('own key', forged.lines)).checkpoints!.firstBad!.problem, /wrong key/)
    const both = await named('beside those kept', forged.lines, inFile(notes))
    assert.match(both.checkpoints!.firstBad!.problem, /two with this number/)
    const other = createSignedExport({ origin: 'signpost/other' })
    assert.match((await named('other', other.lines)).checkpoints!.firstBad!.problem, /another deployment/)
    await named('kept of another', lines, inFile(other.notes))
    const wrong = await verified(lines, { key: other.publicKey })
    assert.match(wrong.checkpoints!.firstBad!.problem, /another deployment/)
  })

  test('each kept checkpoint that is changed, gone, moved, doubled or cut is named by its number', async () => {
    for (const [index, note] of notes.entries()) {
      const bad = async (what: string, kept: string) => {
        const result = await verified(lines, { kept })
        assert.equal(result.ok, false, what)
        return result.checkpoints?.firstBad?.number
      }
      const number = index + 1
      assert.equal(
        await bad('changed', inFile(notes.with(index, note.replace('time 2026', 'time 2025')))),
        number,
      )
      assert.equal(await bad('doubled', inFile(notes.toSpliced(index, 0, note))), number)
      if (index > 0 && number < notes.length)
        assert.equal(await bad('gone', inFile(notes.toSpliced(index, 1))), number)
      if (number < notes.length) {
        const swapped = notes.with(index, notes[number]!).with(number, note)
        assert.ok([number, number + 1].includes((await bad('moved', inFile(swapped)))!))
      }
      for (const cut of [2, 30, note.length - 40])
        assert.equal(
          await bad(`cut by ${cut}`, inFile([...notes.slice(0, index), note.slice(0, -cut)])),
          number,
        )
    }
    // Fewer than the export tells of is no fault of theirs: it is told how far they go.
    assert.equal((await verified(lines, { kept: inFile(notes.slice(0, 3)) })).keptUntil, 3)
    assert.equal((await verified(lines, { kept: '' })).keptUntil, 0)
  })

  test('what is no key, and checkpoints without a key, are refused', async () => {
    await assert.rejects(
      verified(lines, { key: 'signpost/test+00000000+AAAA' }),
      /--public-key: it is no public key/,
    )
    await assert.rejects(verified(lines, { key: null, kept: '' }), /give --public-key/)
    await assert.rejects(verifyExport({ export: '-' }, AbortSignal.any([])), /read twice/)
  })
})
