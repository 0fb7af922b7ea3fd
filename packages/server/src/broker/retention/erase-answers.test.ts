import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PersonDataLine } from '@signpost/contract'
import { findConnector } from '../../store/connectors.ts'
import { accessRow, putAccesses, putLogFile } from '../testing/accesses.ts'
import { gather, openWorld, type World } from '../testing/world.ts'

describe('erasing who answered findings and set alerts', () => {
  let world: World
  const ids: string[] = []
  before(async () => {
    world = await openWorld()
    const { root } = world.as
    const fileId = await putLogFile(world)
    const { id } = (await findConnector(world.deps.store.db, 'main'))!
    const rows = [1, 2, 3].map((n) =>
      accessRow('refused', Date.now() - n * 1000, { connector_id: id, file_id: fileId }),
    )
    await putAccesses(world.deps.store, rows)
    ids.push(...rows.map(({ at, digest }) => `${at.toString(36)}-${digest.toString(36)}`))
    await world.call('createUser', root, { body: { username: 'nora', organisationRole: 'admin' } })
    const nora = await world.callerFor('nora')
    const answer = (caller: typeof root, index: number, note: string) =>
      world.call('updateFinding', caller, {
        params: { id: ids[index]! },
        body: { state: 'acknowledged', note },
      })
    await answer(nora, 0, 'it was me')
    await answer(root, 1, 'nora did it')
    await answer(root, 2, 'eleonora and norad are others')
    for (const [caller, name] of [
      [nora, 'hers'],
      [root, 'ours'],
    ] as const)
      await world.call('createAlert', caller, { body: { name, url: 'https://hooks.example/x' } })
    await world.call('deleteUser', root, { params: { username: 'nora' } })
  })
  after(() => world.close())

  const erase = (body: object = {}) =>
    world.call('erasePerson', world.as.root, {
      params: { username: 'nora' },
      body: { reason: 'request 12', ...body },
    })
  const answers = async () => {
    const found = await Promise.all(
      ids.map((id) => world.call('getFinding', world.as.root, { params: { id } })),
    )
    const { items } = await world.call('listAlerts', world.as.root)
    return [
      ...found.map(({ changedBy, note }) => [changedBy, note]),
      ...items.map((one) => [one.name, one.createdBy]),
    ]
  }
  const whole = [
    ['nora', 'it was me'],
    ['root', 'nora did it'],
    ['root', 'eleonora and norad are others'],
    ['hers', 'nora'],
    ['ours', 'root'],
  ]

  test('all that is known of them tells of it', async () => {
    const lines = await gather(
      (await world.call('exportPersonData', world.as.root, {
        params: { username: 'nora' },
      })) as never as AsyncIterable<PersonDataLine>,
    )
    const of = lines.filter(({ kind }) => kind === 'findingAnswer' || kind === 'alert')
    assert.deepEqual(
      of.map(({ kind, data }) => [kind, data['note'] ?? data['name']]),
      [
        ['findingAnswer', 'nora did it'],
        ['findingAnswer', 'it was me'],
        ['alert', 'hers'],
      ],
    )
  })

  test('is counted first; under a hold it stays', async () => {
    assert.deepEqual([(await erase()).answers, await answers()], [3, whole])
    await world.call('createAuditHold', world.as.root, {
      body: { name: 'case', reason: 'x', username: 'nora', evenIfUnknown: true },
    })
    const { confirm, answers: free, held } = await erase()
    assert.equal(free, 0)
    assert.ok(held >= 3)
    await erase({ confirm })
    assert.deepEqual(await answers(), whole)
    await world.call('endAuditHold', world.as.root, { params: { name: 'case' } })
  })

  test('goes, and of others nothing does', async () => {
    const { confirm } = await erase()
    const { erasure, answers: count } = await erase({ confirm })
    assert.equal(count, 3)
    assert.deepEqual(await answers(), [
      [erasure, 'it was me'],
      ['root', `${erasure} did it`],
      ['root', 'eleonora and norad are others'],
      ['hers', erasure],
      ['ours', 'root'],
    ])
    assert.equal((await erase()).answers, 0)
    const written = (await world.events()).filter(({ type }) => type === 'audit.erase')
    assert.ok(written.some(({ details }) => details?.['answers'] === 2))
  })
})
