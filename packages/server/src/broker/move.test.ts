import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { IssuedUrl, Reply } from '@signpost/contract'
import { findMovedObject } from '../store/moved-objects.ts'
import { findRunningMove } from '../store/moves.ts'
import { runMoves } from './move/run-moves.ts'
import { openWorld, type World } from './testing/world.ts'

const never = new AbortController().signal
const params = { team: 'demo' }

describe('moving a team', () => {
  let world: World
  let round = 0
  let second: string
  before(async () => {
    world = await openWorld()
  })
  after(async () => world.close())
  beforeEach(async () => {
    // Each test in a team and buckets of its own.
    round += 1
    params.team = `team-${round}`
    second = `second-${round}`
    await world.bucket.createBucket(second)
    const settings = { ...world.settings(second), bucket: second }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    await world.call('createTeam', world.as.root, { body: { name: params.team } })
    for (const [username, role] of Object.entries({ carol: 'admin', alice: 'member', victor: 'viewer' }))
      await world.call('setMember', world.as.root, { params: { ...params, username }, body: { role } })
  })

  const ask = (action: 'read' | 'write', key: string, more: object = {}): Promise<IssuedUrl> =>
    world.call('issueUrl', world.as.alice, { params, body: { action, key, ...more } })
  const send = async (issued: IssuedUrl, body?: string) => {
    const { url, method, headers } = issued
    const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
    const text = await answer.text()
    return { status: answer.status, text: issued.successStatuses.includes(answer.status) ? text : null }
  }
  const write = async (key: string, body: string) =>
    assert.equal((await send(await ask('write', key), body)).status, 200)
  const read = async (key: string) => (await send(await ask('read', key))).text
  const isIn = (issued: IssuedUrl, bucket: string) => new URL(issued.url).pathname.startsWith(`/${bucket}/`)
  const keys = async (query: Record<string, unknown> = {}) =>
    (await world.call('listObjects', world.as.alice, { params, query })).items.map(({ key }) => key)
  const start = async (body: object = {}) =>
    world.call('startMove', world.as.root, { params, body: { connector: second, ...body } })
  const work = async () => runMoves(world.deps, 'worker', never)
  const state = async () => (await world.call('getMove', world.as.victor, { params })).state
  const switched = async () => {
    await start()
    await work()
    const { state: is, problem } = await world.call('getMove', world.as.victor, { params })
    assert.equal(is, 'settling', problem ?? '')
  }
  const inNew = async (key: string) => {
    const team = await world.call('getTeam', world.as.root, { params })
    const row = await world.deps.store.db
      .selectFrom('connectors')
      .selectAll()
      .where('name', '=', second)
      .executeTakeFirstOrThrow()
    const { connector } = await world.deps.connectors.open(row.id, row.version)
    return connector.head(team.prefix + key)
  }
  const finish = async () => {
    world.pass(2 * 86_400)
    await work()
    world.pass(60)
    await work()
    assert.equal(await state(), 'done')
    world.pass(-2 * 86_400 - 60)
  }

  test('copies what is there, switches, settles, and is done; each step is recorded', async () => {
    await write('a.txt', 'one')
    await write('deep/größe.txt', 'two')
    await write('empty', '')
    const move = await start()
    assert.equal(move.state, 'copying')
    assert.equal(await read('a.txt'), 'one')
    await work()
    assert.equal(await state(), 'settling')
    const shown = await world.call('getMove', world.as.victor, { params })
    assert.deepEqual([shown.objectsCopied, shown.bytesCopied, shown.objectsSeen], [3, 6, 3])
    assert.ok(Date.parse(shown.settlesAt!) > Date.now() + 86_400_000)
    assert.ok(isIn(await ask('read', 'a.txt'), second))
    assert.ok(isIn(await ask('write', 'new.txt'), second))
    for (const [key, text] of [
      ['a.txt', 'one'],
      ['deep/größe.txt', 'two'],
      ['empty', ''],
    ] as const)
      assert.equal(await read(key), text)
    assert.equal((await world.call('getTeam', world.as.victor, { params })).connector, second)
    await finish()
    assert.equal(await read('deep/größe.txt'), 'two')
    const steps = (await world.events()).filter(
      ({ type, team }) => type.startsWith('move.') && team === params.team,
    )
    assert.deepEqual(
      steps.map(({ type, decision }) => `${type} ${decision}`),
      ['move.start allow', 'move.switch allow', 'move.finish allow'],
    )
    assert.equal(steps[1]?.details?.['principalId'], world.as.root.principal.id)
    // The next one may begin.
    assert.equal((await start({ connector: 'main', prefix: 'elsewhere/' })).state, 'copying')
  })

  test('writes, overwrites and deletes while it copies are found again', async () => {
    await write('stays', 'v1')
    await write('changes', 'v1')
    await write('goes', 'v1')
    await start()
    // The first pass is cut off after its first objects.
    const cut = new AbortController()
    const { connector } = await world.deps.connectors.open(
      (await findRunningMove(
        world.deps.store.db,
        (await world.call('getTeam', world.as.root, { params })).id,
      ))!.from_connector_id,
      1,
    )
    const list = connector.list
    connector.list = async (input) => {
      const page = await list(input)
      connector.list = async (again) => {
        await write('changes', 'v2 is longer')
        await world.call('deleteObject', world.as.alice, { params: { ...params, key: 'goes' } })
        await write('comes', 'v1')
        connector.list = list
        return list(again)
      }
      return page
    }
    await runMoves(world.deps, 'worker', cut.signal)
    assert.equal(await state(), 'settling')
    assert.equal(await inNew('goes'), null)
    assert.equal((await inNew('changes'))?.sizeBytes, 12)
    assert.deepEqual(await keys(), ['changes', 'comes', 'stays'])
    assert.equal(await read('goes'), null)
  })

  test('URLs from before the switch: a late write is read at once and copied, a late delete is seen', async () => {
    await write('a', 'v1')
    await write('b', 'v1')
    const [put, putNew, del] = [
      await ask('write', 'a'),
      await ask('write', 'only-late'),
      await ask('write', 'b', { method: 'DELETE' }),
    ]
    await switched()
    assert.equal((await send(put, 'late')).status, 200)
    assert.equal((await send(putNew, 'late')).status, 200)
    assert.equal((await send(del)).status, 204)
    const seen = async () => {
      assert.equal(await read('a'), 'late')
      assert.equal(await read('only-late'), 'late')
      assert.equal(await read('b'), null)
      assert.deepEqual(await keys(), ['a', 'only-late'])
    }
    await seen()
    world.pass(31)
    await work()
    await seen()
    assert.ok(isIn(await ask('read', 'a'), second))
    assert.equal(await inNew('b'), null)
    await finish()
    await seen()
  })

  test('a write to the new place is never overwritten by a late one that was copied, nor by the move', async () => {
    await write('a', 'v1')
    const late = await ask('write', 'a')
    await switched()
    const fresh = await ask('write', 'a')
    assert.ok(isIn(fresh, second))
    await send(late, 'late')
    assert.equal(await read('a'), 'late')
    world.pass(31)
    await work()
    // The URL that is out there may be used at any time: nothing is copied below it.
    assert.equal((await inNew('a'))?.sizeBytes, 2)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await send(fresh, 'the last word')
    assert.equal(await read('a'), 'the last word')
    world.pass(31)
    await work()
    assert.equal(await read('a'), 'the last word')
    await finish()
    assert.equal(await read('a'), 'the last word')
  })

  test('old, then new, in the same second, without looking at a clock: the new one counts', async () => {
    await write('a', 'v1')
    const late = await ask('write', 'a')
    await switched()
    for (let i = 0; i < 5; i++) {
      await send(late, `old ${i}`)
      assert.equal(await read('a'), `old ${i}`)
      // Asked for after the write: what stands there is copied before the URL is given, or it leads there still.
      await send(await ask('write', 'a'), `new ${i}`)
      assert.equal(await read('a'), `new ${i}`)
      if (i < 4) await new Promise((resolve) => setTimeout(resolve, 1050))
    }
  })

  test('written late and deleted by a URL of now, below a URL to the new place that is still out: it is gone', async () => {
    const late = await ask('write', 'a')
    await switched()
    const first = await ask('write', 'a')
    assert.ok(isIn(first, second))
    await send(first, 'new')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await send(late, 'late')
    assert.equal(await read('a'), 'late')
    // There is nothing in the old place again, as there was when the new one was written.
    assert.equal((await send(await ask('write', 'a', { method: 'DELETE' }))).status, 204)
    assert.equal(await read('a'), null)
    world.pass(31)
    await work()
    assert.equal(await read('a'), null)
    await finish()
    assert.equal(await read('a'), null)
    assert.equal(await inNew('a'), null)
  })

  test('deleting while it settles deletes in both places; create-only sees what was not copied yet', async () => {
    await write('a', 'v1')
    const late = await ask('write', 'b')
    await switched()
    await world.call('deleteObject', world.as.alice, { params: { ...params, key: 'a' } })
    assert.equal(await read('a'), null)
    assert.deepEqual(await keys(), [])
    await send(late, 'late')
    const createOnly = await send(await ask('write', 'b', { createOnly: true }), 'mine')
    assert.equal(createOnly.text, null)
    assert.equal(await read('b'), 'late')
    // By a URL: not to come back from the old place.
    assert.equal((await send(await ask('write', 'b', { method: 'DELETE' }))).status, 204)
    assert.equal(await read('b'), null)
    world.pass(31)
    await work()
    assert.equal(await read('a'), null)
    assert.equal(await read('b'), null)
    await finish()
    assert.deepEqual(await keys(), [])
  })

  test('an upload that was open goes on in the old place, and its object is found', async () => {
    const upload = await world.call('openUpload', world.as.alice, {
      params,
      body: { key: 'big', sizeBytes: 5 },
    })
    await switched()
    const own = { ...params, uploadId: upload.uploadId }
    const { items } = await world.call('listUploads', world.as.alice, { params })
    assert.deepEqual(
      items.map(({ key }) => key),
      ['big'],
    )
    const { parts } = await world.call('signParts', world.as.alice, {
      params: own,
      body: { partNumbers: [1] },
    })
    assert.ok(isIn(parts[0]!, 'test-bucket'))
    assert.equal((await send(parts[0]!, 'parts')).status, 200)
    assert.equal((await world.call('getUpload', world.as.alice, { params: own })).parts.length, 1)
    const done = await world.call('completeUpload', world.as.alice, { params: own, body: {} })
    assert.equal(done.key, 'big')
    assert.equal(await read('big'), 'parts')
    // One that is opened now is in the new place.
    const fresh = await world.call('openUpload', world.as.alice, {
      params,
      body: { key: 'big2', sizeBytes: 5 },
    })
    const signed = await world.call('signParts', world.as.alice, {
      params: { ...params, uploadId: fresh.uploadId },
      body: { partNumbers: [1] },
    })
    assert.ok(isIn(signed.parts[0]!, second))
    await world.call('abortUpload', world.as.alice, { params: { ...params, uploadId: fresh.uploadId } })
    world.pass(31)
    await work()
    assert.equal((await inNew('big'))?.sizeBytes, 5)
  })

  test('a create-only upload of before the switch does not overwrite what stands in the new place', async () => {
    const open = async (key: string) => {
      const body = { key, sizeBytes: 5, createOnly: true }
      const { uploadId } = await world.call('openUpload', world.as.alice, { params, body })
      return { ...params, uploadId }
    }
    const [taken, free] = [await open('taken'), await open('free')]
    await switched()
    await write('taken', 'faster')
    for (const own of [taken, free]) {
      const { parts } = await world.call('signParts', world.as.alice, {
        params: own,
        body: { partNumbers: [1] },
      })
      assert.equal((await send(parts[0]!, 'parts')).status, 200)
    }
    await world.refused('completeUpload', world.as.alice, { params: taken, body: {} }, 'conflict')
    assert.equal(await read('taken'), 'faster')
    await world.call('completeUpload', world.as.alice, { params: free, body: {} })
    assert.equal(await read('free'), 'parts')
    await world.call('abortUpload', world.as.alice, { params: taken })
  })

  test('an open upload into the old place keeps the move from its end', async () => {
    const upload = await world.call('openUpload', world.as.alice, { params, body: { key: 'open' } })
    await switched()
    assert.ok(
      Date.parse((await world.call('getMove', world.as.root, { params })).settlesAt!) >
        Date.now() + 6 * 86_400_000,
    )
    world.pass(2 * 86_400)
    await work()
    assert.equal(await state(), 'settling')
    await world.call('abortUpload', world.as.alice, { params: { ...params, uploadId: upload.uploadId } })
    world.pass(-2 * 86_400)
  })

  test('lists both places page by page, each object once and in order', async () => {
    const late = await Promise.all(
      ['b', 'd', 'f/1', 'z'].map(async (key) => [key, await ask('write', key)] as const),
    )
    for (const key of ['a', 'c', 'e', 'f/0']) await write(key, 'v1')
    await switched()
    for (const [, issued] of late) await send(issued, 'late')
    for (const key of ['a2', 'f/2', 'y']) await write(key, 'new')
    const all = ['a', 'a2', 'b', 'c', 'd', 'e', 'f/0', 'f/1', 'f/2', 'y', 'z']
    assert.deepEqual(await keys(), all)
    for (const limit of [1, 2, 3]) {
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const query: Record<string, unknown> = { limit, ...(cursor === null ? {} : { cursor }) }
        const page: Reply<'listObjects'> = await world.call('listObjects', world.as.alice, { params, query })
        assert.ok(page.items.length <= limit)
        seen.push(...page.items.map(({ key }) => key))
        cursor = page.nextCursor
      } while (cursor !== null)
      assert.deepEqual(seen, all)
    }
    const folder = await world.call('listObjects', world.as.alice, { params, query: { delimiter: '/' } })
    assert.deepEqual(folder.prefixes, ['f/'])
    // A folder that was emptied by URLs of now is there no more, though the old place still has it.
    for (const key of ['f/0', 'f/1', 'f/2'])
      assert.equal((await send(await ask('write', key, { method: 'DELETE' }))).status, 204)
    const emptied = await world.call('listObjects', world.as.alice, { params, query: { delimiter: '/' } })
    assert.deepEqual(emptied.prefixes, [])
    assert.deepEqual(
      emptied.items.map(({ key }) => key),
      all.filter((key) => !key.startsWith('f/')),
    )
    const { nextCursor } = await world.call('listObjects', world.as.alice, { params, query: { limit: 2 } })
    await finish()
    await world.refused('listObjects', world.as.alice, { params, query: { cursor: nextCursor } }, 'conflict')
  })

  test('a batch asked for while it settles leads each item to its place', async () => {
    await write('a', 'v1')
    const late = await ask('write', 'b')
    await switched()
    await send(late, 'late')
    const items = [
      { action: 'read', key: 'a' },
      { action: 'read', key: 'b' },
      { action: 'write', key: 'c' },
      { action: 'write', key: '/bad' },
    ]
    const lines = []
    for await (const text of world.lines(world.as.alice, items, params.team))
      lines.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { url?: string; error?: { code: string } }),
      )
    const bucketOf = (url = '') => new URL(url).pathname.split('/')[1]
    assert.deepEqual(
      lines.slice(0, 3).map(({ url }) => bucketOf(url)),
      [second, 'test-bucket', second],
    )
    assert.equal(lines[3]?.error?.code, 'invalid_key')
  })

  test('a half-made copy of a process that was killed is never read, and is made anew', async () => {
    await write('a', 'v1')
    await start()
    const { db } = world.deps.store
    const { id } = await world.call('getTeam', world.as.root, { params })
    const move = (await findRunningMove(db, id))!
    // As it stands when the process ends between claim and copy.
    const { connector } = await world.deps.connectors.open(move.to_connector_id, 1)
    await connector.put(`${move.to_prefix}a`, Buffer.from('half'))
    await world.deps.store.commit({
      statements: [
        {
          sql: `insert into moved_objects values ('${move.id}', 'a', '?', '?', 0, ${world.deps.clock() + 1000}, 1)`,
          parameters: [],
        },
        {
          sql: `update moves set lease_owner = 'killed', lease_until = ${world.deps.clock() + 1000} where id = '${move.id}'`,
          parameters: [],
        },
      ],
      events: [],
    })
    await work()
    assert.equal(await state(), 'copying')
    assert.equal(await read('a'), 'v1')
    world.pass(2)
    await work()
    assert.equal(await state(), 'settling')
    assert.equal((await findMovedObject(db, move.id, 'a'))?.claimed_until, 0)
    assert.equal(await read('a'), 'v1')
    world.pass(-2)
  })

  test('of two processes one works on it, and each object is copied once', async () => {
    for (let index = 0; index < 8; index++) await write(`k${index}`, `v${index}`)
    await start()
    await Promise.all(['one', 'two', 'three'].map(async (owner) => runMoves(world.deps, owner, never)))
    const shown = await world.call('getMove', world.as.root, { params })
    assert.deepEqual([shown.state, shown.objectsCopied], ['settling', 8])
    const steps = (await world.events()).filter(
      ({ type, team }) => type === 'move.switch' && team === params.team,
    )
    assert.equal(steps.length, 1)
  })

  test('a process that is told to end stops between objects, and the next one goes on', async () => {
    for (let index = 0; index < 30; index++) await write(`k${String(index).padStart(2, '0')}`, 'v')
    await start()
    const ending = new AbortController()
    const working = runMoves(world.deps, 'one', ending.signal)
    while ((await inNew('k02')) === null);
    ending.abort()
    await working
    const first = await world.call('getMove', world.as.root, { params })
    assert.equal(first.state, 'copying')
    assert.ok(first.objectsCopied < 30)
    // Nothing has to be waited for: the lease was given up.
    await runMoves(world.deps, 'two', never)
    const second = await world.call('getMove', world.as.root, { params })
    assert.equal(second.state, 'settling', second.problem ?? '')
    assert.equal(second.objectsCopied, 30)
  })

  test('type, coding and metadata go along', async () => {
    const team = await world.call('getTeam', world.as.root, { params })
    const main = await world.deps.store.db
      .selectFrom('connectors')
      .selectAll()
      .where('name', '=', 'main')
      .executeTakeFirstOrThrow()
    const { connector } = await world.deps.connectors.open(main.id, main.version)
    const kept = { contentType: 'text/x-kept', contentEncoding: 'gzip', metadata: { run: '7' } }
    const body = async function* () {
      yield Buffer.from('packed')
    }
    await connector.write!(`${team.prefix}kept`, body(), { sizeBytes: 6, ...kept })
    await switched()
    const { contentType, contentEncoding, metadata } = (await inNew('kept'))!
    assert.deepEqual({ contentType, contentEncoding, metadata }, kept)
  })

  test('a cancelled move leaves the old place as it was; after the switch there is no way back', async () => {
    await write('a', 'v1')
    await start()
    const cancelled = await world.call('cancelMove', world.as.root, { params })
    assert.equal(cancelled.state, 'cancelled')
    await work()
    assert.equal(await state(), 'cancelled')
    assert.ok(isIn(await ask('write', 'a'), 'test-bucket'))
    await world.refused('cancelMove', world.as.root, { params }, 'conflict')
    await switched()
    await world.refused('cancelMove', world.as.root, { params }, 'conflict')
  })

  test('who may: admins of the organisation start and cancel, members look', async () => {
    for (const who of ['carol', 'alice', 'victor'] as const)
      await world.refused('startMove', world.as[who], { params, body: { connector: second } }, 'forbidden')
    await start()
    assert.equal((await world.call('getMove', world.as.victor, { params })).state, 'copying')
    await world.refused('getMove', world.as.mallory, { params }, 'not_found')
    await world.refused('cancelMove', world.as.carol, { params }, 'forbidden')
  })

  test('is refused where it makes no sense, and what would get in its way is refused meanwhile', async () => {
    const bad = async (body: object, field?: string) => {
      const error = await world.refused(
        'startMove',
        world.as.root,
        { params, body: { connector: second, ...body } },
        'conflict',
      )
      if (field) assert.equal(error.field, field)
    }
    await bad({ connector: 'main' }, 'connector')
    await bad({ connector: 'main', prefix: `${params.team}/inside/` }, 'prefix')
    await bad({ connector: 'none' }, 'connector')
    await world.bucket.createBucket(`${second}-full`)
    await world.call('createTeam', world.as.root, {
      body: { name: `${params.team}-b`, connector: second, prefix: 'taken/' },
    })
    await bad({ prefix: 'taken/' }, 'prefix')
    await write('a', 'v1')
    await start()
    await bad({})
    await world.refused('updateTeam', world.as.root, { params, body: { prefix: 'other/' } }, 'conflict')
    await world.refused('deleteTeam', world.as.root, { params }, 'conflict')
    await world.refused('deleteConnector', world.as.root, { params: { connector: second } }, 'conflict')
    // Nobody else may sit down where the objects are going to.
    const other = { name: `${params.team}-c`, connector: second, prefix: `${params.team}/` }
    await world.refused('createTeam', world.as.root, { body: other }, 'conflict')
    await work()
    // Nor, while it settles, where they come from.
    await world.refused('createTeam', world.as.root, { body: { ...other, connector: 'main' } }, 'conflict')
    await world.call('updateTeam', world.as.root, { params, body: { policy: {} } })
  })

  test('a place that does not answer is told, and the work goes on when it does', async () => {
    await write('a', 'v1')
    await start()
    const { id } = await world.call('getTeam', world.as.root, { params })
    const move = (await findRunningMove(world.deps.store.db, id))!
    const { connector } = await world.deps.connectors.open(move.to_connector_id, 1)
    const { write: before } = connector
    connector.write = async () => {
      const { SignpostError } = await import('@signpost/contract')
      throw new SignpostError('bucket_refused', 'Bucket second refused: AccessDenied.')
    }
    await work()
    const shown = await world.call('getMove', world.as.root, { params })
    assert.equal(shown.state, 'copying')
    assert.match(shown.problem ?? '', /AccessDenied/)
    connector.write = before!
    await work()
    assert.equal(await state(), 'copying')
    world.pass(31)
    await work()
    assert.equal(await state(), 'settling')
    assert.equal((await world.call('getMove', world.as.root, { params })).problem, null)
  })

  test('a copy that is not what was copied is not believed', async () => {
    await write('a', 'right')
    await start()
    const { id } = await world.call('getTeam', world.as.root, { params })
    const move = (await findRunningMove(world.deps.store.db, id))!
    const { connector } = await world.deps.connectors.open(move.to_connector_id, 1)
    const { write: before } = connector
    let times = 0
    connector.write = async (key, body, object) => {
      times += 1
      for await (const _ of body);
      await connector.put(key, Buffer.from(times === 1 ? 'wrong' : 'short'.slice(0, 4)))
      void object
    }
    await work()
    assert.ok(times >= 2)
    assert.equal(await state(), 'copying')
    connector.write = before!
    world.pass(31)
    await work()
    assert.equal(await state(), 'settling')
    assert.equal(await read('a'), 'right')
  })
})
