import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { IssuedUrl, Reply } from '@signpost/contract'
import { presignS3 } from '@signpost/signing'
import { compositeEtag } from './complete-upload.ts'
import { openWorld, type World } from './testing/world.ts'

const mebibyte = 1024 * 1024

describe('uploads', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  type Opened = Reply<'openUpload'>
  const params = (uploadId: string, team = 'demo') => ({ params: { team, uploadId } })
  const open = (body: Record<string, unknown>, caller = world.as.alice): Promise<Opened> =>
    world.call('openUpload', caller, { params: { team: 'demo' }, body })
  const sign = async (uploadId: string, partNumbers: number[]) =>
    (await world.call('signParts', world.as.alice, { ...params(uploadId), body: { partNumbers } })).parts
  const complete = (uploadId: string, body: object = {}) =>
    world.call('completeUpload', world.as.alice, { ...params(uploadId), body })
  const put = async ({ url, method, headers, successStatuses }: IssuedUrl, body: Uint8Array) => {
    const answer = await fetch(url, { method, headers, body: new Uint8Array(body) })
    assert.ok(successStatuses.includes(answer.status), await answer.text())
    return answer.headers.get('etag') ?? ''
  }
  /** Opens an upload of two parts and sends them. */
  const sent = async (key: string, extra: object = {}) => {
    const body = Buffer.alloc(5 * mebibyte + 7, key)
    const upload = await open({ key, sizeBytes: body.length, partSizeBytes: 5 * mebibyte, ...extra })
    const [first, second] = await sign(upload.uploadId, [1, 2])
    const parts = [
      { partNumber: 1, etag: await put(first!, body.subarray(0, 5 * mebibyte)) },
      { partNumber: 2, etag: await put(second!, body.subarray(5 * mebibyte)) },
    ]
    return { upload, parts, body }
  }

  test('200: opened, signed part by part, resumed, completed and verified; each step is recorded', async () => {
    const { upload, parts, body } = await sent('big/file')
    assert.deepEqual([upload.partCount, upload.partSizeBytes, upload.state], [2, 5 * mebibyte, 'open'])
    const state = await world.call('getUpload', world.as.alice, params(upload.uploadId))
    assert.deepEqual(
      state.parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]),
      [
        [1, 5 * mebibyte],
        [2, 7],
      ],
    )
    const listed = await world.call('listUploads', world.as.alice, { params: { team: 'demo' } })
    assert.ok(listed.items.some(({ uploadId }) => uploadId === upload.uploadId))
    const done = await complete(upload.uploadId, { parts })
    assert.deepEqual([done.key, done.sizeBytes], ['big/file', body.length])
    assert.equal(done.etag?.replaceAll('"', ''), compositeEtag(parts))
    const events = (await world.events()).filter(({ uploadId }) => uploadId === upload.uploadId)
    assert.deepEqual(
      events.map(({ type, partNumber, key }) => [type, partNumber, key]),
      [
        ['upload.open', undefined, 'demo/big/file'],
        ['url.issue', 1, 'demo/big/file'],
        ['url.issue', 2, 'demo/big/file'],
        ['upload.complete', undefined, 'demo/big/file'],
      ],
    )
    const read = await world.call('issueUrl', world.as.alice, {
      params: { team: 'demo' },
      body: { action: 'read', key: 'big/file' },
    })
    const got = Buffer.from(await (await fetch(read.url)).arrayBuffer())
    assert.ok(createHash('sha256').update(got).digest().equals(createHash('sha256').update(body).digest()))
    // Who lost the answer asks again.
    assert.deepEqual(await complete(upload.uploadId, { parts }), done)
    await world.refused('abortUpload', world.as.alice, params(upload.uploadId), 'conflict')
  })

  test('200: completed at the bucket but not recorded, it can be completed again', async () => {
    const { upload, parts } = await sent('crash')
    world.breakRecord()
    await world.refused(
      'completeUpload',
      world.as.alice,
      { ...params(upload.uploadId), body: { parts } },
      'record_unavailable',
    )
    world.recover()
    const done = await complete(upload.uploadId, { parts })
    assert.equal(done.sizeBytes, 5 * mebibyte + 7)
    assert.equal((await world.lastEvent()).type, 'upload.complete')
  })

  test('200: an empty object and one of unknown size', async () => {
    const empty = await open({ key: 'empty', sizeBytes: 0 })
    await put((await sign(empty.uploadId, [1]))[0]!, new Uint8Array())
    assert.equal((await complete(empty.uploadId)).sizeBytes, 0)
    const unknown = await open({ key: 'unknown' })
    assert.deepEqual([unknown.partCount, unknown.sizeBytes], [null, null])
    await put((await sign(unknown.uploadId, [1]))[0]!, Buffer.from('some'))
    assert.equal((await complete(unknown.uploadId)).sizeBytes, 4)
  })

  test('200: the same Idempotency-Key opens one upload', async () => {
    const asked = { params: { team: 'demo' }, body: { key: 'once' }, idempotencyKey: 'open-1' }
    const [one, two] = await Promise.all([
      world.call('openUpload', world.as.alice, asked),
      world.call('openUpload', world.as.alice, asked),
    ])
    const three = await world.call('openUpload', world.as.alice, asked)
    assert.deepEqual([two.uploadId, three.uploadId], [one.uploadId, one.uploadId])
    const other = { ...asked, body: { key: 'other' } }
    await world.refused('openUpload', world.as.alice, other, 'idempotency_mismatch')
  })

  test('400: part numbers beyond the plan, and bad keys', async () => {
    const upload = await open({ key: 'few', sizeBytes: 10 })
    const body = { partNumbers: [2] }
    await world.refused('signParts', world.as.alice, { ...params(upload.uploadId), body }, 'invalid')
    const bad = { params: { team: 'demo' }, body: { key: 'a/../b' } }
    await world.refused('openUpload', world.as.alice, bad, 'invalid_key')
    const { type, decision } = await world.lastEvent()
    assert.deepEqual([type, decision], ['upload.open', 'deny'])
  })

  test('a digest of the whole is compared when the parts are put together; what differs is moved away', async () => {
    const digestOf = (key: string) =>
      createHash('sha256')
        .update(Buffer.alloc(5 * mebibyte + 7, key))
        .digest('base64')
    const good = await sent('whole', { checksum: { algorithm: 'sha256', value: digestOf('whole') } })
    assert.deepEqual(good.upload.enforcement, { sizeBytes: 'verified-after', checksum: 'verified-after' })
    await complete(good.upload.uploadId, { parts: good.parts })
    const bad = await sent('other', { checksum: { algorithm: 'sha256', value: digestOf('whole') } })
    const error = await world.refused(
      'completeUpload',
      world.as.alice,
      { ...params(bad.upload.uploadId), body: { parts: bad.parts } },
      'verification_failed',
    )
    assert.match(error.message, /sha256 that was declared\. It was moved below \.signpost-quarantine/)
    const [verified, completed] = (await world.events()).slice(-2)
    assert.deepEqual([verified?.type, verified?.details?.['outcome']], ['object.verify', 'quarantined'])
    assert.deepEqual([completed?.type, completed?.decision], ['upload.complete', 'deny'])
    const list = await world.call('listObjects', world.as.alice, {
      params: { team: 'demo' },
      query: { prefix: 'other' },
    })
    assert.deepEqual(list.items, [])
  })

  test('400: a digest that nobody could compare is not promised', async () => {
    const checksum = { algorithm: 'sha256', value: 'qqo=' }
    const asked = (body: object) => ({ params: { team: 'demo' }, body: { key: 'k', checksum, ...body } })
    await world.refused('openUpload', world.as.alice, asked({}), 'invalid')
    const large = asked({ sizeBytes: 2 ** 30 + 1 })
    await world.refused('openUpload', world.as.alice, large, 'unsupported_by_store')
  })

  test("403 and 404: a viewer may not, and another member's upload is absent", async () => {
    const upload = await open({ key: 'mine', sizeBytes: 10 })
    const asked = { ...params(upload.uploadId), body: { partNumbers: [1] } }
    await world.refused(
      'openUpload',
      world.as.victor,
      { params: { team: 'demo' }, body: { key: 'k' } },
      'forbidden',
    )
    await world.refused('signParts', world.as.victor, asked, 'forbidden')
    const others = await world.refused('signParts', world.as.carol, asked, 'not_found')
    assert.deepEqual(
      [(await world.lastEvent()).decision, (await world.lastEvent()).reason],
      ['deny', 'not_own'],
    )
    const absent = await world.refused(
      'signParts',
      world.as.carol,
      { ...params('nothing'), body: asked.body },
      'not_found',
    )
    assert.equal(others.message, absent.message)
    for (const id of ['getUpload', 'abortUpload', 'completeUpload'] as const) {
      await world.refused(id, world.as.carol, { ...params(upload.uploadId), body: {} }, 'not_found')
    }
    await world.refused('getUpload', world.as.mallory, params(upload.uploadId), 'not_found')
  })

  test('409: what is missing is named, and nothing is half done', async () => {
    const upload = await open({ key: 'gap', sizeBytes: 11 * mebibyte, partSizeBytes: 5 * mebibyte })
    const [first] = await sign(upload.uploadId, [1])
    await put(first!, Buffer.alloc(5 * mebibyte))
    const asked = { ...params(upload.uploadId), body: {} }
    const error = await world.refused('completeUpload', world.as.alice, asked, 'upload_incomplete')
    assert.match(error.message, /Missing: parts 2, 3 of 3/)
    const state = await world.call('getUpload', world.as.alice, params(upload.uploadId))
    assert.deepEqual([state.state, state.parts.length], ['open', 1])
    const claim = {
      ...asked,
      body: { parts: [{ partNumber: 1, etag: '"00000000000000000000000000000000"' }] },
    }
    const changed = await world.refused('completeUpload', world.as.alice, claim, 'upload_incomplete')
    assert.match(changed.message, /by ETag\): part 1/)
  })

  test('409: create-only does not overwrite, neither when opened nor when completed', async () => {
    const { upload, parts } = await sent('new', { createOnly: true })
    const other = await sent('new')
    await complete(other.upload.uploadId, { parts: other.parts })
    const asked = { ...params(upload.uploadId), body: { parts } }
    await world.refused('completeUpload', world.as.alice, asked, 'conflict')
    const again = { params: { team: 'demo' }, body: { key: 'new', createOnly: true } }
    await world.refused('openUpload', world.as.alice, again, 'conflict')
  })

  test('409: given up or expired it takes no more, and giving up may be repeated', async () => {
    const upload = await open({ key: 'gone', sizeBytes: 10 })
    await world.call('abortUpload', world.as.alice, params(upload.uploadId))
    assert.equal((await world.lastEvent()).type, 'upload.abort')
    await world.call('abortUpload', world.as.alice, params(upload.uploadId))
    const asked = { ...params(upload.uploadId), body: { partNumbers: [1] } }
    await world.refused('signParts', world.as.alice, asked, 'conflict')
    await world.refused('completeUpload', world.as.alice, { ...asked, body: {} }, 'conflict')
  })

  test('409: it is of no use once the team is elsewhere', async () => {
    const upload = await open({ key: 'moved', sizeBytes: 10 })
    const team = { params: { team: 'demo' } }
    await world.call('updateTeam', world.as.root, { ...team, body: { prefix: 'elsewhere/' } })
    const asked = { ...params(upload.uploadId), body: { partNumbers: [1] } }
    await world.refused('signParts', world.as.alice, asked, 'conflict')
    await world.call('updateTeam', world.as.root, { ...team, body: { prefix: 'demo/' } })
    await sign(upload.uploadId, [1])
  })

  test('503: an upload that cannot be recorded is not left in the bucket', async () => {
    world.breakRecord()
    const asked = { params: { team: 'demo' }, body: { key: 'lost' } }
    await world.refused('openUpload', world.as.alice, asked, 'record_unavailable')
    world.recover()
    const { url } = presignS3({
      operation: { type: 'listUploads', prefix: 'demo/lost' },
      address: { origin: world.bucket.endpoint, pathPrefix: '/test-bucket' },
      region: 'us-east-1',
      credential: world.credential,
      signedAt: world.deps.clock(),
      expiresInSeconds: 60,
    })
    const answer = await (await fetch(url)).text()
    assert.match(answer, /<ListMultipartUploadsResult/)
    assert.ok(!answer.includes('<UploadId>'))
  })
})
