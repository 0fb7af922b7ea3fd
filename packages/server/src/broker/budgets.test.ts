import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { forgetOldUses } from './budget-use.ts'
import { sweepUploads } from './sweep-uploads.ts'
import { gather, openWorld, settle, type World } from './testing/world.ts'

describe('budgets', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    for (const { id } of await all()) await world.call('deleteBudget', world.as.root, { params: { id } })
    // To the beginning of a minute, so that none ends within a test.
    world.pass(60 - (Math.floor(world.deps.clock() / 1000) % 60))
  })

  const all = async () => (await world.call('listBudgets', world.as.root, { query: {} })).items
  const set = (body: object) => world.call('setBudget', world.as.root, { body })
  const asked = (body: object) => ({ params: { team: 'demo' }, body: { key: 'k', ...body } })
  const url = (body: object, caller = world.as.alice) => world.call('issueUrl', caller, asked(body))
  const spent = (body: object, caller = world.as.alice) =>
    world.refused('issueUrl', caller, asked(body), 'budget_exhausted')
  const batch = async (items: unknown[], caller = world.as.alice) =>
    (await gather(world.lines(caller, items)))
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { url?: string; error?: { code: string; detail: string } })
  const used = async () => (await all())[0]?.used

  test('429: URLs of a minute, with when there are more; the refusal is recorded', async () => {
    await set({ username: 'alice', limits: { urlsPerMinute: 3 } })
    for (const body of [
      { action: 'read' },
      { action: 'read', method: 'HEAD' },
      { action: 'write', method: 'DELETE' },
    ])
      await url(body)
    const error = await spent({ action: 'read' })
    assert.match(error.message, /urlsPerMinute: 3/)
    assert.ok(
      error.retryAfterSeconds! >= 55 && error.retryAfterSeconds! <= 60,
      String(error.retryAfterSeconds),
    )
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.decision, event.reason], ['url.issue', 'deny', 'budget_exhausted'])
    // Listing and deleting issue no URL; others have what they had.
    await world.call('listObjects', world.as.alice, { params: { team: 'demo' }, query: {} })
    await url({ action: 'read' }, world.as.carol)
    assert.deepEqual(await used(), { urlsPerMinute: 3, liveWriteBytes: 0, writeBytesPerDay: 0 })
    world.pass(60)
    await url({ action: 'read' })
  })

  test("a team's budget is for all its members together, and the narrower of two counts", async () => {
    await set({ team: 'demo', limits: { urlsPerMinute: 3 } })
    await set({ username: 'alice', limits: { urlsPerMinute: 1 } })
    await url({ action: 'read' })
    assert.match((await spent({ action: 'read' })).message, /^Your budget/)
    await url({ action: 'read' }, world.as.carol)
    await url({ action: 'read' }, world.as.victor)
    assert.match((await spent({ action: 'read' }, world.as.victor)).message, /^The team's budget/)
    // What was refused for one budget is not taken of the other.
    const budgets = await all()
    const byTeam = budgets.find(({ team }) => team === 'demo')
    assert.deepEqual([budgets.length, byTeam?.used.urlsPerMinute], [2, 3])
  })

  test('bytes of a day: declared ones, the most that a form takes; none undeclared', async () => {
    await set({ username: 'alice', limits: { writeBytesPerDay: 1000 } })
    const undeclared = await world.refused(
      'issueUrl',
      world.as.alice,
      asked({ action: 'write' }),
      'restricted',
    )
    assert.match(undeclared.message, /^contentLength: is needed/)
    assert.equal((await world.lastEvent()).decision, 'deny')
    await url({ action: 'write', contentLength: 400 })
    await url({ action: 'write', method: 'POST', contentLengthRange: { min: 0, max: 500 } })
    // A range holds nobody but with a form.
    await world.refused(
      'issueUrl',
      world.as.alice,
      asked({ action: 'write', contentLengthRange: { min: 0, max: 1 } }),
      'restricted',
    )
    const error = await spent({ action: 'write', contentLength: 101 })
    assert.ok(error.retryAfterSeconds! > 0 && error.retryAfterSeconds! <= 86_400)
    await url({ action: 'write', contentLength: 100 })
    await url({ action: 'write', contentLength: 0 })
    await url({ action: 'read' })
    await url({ action: 'write', method: 'DELETE' })
    // Waiting does not help: nobody is told to.
    const never = await spent({ action: 'write', contentLength: 1001 })
    assert.equal(never.retryAfterSeconds, undefined)
    assert.match(never.message, /too small/)
    world.pass(86_400)
    await url({ action: 'write', contentLength: 1000 })
  })

  test('bytes of live URLs are free when the URLs have ended, and not before', async () => {
    await set({ team: 'demo', limits: { liveWriteBytes: 1000 } })
    await url({ action: 'write', contentLength: 600, expiresInSeconds: 120 })
    await url({ action: 'write', contentLength: 400, expiresInSeconds: 600 })
    const error = await spent({ action: 'write', contentLength: 1 })
    assert.match(error.message, /liveWriteBytes: 1000/)
    assert.ok(
      error.retryAfterSeconds! >= 110 && error.retryAfterSeconds! <= 180,
      `${error.retryAfterSeconds}`,
    )
    world.pass(115)
    await spent({ action: 'write', contentLength: 1 })
    world.pass(error.retryAfterSeconds! - 110)
    await spent({ action: 'write', contentLength: 601 })
    await url({ action: 'write', contentLength: 600 })
  })

  test('a batch has URLs as far as the budget goes, and an error line for each item beyond', async () => {
    await set({ username: 'alice', limits: { urlsPerMinute: 250 } })
    const reads = Array.from({ length: 300 }, (_, n) => ({ action: 'read', key: `${n}` }))
    const lines = await batch(reads)
    assert.deepEqual(
      lines.map(({ url: issued }) => issued !== undefined),
      reads.map((_, n) => n < 250),
    )
    assert.deepEqual(new Set(lines.slice(250).map(({ error }) => error?.code)), new Set(['budget_exhausted']))
    const events = await world.events()
    const refused = events.filter(
      ({ decision, reason }) => decision === 'deny' && reason === 'budget_exhausted',
    )
    assert.ok(refused.length >= 50)
    await set({ username: 'alice', limits: { writeBytesPerDay: 100 } })
    const writes = [60, 60, 40, 1, undefined].map((contentLength, n) => ({
      action: 'write',
      key: `w${n}`,
      ...(contentLength === undefined ? {} : { contentLength }),
    }))
    const written = await batch(writes)
    assert.deepEqual(
      written.map(({ error }) => error?.code),
      [undefined, 'budget_exhausted', undefined, 'budget_exhausted', 'restricted'],
    )
    assert.equal((await used())?.writeBytesPerDay, 100)
  })

  test('an item that is refused for another reason takes nothing', async () => {
    await set({ username: 'alice', limits: { urlsPerMinute: 2, writeBytesPerDay: 10 } })
    const refuse = { expiresInSeconds: 700_000, expiryMode: 'refuse' }
    const bad = { action: 'write', key: 'x', contentLength: 10, ...refuse }
    const lines = await batch([
      bad,
      { action: 'read', key: '../x' },
      { action: 'write', key: 'y', contentLength: 10 },
    ])
    assert.deepEqual(
      lines.map(({ error }) => error?.code),
      ['expiry_not_possible', 'invalid_key', undefined],
    )
    assert.deepEqual(await used(), { urlsPerMinute: 1, liveWriteBytes: 0, writeBytesPerDay: 10 })
  })

  test('batches and single requests at once never take more than there is', async () => {
    await set({ team: 'demo', limits: { urlsPerMinute: 500 } })
    const items = Array.from({ length: 200 }, (_, n) => ({ action: 'read', key: `${n}` }))
    const { alice, carol, victor } = world.as
    const results = await Promise.all([
      ...[alice, carol, victor].map((caller) => batch(items, caller)),
      ...Array.from({ length: 100 }, async () => {
        const error = await settle(() => url({ action: 'read' }, carol))
        return [error === undefined ? { url: 'x' } : {}]
      }),
    ])
    assert.equal(results.flat().filter(({ url: issued }) => issued !== undefined).length, 500)
    assert.equal((await used())?.urlsPerMinute, 500)
  })

  describe('uploads in parts', () => {
    const params = { team: 'demo' }
    const open = (body: object) => ({ params, body: { key: 'up', ...body } })

    test('their bytes count once, when they are opened, and are live until they are given up', async () => {
      await set({ username: 'alice', limits: { liveWriteBytes: 1000, writeBytesPerDay: 1500 } })
      const { alice } = world.as
      await world.refused('openUpload', alice, open({}), 'restricted')
      const { uploadId } = await world.call('openUpload', alice, open({ sizeBytes: 900 }))
      await world.refused('openUpload', alice, open({ sizeBytes: 101 }), 'budget_exhausted')
      assert.equal((await world.lastEvent()).reason, 'budget_exhausted')
      const sign = { params: { ...params, uploadId }, body: { partNumbers: [1] } }
      for (let time = 0; time < 3; time++) await world.call('signParts', alice, sign)
      assert.deepEqual(await used(), { urlsPerMinute: 0, liveWriteBytes: 900, writeBytesPerDay: 900 })
      await world.call('abortUpload', alice, { params: { ...params, uploadId } })
      assert.deepEqual(await used(), { urlsPerMinute: 0, liveWriteBytes: 0, writeBytesPerDay: 900 })
      const again = await world.call('openUpload', alice, open({ sizeBytes: 600 }))
      assert.equal((await used())?.liveWriteBytes, 600)
      world.pass(8 * 86_400)
      await sweepUploads(world.deps)
      const left = await world.deps.store.db
        .selectFrom('budget_uses')
        .select('limit_name')
        .where('limit_name', 'like', `%${again.uploadId}`)
        .execute()
      assert.deepEqual(left, [])
    })

    test('a completed one is not live any more', async () => {
      // Its clock is that of the bucket.
      const fresh = await openWorld()
      const { alice, root } = fresh.as
      const body = { team: 'demo', limits: { liveWriteBytes: 10 } }
      await fresh.call('setBudget', root, { body })
      const live = async () =>
        (await fresh.call('listBudgets', root, { query: {} })).items[0]?.used.liveWriteBytes
      const { uploadId } = await fresh.call('openUpload', alice, open({ sizeBytes: 4 }))
      const ofUpload = { params: { ...params, uploadId } }
      const { parts } = await fresh.call('signParts', alice, { ...ofUpload, body: { partNumbers: [1] } })
      const { url: target, method, headers } = parts[0]!
      assert.ok((await fetch(target, { method, headers, body: 'abcd' })).ok)
      assert.equal(await live(), 4)
      await fresh.call('completeUpload', alice, { ...ofUpload, body: {} })
      assert.equal(await live(), 0)
      await fresh.close()
    })

    test('URLs of parts count as URLs, all or none; one of an unknown size opened before is held', async () => {
      const { alice } = world.as
      const big = 40 * 1024 * 1024
      const { uploadId } = await world.call('openUpload', alice, open({ sizeBytes: big }))
      const unknown = await world.call('openUpload', alice, open({}))
      await set({ username: 'alice', limits: { urlsPerMinute: 3, writeBytesPerDay: 5 } })
      const sign = (id: string, partNumbers: number[]) => ({
        params: { ...params, uploadId: id },
        body: { partNumbers },
      })
      await world.call('signParts', alice, sign(uploadId, [1, 2]))
      await world.refused('signParts', alice, sign(uploadId, [1, 2]), 'budget_exhausted')
      assert.equal((await used())?.urlsPerMinute, 2)
      await world.call('signParts', alice, sign(uploadId, [2]))
      await world.refused('signParts', alice, sign(unknown.uploadId, [1]), 'restricted')
    })

    test('one that is opened twice with one Idempotency-Key is booked once', async () => {
      await set({ username: 'alice', limits: { writeBytesPerDay: 10 } })
      const input = { ...open({ sizeBytes: 6 }), idempotencyKey: 'budget-once-1' }
      const [one, other] = await Promise.all([
        world.call('openUpload', world.as.alice, input),
        world.call('openUpload', world.as.alice, input).catch(() => undefined),
      ])
      assert.deepEqual(await world.call('openUpload', world.as.alice, input), one)
      assert.equal(other?.uploadId ?? one.uploadId, one.uploadId)
      assert.equal((await used())?.writeBytesPerDay, 6)
    })
  })

  test('a record that cannot be written takes nothing, and gives no URL', async () => {
    await set({ username: 'alice', limits: { urlsPerMinute: 1 } })
    world.breakRecord()
    const error = await settle(() => url({ action: 'read' }))
    world.recover()
    assert.match(String(error), /record/)
    await url({ action: 'read' })
    await spent({ action: 'read' })
  })

  test('a changed budget holds for the next request, with what was used before; a deleted one no more', async () => {
    const { id } = await set({ username: 'alice', limits: { urlsPerMinute: 5 } })
    for (let n = 0; n < 3; n++) await url({ action: 'read' })
    const changed = await set({ username: 'alice', limits: { urlsPerMinute: 2 } })
    assert.deepEqual([changed.id, changed.used.urlsPerMinute], [id, 3])
    await spent({ action: 'read' })
    await set({ username: 'alice', limits: { urlsPerMinute: 4 } })
    await url({ action: 'read' })
    await spent({ action: 'read' })
    await world.call('deleteBudget', world.as.root, { params: { id } })
    await url({ action: 'read' })
    const event = (await world.events()).filter(({ type }) => type === 'budget.delete').at(-1)
    assert.deepEqual(event?.details, { user: 'alice', urlsPerMinute: 4 })
  })

  test('none: nothing is asked for', async () => {
    await set({ username: 'alice', limits: { urlsPerMinute: 0 } })
    await spent({ action: 'read' })
    assert.deepEqual(
      (await batch([{ action: 'read', key: 'k' }])).map(({ error }) => error?.code),
      ['budget_exhausted'],
    )
  })

  test('whoever it is about sees it, others do not; only the organisation sets it', async () => {
    const { id } = await set({ username: 'alice', limits: { urlsPerMinute: 5 } })
    await set({ team: 'demo', limits: { writeBytesPerDay: 5 } })
    const seen = async (caller: World['as']['alice']) =>
      (await world.call('listBudgets', caller, { query: {} })).items.map(
        ({ username, team }) => username ?? team,
      )
    const { root, carol, alice, mallory } = world.as
    assert.deepEqual(await seen(root), ['alice', 'demo'])
    assert.deepEqual(await seen(alice), ['alice', 'demo'])
    assert.deepEqual(await seen(carol), ['demo'])
    assert.deepEqual(await seen(mallory), [])
    const scoped = { ...alice, principal: { ...alice.principal, scope: { teams: ['elsewhere'] } } }
    assert.deepEqual(await seen(scoped), ['alice'])
    for (const caller of [carol, alice, mallory]) {
      const limits = { urlsPerMinute: 1000 }
      await world.refused('setBudget', caller, { body: { team: 'demo', limits } }, 'forbidden')
      await world.refused('deleteBudget', caller, { params: { id } }, 'forbidden')
    }
  })

  test('400 and 404: budgets of nobody, of two, without a limit, below nothing, beyond what is exact', async () => {
    const { root } = world.as
    const limits = { urlsPerMinute: 1 }
    await world.refused('setBudget', root, { body: { limits } }, 'invalid')
    await world.refused('setBudget', root, { body: { username: 'alice', team: 'demo', limits } }, 'invalid')
    await world.refused('setBudget', root, { body: { team: 'nowhere', limits } }, 'not_found')
    await world.refused('setBudget', root, { body: { username: 'nobody', limits } }, 'not_found')
    await world.refused('deleteBudget', root, { params: { id: 'no\u0000' } }, 'not_found')
    for (const wrong of [
      {},
      { urlsPerMinute: -1 },
      { urlsPerMinute: 1.5 },
      { liveWriteBytes: 2 ** 53 },
      { writeBytesPerDay: Number.NaN },
      { urlsPerHour: 5 },
    ])
      assert.throws(() => void set({ team: 'demo', limits: wrong }), { name: 'ZodError' })
    assert.deepEqual(await all(), [])
  })

  test('the largest numbers are exact', async () => {
    const max = Number.MAX_SAFE_INTEGER
    await set({ team: 'demo', limits: { liveWriteBytes: max, writeBytesPerDay: max } })
    const post = (bytes: number) => ({
      action: 'write',
      method: 'POST',
      contentLengthRange: { min: 0, max: bytes },
    })
    await url(post(max - 1))
    await url(post(1))
    await spent(post(1))
    assert.equal((await used())?.writeBytesPerDay, max)
  })

  test('slots that have ended are forgotten, those that count are not', async () => {
    await set({ team: 'demo', limits: { urlsPerMinute: 5, liveWriteBytes: 10 } })
    await url({ action: 'write', contentLength: 3, expiresInSeconds: 86_400 })
    const stored = async () =>
      (await world.deps.store.db.selectFrom('budget_uses').selectAll().execute()).length
    assert.equal(await stored(), 2)
    world.pass(2 * 3600)
    await forgetOldUses(world.deps)
    assert.equal(await stored(), 1)
    world.pass(25 * 3600)
    await forgetOldUses(world.deps)
    assert.equal(await stored(), 0)
  })

  test('a budget of another is no matter', async () => {
    await set({ username: 'mallory', limits: { urlsPerMinute: 0 } })
    await url({ action: 'read' })
    await url({ action: 'write' })
  })
})
