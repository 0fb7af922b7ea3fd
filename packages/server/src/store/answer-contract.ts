import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent, Finding } from '@signpost/contract'
import { accessDigest, accessKeyPlace } from './access-log-records.ts'
import { insertAccesses, type NewAccess } from './access-log-writes.ts'
import { countAcknowledged, eachAccess } from './access-sums.ts'
import { findFinding, listFindings, listFindingsUpwards, setFindingState, sumFindings } from './findings.ts'
import { findGrantUses, listAccessesOf, listAddressesOf } from './grant-uses.ts'
import type { Store } from './store.ts'

const day = 86_400_000
const start = 20_000 * day

function rowOf(index: number, finding: Finding, over: Partial<NewAccess> = {}): NewAccess {
  const at = over.at ?? start + index * 1000
  return {
    at,
    digest: accessDigest('answers', String(index)),
    file_id: 1,
    connector_id: 'answers',
    finding,
    principal_id: null,
    username: null,
    team: null,
    grant_id: null,
    object_key: 'a/k',
    key_place: accessKeyPlace(at, 'a/k'),
    address: '192.0.2.1',
    bytes: 10,
    evidence: '{"reason":"x","operation":"GET","action":"read","authentication":"query"}',
    ...over,
  }
}

/** Accesses and findings, on any engine. */
export function answerTests(storeOf: () => Store): void {
  const put = (rows: NewAccess[]) => {
    const { engine, commit } = storeOf()
    return commit({ statements: insertAccesses(engine, rows), events: [] as AuditEvent[] })
  }
  const span = { from: start, to: start + 10 * day }

  test('findings come the newest first over all kinds, page by page, and quiet ones not at all', async () => {
    const { db } = storeOf()
    const kinds: Finding[] = ['refused', 'likely', 'matched', 'own', 'not_issued_here']
    // Two of one instant: only the digest tells them apart.
    await put(Array.from({ length: 50 }, (_, n) => rowOf(n, kinds[n % 5]!, { at: start + (n >> 1) * 1000 })))
    const whole = await listFindings(db, span, { limit: 100 })
    assert.equal(whole.length, 30)
    const places = whole.map(({ at, digest }) => `${at} ${digest}`)
    assert.equal(new Set(places).size, 30)
    for (const windows of [1, 2, 3, 9, 10, 11]) {
      const same = await listFindings(db, span, { limit: 100 }, windows)
      assert.deepEqual(
        same.map(({ at, digest }) => `${at} ${digest}`),
        places,
      )
      let count = 0
      for await (const sums of sumFindings(db, { ...span, finding: 'refused' }, windows))
        for (const sum of sums) count += sum.count
      assert.equal(count, 10)
    }
    const paged: string[] = []
    for (let after: { at: number; digest: number } | undefined; ;) {
      const rows = await listFindings(db, span, { limit: 7, after })
      paged.push(...rows.slice(0, 7).map(({ at, digest }) => `${at} ${digest}`))
      if (rows.length <= 7) break
      after = rows[6]
    }
    assert.deepEqual(paged, places)
    const upwards = await listFindingsUpwards(db, { ...span, finding: 'likely' }, { limit: 100 })
    assert.equal(upwards.length, 10)
    assert.ok(upwards.every((row, index) => index === 0 || row.at >= upwards[index - 1]!.at))
    assert.deepEqual(await listFindings(db, { ...span, connectorId: 'other' }, { limit: 10 }), [])
    assert.deepEqual(await listFindings(db, { ...span, username: 'a\u0000b' }, { limit: 10 }), [])
  })

  test('the state of a finding is set, set again, and found', async () => {
    const { db, commit } = storeOf()
    const [row] = await listFindings(db, span, { limit: 1 })
    const { at, digest } = row!
    const set = { at, digest, note: 'n', changed_by: 'root', changed_at: 5 }
    const inState = async (state: 'open' | 'acknowledged') =>
      (await listFindings(db, { ...span, state }, { limit: 100 })).some((one) => one.digest === digest)
    assert.deepEqual([row!.state, await inState('open'), await inState('acknowledged')], [null, true, false])
    for (const state of ['acknowledged', 'open', 'acknowledged'] as const) {
      await commit({ statements: [setFindingState(db, { ...set, state })], events: [] })
      assert.equal((await findFinding(db, { at, digest }))?.state, state)
      assert.equal(await inState('acknowledged'), state === 'acknowledged')
    }
    assert.equal(await findFinding(db, { at, digest: digest + 1 }), undefined)
  })

  test('sums are the same whatever the chunks are, and say whether they are whole', async () => {
    const { db } = storeOf()
    const from = start + 2 * day
    const rows = Array.from({ length: 40 }, (_, n) =>
      rowOf(1000 + n, n % 4 === 0 ? 'refused' : 'matched', {
        at: from + Math.floor(n / 3) * 7_200_000,
        username: n % 4 === 0 ? null : `u${n % 2}`,
        bytes: n % 5 === 0 ? null : 3,
      }),
    )
    await put(rows)
    const sumOf = async (chunkRows: number, rowsMax = 1000) => {
      const byName = new Map<string, number>()
      let bytes = 0
      const chunks = eachAccess(db, { from, to: from + 2 * day, rowsMax, chunkRows })
      for (;;) {
        const next = await chunks.next()
        if (next.done)
          return { byName: [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)), bytes, complete: next.value }
        for (const { at, finding, username, bytes: of } of next.value) {
          const name = `${Math.floor(at / day)} ${finding} ${username}`
          byName.set(name, (byName.get(name) ?? 0) + 1)
          bytes += of ?? 0
        }
      }
    }
    const whole = await sumOf(1000)
    assert.equal(whole.complete, true)
    assert.equal(
      whole.byName.reduce((sum, [, count]) => sum + count, 0),
      40,
    )
    assert.equal(
      whole.bytes,
      rows.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    )
    for (const chunk of [1, 2, 3, 7, 40, 41])
      assert.deepEqual(await sumOf(chunk), whole, `chunks of ${chunk}`)
    assert.equal((await sumOf(10, 20)).complete, false)
    const picked = (index: number, state: 'open' | 'acknowledged') => {
      const { at, digest } = rows[index]!
      return setFindingState(db, { at, digest, state, note: '', changed_by: 'x', changed_at: 1 })
    }
    await storeOf().commit({
      statements: [picked(0, 'acknowledged'), picked(4, 'acknowledged'), picked(8, 'open')],
      events: [],
    })
    assert.deepEqual([...(await countAcknowledged(db, { from, to: from + 2 * day }))], [['refused', 2]])
    assert.deepEqual([...(await countAcknowledged(db, { from: from + day, to: from + 2 * day }))], [])
  })

  test('uses of grants are counted, and those of nobody are not there', async () => {
    const { db } = storeOf()
    const grant = { grant_id: 'grant-of-answers', username: 'answered', at: start + 5 * day }
    await put([
      rowOf(2000, 'matched', grant),
      rowOf(2001, 'matched', { ...grant, at: grant.at + 5, address: '192.0.2.2', bytes: null }),
      rowOf(2002, 'matched', { ...grant, at: grant.at + 9, address: null }),
    ])
    const uses = await findGrantUses(db, ['grant-of-answers', 'another', "'; drop table teams; --"])
    assert.deepEqual(
      [...uses],
      [
        [
          'grant-of-answers',
          { uses: 3, addresses: 2, bytes: 20, bytesUnknown: 1, firstAt: grant.at, lastAt: grant.at + 9 },
        ],
      ],
    )
    assert.deepEqual([...(await findGrantUses(db, []))], [])
    const page = await listAccessesOf(db, 'answered', span, { limit: 2 })
    const rest = await listAccessesOf(db, 'answered', span, { limit: 2, after: page[1] })
    assert.deepEqual(
      [...page, ...rest].map(({ at }) => at - grant.at),
      [0, 5, 9],
    )
    const seen = { ...span, accessesMax: 100 }
    assert.deepEqual((await listAddressesOf(db, 'answered', seen)).toSorted(), ['192.0.2.1', '192.0.2.2'])
    assert.deepEqual(await listAddressesOf(db, 'answered', { ...seen, accessesMax: 1 }), [])
  })
}
