/**
 * Every route there is, of the contract and beside it, as each of those who should see nothing: what is there and what is
 * not must be the same answer, in status, body and headers, and nothing of the team may stand in it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { operations, type Operation, type OperationId } from '@signpost/contract'
import { openWalledTeam, type Answer, type WalledTeam } from './every-route-world.ts'
import { bodyOf, otherRoutes, pathOf, queryOf, type Names } from './every-route.ts'

/** What only the team may see. */
const hidden = /hidden(?!-key-id)|payroll/

const nobodyThere: Names = {
  team: 'nowhere',
  username: 'nobody',
  account: 'no-robot',
  connector: 'no-connector',
  role: 'no-role',
  key: 'hidden.txt',
  marker: 'nobody',
  name: 'nothing',
  userId: '00000000-0000-7000-8000-000000000002',
  teamId: '00000000-0000-7000-8000-000000000003',
  uploadId: '00000000-0000-7000-8000-000000000000',
  grantId: '00000000-0000-7000-8000-000000000001',
  ids: {},
}

describe('every route', () => {
  let team: WalledTeam
  let there: Names
  before(async () => {
    team = await openWalledTeam()
    there = team.names
  })
  after(() => team?.close())

  const ask = async (actor: string | undefined, id: OperationId, names: Names): Promise<Answer> => {
    const operation: Operation = operations[id]
    const path = pathOf(id, operation, names) + queryOf(operation, names)
    return team.call(
      actor === undefined ? undefined : team.tokens[actor],
      operation.method,
      path,
      bodyOf(id, names),
    )
  }

  /** Answered to everybody, about themselves or with what they may see. Two of them name whom they are about. */
  const open = new Set<OperationId>(['getMe', 'listTeams', 'listConnectors', 'listRoles', 'listBudgets'])
  const ids = Object.keys(operations) as OperationId[]

  for (const actor of ['stranger', 'neighbour'] as const)
    for (const id of ids)
      test(`${actor}: ${id} shows nothing of another team, not even that it is there`, async () => {
        const one = await ask(actor, id, there)
        // A role may be seen by whoever gives one.
        if (id !== 'listRoles') assert.doesNotMatch(one.text, hidden)
        if (open.has(id)) return assert.equal(one.status, 200, one.text)
        assert.ok([403, 404].includes(one.status), `${one.status} ${one.text}`)
        assert.deepEqual(await ask(actor, id, nobodyThere), one)
        return undefined
      })

  for (const id of ids)
    test(`who was deactivated, and who is nobody: ${id} is refused, and the two look the same`, async () => {
      const one = await ask('gone', id, there)
      assert.equal(one.status, 401, one.text)
      assert.doesNotMatch(one.text, hidden)
      assert.deepEqual(await ask('gone', id, nobodyThere), one)
      for (const nobody of ['wrong', undefined]) assert.deepEqual(await ask(nobody, id, there), one)
    })

  /** What a viewer of the team is answered. All else is refused. */
  const viewers = new Set<OperationId>([
    'issueUrl',
    'issueUrls',
    'listObjects',
    'getTeam',
    'listMembers',
    'listServiceAccounts',
    'getConnector',
    'getDoctorReport',
    'listShareLinks',
    ...open,
  ])
  for (const id of ids)
    test(`a viewer: ${id} ${viewers.has(id) ? 'shows no secret' : 'is refused'}`, async () => {
      const one = await ask('viewer', id, there)
      const none = id === 'getDoctorReport'
      assert.equal(viewers.has(id), one.status === 200 || none, `${id}: ${one.status} ${one.text}`)
      if (!viewers.has(id)) assert.ok([403, 404].includes(one.status), `${id}: ${one.status} ${one.text}`)
      assert.doesNotMatch(one.text, /hidden-secret-key|payroll|sealed/)
    })

  for (const actor of ['viewer', 'neighbour', 'admin', 'stranger'] as const)
    for (const id of ids.filter(
      (one) => operations[one].path.includes('{uploadId}') || one === 'verifyWrite',
    ))
      test(`${actor}: ${id} of another's upload is as of one that is not there`, async () => {
        const one = await ask(actor, id, there)
        assert.ok([403, 404].includes(one.status), `${one.status} ${one.text}`)
        const { uploadId, grantId } = nobodyThere
        assert.deepEqual(await ask(actor, id, { ...there, uploadId, grantId }), one)
      })

  test('every route beside the contract is known here, and shows nothing', async () => {
    const routes = otherRoutes(team.app.server.printRoutes({ commonPrefix: false }))
    assert.ok(routes.length > 10, routes.map(({ path }) => path).join(' '))
    for (const { method, path } of routes) {
      for (const actor of ['stranger', 'neighbour', 'viewer', 'gone', undefined] as const) {
        const fill = (names: Names) =>
          path
            .replace(':provider', names.name)
            .replace(':team', names.team)
            .replace(':id', path.includes('Groups') ? names.teamId : names.userId)
            // As Fastify prints a route that ends with `/*`.
            .replace(/\/?\*$/, `/${names.key}`)
        const token = actor === undefined ? undefined : team.tokens[actor]
        const one = await team.call(token, method, fill(there))
        assert.ok(one.status < 500, `${method} ${path}: ${one.status} ${one.text}`)
        // Pages may show the address that they were asked at.
        assert.doesNotMatch(one.text, /payroll|hidden-(?!key-id)/, `${method} ${path} ${actor}`)
        if (actor === 'viewer') continue
        const other = await team.call(token, method, fill(nobodyThere))
        // Where an answer repeats the address, it repeats what was asked.
        const plain = (answer: Answer, names: Names) =>
          JSON.parse(JSON.stringify(answer).replaceAll(`/${names.team}/`, '/TEAM/')) as Answer
        assert.deepEqual(plain(other, nobodyThere), plain(one, there), `${method} ${path} ${actor}`)
      }
    }
  })
})
