import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { IssuedUrl } from '@signpost/contract'
import type { StoredObject } from '../../domain/connector.ts'
import { findConnector } from '../../store/connectors.ts'
import { findVerification } from '../../store/verifications.ts'
import { openWorld, type World } from '../testing/world.ts'
import type { Look } from './look-later.ts'
import { whoseObject } from './whose-object.ts'

describe('whose object it is, where the writer chooses the name of the grant (Azure)', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const issue = (body: object): Promise<IssuedUrl> =>
    world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
  const constrained = (key: string) =>
    issue({ action: 'write', key, contentLengthRange: { max: 5 }, expiresInSeconds: 60 })
  /** What is found of `grantId`, where the object says that `claimed` wrote it. */
  const whose = async (grantId: string, claimed?: string) => {
    const { db } = world.deps.store
    const main = (await findConnector(db, 'main'))!
    const { team_id: teamId } = await db
      .selectFrom('verifications')
      .select('team_id')
      .where('grant_id', '=', grantId)
      .executeTakeFirstOrThrow()
    const row = (await findVerification(db, teamId, grantId))!
    const named = await world.deps.connectors.open(main.id, main.version)
    const object: StoredObject = {
      sizeBytes: 9,
      etag: '"e"',
      contentType: null,
      versionId: null,
      lastModified: world.deps.clock(),
      metadata: claimed === undefined ? {} : { signpost_grant: claimed },
    }
    const azure = { ...named, connector: { ...named.connector, kind: 'azure' as const } }
    return whoseObject(world.deps, row, JSON.parse(row.expected) as Look, azure, object)
  }

  test('a grant that had ended before does not count: the write is judged', async () => {
    const old = await constrained('ended')
    const free = await issue({ action: 'write', key: 'ended', expiresInSeconds: 60 })
    world.pass(3600)
    const { grantId } = await constrained('ended')
    assert.deepEqual(await whose(grantId, old.grantId), { is: 'ours' })
    assert.deepEqual(await whose(grantId, free.grantId), { is: 'ours' })
  })

  test('nor does one that only reads, deletes, or writes another object', async () => {
    const reads = await issue({ action: 'read', key: 'kept', expiresInSeconds: 60 })
    const deletes = await issue({ action: 'write', method: 'DELETE', key: 'kept', expiresInSeconds: 60 })
    const elsewhere = await constrained('elsewhere')
    const { grantId } = await constrained('kept')
    for (const claimed of [reads, deletes, elsewhere, { grantId: 'made-up' }, undefined])
      assert.deepEqual(await whose(grantId, claimed?.grantId), { is: 'ours' })
  })

  test('one that could write it at that time does: it is judged by its own constraints', async () => {
    const other = await constrained('shared')
    const free = await issue({ action: 'write', key: 'shared', expiresInSeconds: 60 })
    const { grantId } = await constrained('shared')
    assert.deepEqual(await whose(grantId, other.grantId), { is: 'others' })
    assert.deepEqual(await whose(grantId, free.grantId), { is: 'others' })
    assert.deepEqual(await whose(grantId), { is: 'unsure', doubt: 'another_url_for_this_key' })
  })
})
