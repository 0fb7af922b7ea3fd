import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { SignpostError, type Restriction } from '@signpost/contract'
import { sweepRestrictions } from './restrictions.ts'
import { gather, openWorld, settle, type World } from './testing/world.ts'

const mib = 1024 * 1024

describe('restrictions', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    for (const { id } of await all()) await end(id)
  })

  const all = async () => (await world.call('listRestrictions', world.as.root)).items
  const end = (id: string, caller = world.as.root) => world.call('endRestriction', caller, { params: { id } })
  const restrict = (body: object, caller = world.as.root): Promise<Restriction> =>
    world.call('createRestriction', caller, { body: { reason: 'leaving soon', ...body } })
  const asked = (body: object) => ({ params: { team: 'demo' }, body: { key: 'a/k', ...body } })
  const url = (body: object, caller = world.as.alice) => world.call('issueUrl', caller, asked(body))
  const refusedUrl = (body: object, caller = world.as.alice) =>
    world.refused('issueUrl', caller, asked(body), 'restricted')

  // First, while the clock is still that of the bucket.
  test('everything that opens or shows an object is refused: batch, list, delete, uploads, parts, looks', async () => {
    const params = { team: 'demo' }
    const upload = await world.call('openUpload', world.as.alice, { params, body: { key: 'a/up' } })
    for (const key of ['a/there', 'b/there']) {
      const { url: target, method, headers } = await url({ action: 'write', key }, world.as.carol)
      assert.ok((await fetch(target, { method, headers, body: 'x' })).ok)
    }
    const write = await url({ action: 'write', contentLengthRange: { max: 5 } })
    const { id } = await restrict({ username: 'alice', team: 'demo', prefix: 'a/' })
    const before = (await world.events()).length
    const { uploadId } = upload
    const ofUpload = { params: { ...params, uploadId } }
    for (const [operation, input] of [
      ['issueUrl', asked({ action: 'read' })],
      ['issueUrl', asked({ action: 'write', method: 'DELETE' })],
      ['listObjects', { params, query: { prefix: 'a/' } }],
      ['deleteObject', { params: { ...params, key: 'a/k' } }],
      ['openUpload', { params, body: { key: 'a/other' } }],
      ['signParts', { ...ofUpload, body: { partNumbers: [1] } }],
      ['getUpload', ofUpload],
      ['completeUpload', { ...ofUpload, body: {} }],
      ['abortUpload', ofUpload],
      ['verifyWrite', { params: { ...params, grantId: write.grantId } }],
    ] as const)
      await world.refused(operation, world.as.alice, input, 'restricted')
    const items = ['a/x', 'b'].map((key) => ({ action: 'read', key }))
    const lines = (await gather(world.lines(world.as.alice, items))).join('').trim().split('\n')
    const [first, second] = lines.map(
      (line) => JSON.parse(line) as { url?: string; error?: { code: string } },
    )
    assert.equal(first?.error?.code, 'restricted')
    assert.ok(second?.url)
    const denied = (await world.events()).slice(before).filter(({ decision }) => decision === 'deny')
    assert.equal(denied.length, 11)
    for (const event of denied) assert.equal(event.details?.['restriction'], id, event.type)
    // Beside the prefix all is as it was; of the list the restricted part is left out.
    const { items: listed } = await world.call('listObjects', world.as.alice, { params, query: {} })
    assert.deepEqual(
      listed.map(({ key }) => key),
      ['b/there'],
    )
    const folders = { params, query: { delimiter: '/' } }
    assert.deepEqual((await world.call('listObjects', world.as.alice, folders)).prefixes, ['b/'])
  })

  test('403: who is restricted is told why and until when, from the next request on; the record names the restriction', async () => {
    await url({ action: 'write' })
    const until = new Date(world.deps.clock() + 3600_000).toISOString()
    const { id } = await restrict({ username: 'alice', actions: ['write'], until })
    const error = await refusedUrl({ action: 'write' })
    assert.match(error.message, /leaving soon/)
    assert.ok(error.message.includes(until), error.message)
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.decision, event.reason, event.details?.['restriction'], event.key],
      ['url.issue', 'deny', 'restricted', id, 'demo/a/k'],
    )
    // What it does not name goes on: other actions, other people.
    await url({ action: 'read' })
    await url({ action: 'write', method: 'DELETE' })
    await url({ action: 'write' }, world.as.carol)
    world.pass(3601)
    await url({ action: 'write' })
  })

  test('a restriction to come does not count before its time', async () => {
    const from = new Date(world.deps.clock() + 600_000).toISOString()
    await restrict({ username: 'alice', from })
    await url({ action: 'read' })
    world.pass(601)
    await refusedUrl({ action: 'read' })
  })

  test('a batch whose reader takes its time ends within seconds', async () => {
    const items = Array.from({ length: 2000 }, (_, n) => ({ action: 'read', key: `k/${n}` }))
    const lines = world.lines(world.as.alice, items)
    assert.ok(!(await lines.next()).done)
    await restrict({ username: 'alice' })
    world.pass(3)
    const rest = (await gather(lines)).join('').trim().split('\n')
    const refused = rest.filter((line) => line.includes('urn:signpost:error:restricted'))
    // What was signed before is on its way: the chunk that waited, and no more.
    assert.ok(refused.length >= 1700, `${refused.length}`)
    assert.match(rest.at(-1)!, /restricted/)
  })

  test('for a network: from there, and not from elsewhere', async () => {
    await restrict({ team: 'demo', networks: ['198.51.100.0/24', '2001:db8::/32'] })
    const { alice } = world.as
    const from = (address: string) => ({ ...alice, call: { ...alice.call, address } })
    await url({ action: 'read' })
    await refusedUrl({ action: 'read' }, from('198.51.100.7'))
    await refusedUrl({ action: 'read' }, from('::ffff:198.51.100.7'))
    await refusedUrl({ action: 'read' }, from('2001:db8::1'))
  })

  test('for a network in a batch: decided once for all, by key too', async () => {
    const networks = Array.from({ length: 64 }, (_, n) => `192.0.${n}.0/24`)
    await restrict({ team: 'demo', prefix: 'closed/', networks })
    const items = Array.from({ length: 4000 }, (_, n) => ({
      action: 'read',
      key: n % 2 ? 'open/k' : 'closed/k',
    }))
    const lines = (await gather(world.lines(world.as.alice, items))).join('').trim().split('\n')
    assert.equal(lines.filter((line) => line.includes('urn:signpost:error:restricted')).length, 2000)
    const { alice } = world.as
    const elsewhere = { ...alice, call: { ...alice.call, address: '198.51.100.7' } }
    await url({ action: 'read', key: 'closed/k' }, elsewhere)
  })

  test('caps: lives are shortened, sizes must be told and are held to, in every way of writing', async () => {
    await restrict({
      username: 'alice',
      caps: { readSecondsMax: 60, writeSecondsMax: 90, writeBytesMax: mib },
    })
    const read = await url({ action: 'read' })
    assert.equal(read.limitedBy, 'policy')
    const life = (Date.parse(read.expiresAt) - world.deps.clock()) / 1000
    assert.ok(life > 50 && life <= 60, String(life))
    const refuse = { action: 'read', expiresInSeconds: 61, expiryMode: 'refuse' }
    await world.refused('issueUrl', world.as.alice, asked(refuse), 'expiry_not_possible')
    assert.match((await refusedUrl({ action: 'write' })).message, /^contentLength: .*1048576/)
    await refusedUrl({ action: 'write', contentLength: mib + 1 })
    const write = await url({ action: 'write', contentLength: mib })
    assert.ok(Date.parse(write.expiresAt) - world.deps.clock() <= 90_000)
    const post = (max: number) => ({ action: 'write', method: 'POST', contentLengthRange: { min: 0, max } })
    await refusedUrl(post(mib + 1))
    await url(post(mib))
    // A range holds nobody but with a form: with PUT, any size could follow.
    await refusedUrl({ action: 'write', contentLengthRange: { min: 0, max: 1 } })
    await url({ action: 'write', contentLength: 1, contentLengthRange: { min: 0, max: 1 } })
    await url({ action: 'write', method: 'DELETE' })
    const params = { team: 'demo' }
    const open = (body: object) => ({ params, body: { key: 'up', ...body } })
    await world.refused('openUpload', world.as.alice, open({}), 'restricted')
    await world.refused('openUpload', world.as.alice, open({ sizeBytes: mib + 1 }), 'restricted')
    const { uploadId } = await world.call('openUpload', world.as.alice, open({ sizeBytes: mib }))
    const sign = { params: { ...params, uploadId }, body: { partNumbers: [1] } }
    const { parts } = await world.call('signParts', world.as.alice, sign)
    assert.ok(Date.parse(parts[0]!.expiresAt) - world.deps.clock() <= 90_000)
    // A cap that comes later counts for the parts that are still asked for.
    await restrict({ team: 'demo', caps: { writeBytesMax: 10 } })
    await world.refused('signParts', world.as.alice, sign, 'restricted')
    assert.equal((await world.lastEvent()).reason, 'restricted')
    await world.refused(
      'issueUrl',
      world.as.alice,
      asked({ action: 'write', contentLength: 11 }),
      'restricted',
    )
  })

  test('what is about the same has an end in length: all of it is read with each request', async () => {
    const networks = Array.from({ length: 64 }, (_, i) => `2001:db8:${i}:1:2:3:4:0/112`)
    const long = { username: 'alice', team: 'demo', actions: ['delete'], networks }
    for (let number = 0; number < 30; number++) await restrict(long)
    const error = await settle(async () => {
      for (let number = 0; number < 30; number++) await restrict(long)
    })
    assert.ok(error instanceof SignpostError)
    assert.deepEqual([error.code, /too long together/.test(error.message)], ['conflict', true])
    await restrict({ ...long, username: 'victor' })
    await url({ action: 'read' })
  })

  describe('who may', () => {
    test("a team's admin restricts in that team alone, and only its members", async () => {
      const { carol, alice, victor } = world.as
      await world.call('createTeam', world.as.root, { body: { name: 'other' } }).catch(() => undefined)
      const own = await restrict({ username: 'alice', team: 'demo' }, carol)
      await refusedUrl({ action: 'read' })
      const body = (more: object) => ({ body: { reason: 'x', ...more } })
      await world.refused('createRestriction', carol, body({ username: 'alice' }), 'forbidden')
      await world.refused('createRestriction', carol, body({}), 'forbidden')
      await world.refused('createRestriction', carol, body({ team: 'other' }), 'not_found')
      const outsider = body({ username: 'mallory', team: 'demo' })
      const nobody = body({ username: 'nobody', team: 'demo' })
      const one = await world.refused('createRestriction', carol, outsider, 'invalid')
      const other = await world.refused('createRestriction', carol, nobody, 'invalid')
      assert.equal(one.message, other.message)
      await world.refused('createRestriction', alice, body({ team: 'demo' }), 'forbidden')
      await world.refused('createRestriction', victor, body({ username: 'victor' }), 'forbidden')
      await world.refused('endRestriction', alice, { params: { id: own.id } }, 'not_found')
      await end(own.id, carol)
      const event = await world.lastEvent()
      assert.deepEqual([event.type, event.decision, event.team], ['restriction.end', 'allow', 'demo'])
      await url({ action: 'read' })
    })

    test("the organisation's in a team is not ended by the team's admin, who sees it", async () => {
      const { id } = await restrict({ username: 'alice', team: 'demo' })
      const everywhere = await restrict({ username: 'alice' })
      const { items } = await world.call('listRestrictions', world.as.carol, { query: { team: 'demo' } })
      assert.deepEqual(
        items.map((one) => one.id),
        [id],
      )
      const mine = await world.refused('endRestriction', world.as.carol, { params: { id } }, 'forbidden')
      assert.match(mine.message, /organisation/)
      await world.refused('endRestriction', world.as.carol, { params: { id: everywhere.id } }, 'not_found')
      assert.equal((await world.lastEvent()).decision, 'deny')
      await refusedUrl({ action: 'read' })
    })

    test('whoever is restricted sees what names them, and nothing else; outsiders see nothing', async () => {
      const mine = await restrict({ username: 'alice', team: 'demo' })
      await restrict({ username: 'victor', team: 'demo' })
      const { alice, mallory } = world.as
      const { items } = await world.call('listRestrictions', alice, { query: { username: 'alice' } })
      assert.deepEqual(items, [mine])
      await world.refused('listRestrictions', alice, { query: { username: 'victor' } }, 'forbidden')
      await world.refused('listRestrictions', alice, { query: { team: 'demo' } }, 'forbidden')
      await world.refused('listRestrictions', mallory, { query: { team: 'demo' } }, 'not_found')
      const empty = await world.call('listRestrictions', mallory, {
        query: { team: 'demo', username: 'mallory' },
      })
      assert.deepEqual(empty.items, [])
      const scoped = { ...alice, principal: { ...alice.principal, scope: { teams: ['elsewhere'] } } }
      const seen = await world.call('listRestrictions', scoped, { query: { username: 'alice' } })
      assert.deepEqual(seen.items, [])
    })

    test('a key of some scope restricts nobody', async () => {
      const { root } = world.as
      for (const scope of [{ teams: ['demo'] }, { actions: ['read' as const] }]) {
        const scoped = { ...root, principal: { ...root.principal, scope } }
        const input = { body: { username: 'alice', reason: 'x' } }
        await world.refused('createRestriction', scoped, input, 'forbidden')
      }
    })
  })

  test('400: what makes no sense', async () => {
    const { root } = world.as
    const hostile = {
      'reason: must not hold control': { reason: 'a\u0007b' },
      'reason: must not hold': { reason: 'a\nb' },
      'reason: must say': { reason: '  ' },
      'prefix: goes with team': { prefix: 'a/' },
      'prefix: ': { team: 'demo', prefix: '../a' },
      'until: must be in the future': { until: '2020-01-01T00:00:00Z' },
      'until: must be after from': { until: '2990-01-01T00:00:00Z', from: '2990-01-01T00:00:00Z' },
      'caps: must set': { caps: {} },
      'caps.readSecondsMax': { caps: { readSecondsMax: 5 }, actions: ['write'] },
      'caps.writeBytesMax': { caps: { writeBytesMax: 5 }, actions: ['delete'] },
      'caps.writeSecondsMax': { caps: { writeSecondsMax: 5 }, actions: ['read'] },
      'username: there is no': { username: 'nobody' },
    }
    for (const [sentence, body] of Object.entries(hostile)) {
      const input = { body: { reason: 'x', ...body } }
      const error = await world.refused('createRestriction', root, input, 'invalid')
      assert.ok(error.message.startsWith(sentence), `${sentence}: ${error.message}`)
    }
    await world.refused('createRestriction', root, { body: { reason: 'x', team: 'nowhere' } }, 'not_found')
    for (const body of [
      { reason: '' },
      { reason: 'x'.repeat(257) },
      { reason: 'x', actions: [] },
      { reason: 'x', caps: { writeBytesMax: -1 } },
      { reason: 'x', caps: { writeBytesMax: 2 ** 53 } },
      { reason: 'x', caps: { readSecondsMax: 0 } },
      { reason: 'x', networks: ['::ffff:10.0.0.0/104'] },
      { reason: 'x', from: 'yesterday' },
      { reason: 'x', ofOrganisation: 0 },
    ])
      assert.throws(() => void world.call('createRestriction', root, { body }), { name: 'ZodError' })
    assert.deepEqual(await all(), [])
  })

  test('unicode in a reason reaches who is refused as it is', async () => {
    await restrict({ username: 'alice', reason: 'Prüfung läuft 🔒 – bis später' })
    assert.match((await refusedUrl({ action: 'read' })).message, /Prüfung läuft 🔒 – bis später$/)
  })

  test('who makes the same twice with one Idempotency-Key has made one', async () => {
    const input = { body: { username: 'alice', reason: 'x' }, idempotencyKey: 'once-only-1' }
    const one = await world.call('createRestriction', world.as.root, input)
    assert.deepEqual(await world.call('createRestriction', world.as.root, input), one)
    assert.equal((await all()).length, 1)
  })

  test('ended twice is ended once; those past their time are not listed, and are swept', async () => {
    await sweepRestrictions(world.deps)
    const { id } = await restrict({ username: 'alice' })
    await end(id)
    await world.refused('endRestriction', world.as.root, { params: { id } }, 'not_found')
    const until = new Date(world.deps.clock() + 5000).toISOString()
    await restrict({ username: 'alice', until })
    const lasting = await restrict({ username: 'victor' })
    world.pass(6)
    assert.deepEqual(await all(), [lasting])
    const stored = () => world.deps.store.db.selectFrom('restrictions').select('id').execute()
    assert.equal((await stored()).length, 2)
    await sweepRestrictions(world.deps)
    assert.deepEqual(await stored(), [{ id: lasting.id }])
  })

  test('a user or a team that goes takes its restrictions along', async () => {
    await world.call('createUser', world.as.root, { body: { username: 'gone' } })
    await world.call('createTeam', world.as.root, { body: { name: 'gone' } })
    await restrict({ username: 'gone' })
    await restrict({ team: 'gone' })
    await world.call('deleteUser', world.as.root, { params: { username: 'gone' } })
    await world.call('deleteTeam', world.as.root, { params: { team: 'gone' } })
    assert.deepEqual(await all(), [])
  })
})
