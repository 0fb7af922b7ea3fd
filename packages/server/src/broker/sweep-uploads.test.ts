import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { statementOf } from '../store/statement.ts'
import { updateUploadState } from '../store/uploads.ts'
import { sweepUploads } from './sweep-uploads.ts'
import { openWorld, type World } from './testing/world.ts'

describe('sweepUploads', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const params = (uploadId: string) => ({ params: { team: 'demo', uploadId } })
  const open = (body: Record<string, unknown>, caller = world.as.alice) =>
    world.call('openUpload', caller, { params: { team: 'demo' }, body })

  test('uploads left behind are swept once, by whichever replica is first', async () => {
    const upload = await open({ key: 'left', sizeBytes: 10 })
    const done = await open({ key: 'not-left', sizeBytes: 10 })
    await world.deps.store.commit({
      statements: [updateUploadState(world.deps.store.db, done.uploadId, 'open', 'completed')],
      events: [],
    })
    world.pass(8 * 86_400)
    const asked = { ...params(upload.uploadId), body: { partNumbers: [1] } }
    await world.refused('signParts', world.as.alice, asked, 'conflict')
    const swept = await Promise.all([sweepUploads(world.deps), sweepUploads(world.deps)])
    const events = (await world.events()).filter((event) => event.type === 'upload.sweep')
    assert.equal(events.filter(({ uploadId }) => uploadId === upload.uploadId).length, 1)
    assert.equal(events.length, swept[0]! + swept[1]!)
    assert.equal(await sweepUploads(world.deps), 0)
    const { state } = await world.call('getUpload', world.as.alice, params(upload.uploadId))
    assert.equal(state, 'aborted')
  })

  test('an upload whose bucket is gone is let go after a week, so that it does not hold up the others', async () => {
    const { root, carol } = world.as
    const { db } = world.deps.store
    const upload = await open({ key: 'stuck', sizeBytes: 10 }, carol)
    const gone = { ...world.settings('gone'), endpoint: 'http://127.0.0.1:1' }
    const made = await world.call('createConnector', root, { body: { settings: gone, check: false } })
    const move = db.updateTable('uploads').set({ connector_id: made.id }).where('id', '=', upload.uploadId)
    await world.deps.store.commit({ statements: [statementOf(move)], events: [] })
    world.pass(8 * 86_400)
    assert.equal(await sweepUploads(world.deps), 0)
    world.pass(8 * 86_400)
    assert.equal(await sweepUploads(world.deps), 1)
    const { type, reason, uploadId } = await world.lastEvent()
    assert.deepEqual([type, reason, uploadId], ['upload.sweep', 'left_in_bucket', upload.uploadId])
  })
})
