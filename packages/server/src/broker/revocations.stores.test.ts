/** The ladder at Azurite and at the Google test server: neither can deny one requester; an object can be put away. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { ConnectorSettings, RevocationStepName } from '@signpost/contract'
import { startGcs, type Gcs } from '../../../../tests/servers/gcs.ts'
import type { Azurite } from '../../../../tests/servers/azurite.ts'
import { settingsOf, startTrusted } from '../connectors/azure/test-azurite.ts'
import { openWorld, type World } from './testing/world.ts'

interface Shop {
  name: string
  settings(): ConnectorSettings
  /** What its owner does by hand, as the document says. */
  byHand?: () => void
  steps: [RevocationStepName, 'now' | 'document' | 'no'][]
}

let azurite: Azurite
let gcs: Gcs
before(async () => {
  ;[azurite, gcs] = await Promise.all([startTrusted(), startGcs({ buckets: ['data'] })])
})
after(async () => {
  await azurite?.stop()
  await gcs?.stop()
})

const shops: Shop[] = [
  {
    name: 'Azurite with an account key',
    settings: () =>
      ({
        ...settingsOf(azurite, { type: 'accountKey', accountKey: azurite.accountKey }),
        name: 'elsewhere',
      }) as ConnectorSettings,
    steps: [
      ['remove-access-policy', 'no'],
      ['rotate-credential', 'document'],
    ],
  },
  {
    name: 'Google with an HMAC key',
    settings: () => ({
      kind: 'gcs',
      name: 'elsewhere',
      bucket: 'data',
      endpoint: gcs.endpoint,
      addressing: 'path',
      marker: 'username',
      credential: { type: 'hmacKey', accessId: gcs.hmacKey.accessId, secret: gcs.hmacKey.secret },
    }),
    byHand: () => gcs.revoke(gcs.hmacKey.accessId),
    steps: [
      ['deactivate-hmac-key', 'document'],
      ['rotate-credential', 'document'],
    ],
  },
]

for (const shop of shops) {
  describe(`a revocation at ${shop.name}`, () => {
    let world: World
    beforeEach(async () => {
      world = await openWorld()
      const { root } = world.as
      await world.call('createConnector', root, { body: { settings: shop.settings(), check: false } })
      await world.call('updateTeam', root, { params: { team: 'demo' }, body: { connector: 'elsewhere' } })
    })
    afterEach(() => world.close())

    const issue = (action: 'read' | 'write', key: string) =>
      world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body: { action, key } })
    const written = async (key: string) => {
      const { url, method, headers } = await issue('write', key)
      const answer = await fetch(url, { method, headers, body: 'secret' })
      assert.ok(answer.ok, await answer.text())
    }
    const statusOf = async ({ url, headers }: { url: string; headers: Record<string, string> }) => {
      const answer = await fetch(url, { headers })
      await answer.arrayBuffer()
      return answer.status
    }

    test('says what it cannot, and what is to be done by hand', async () => {
      await issue('read', 'a')
      const plan = await world.call('planRevocation', world.as.root, {
        body: { target: { username: 'alice' } },
      })
      const there = plan.steps.filter(({ connector }) => connector === 'elsewhere')
      assert.deepEqual(
        there.map(({ step, can }) => [step, can]),
        shop.steps,
      )
      assert.match(plan.cannot[0]!, /^elsewhere: .*no single .* and no single requester's/)
      const asked = there.map(({ step, connector }) => ({ step, connector }))
      const { steps } = await world.call('revoke', world.as.root, {
        body: { target: { username: 'alice' }, steps: asked, reason: 'x' },
      })
      assert.deepEqual(
        steps.map(({ outcome, verified }) => [outcome, verified]),
        shop.steps.map(([, can]) => [can === 'no' ? 'failed' : 'document', 'not-tried']),
      )
      assert.equal(JSON.stringify([plan, steps]).includes(gcs.hmacKey.secret.slice(0, 12)), false)
    })

    for (const step of ['move-object', 'delete-object'] as const)
      test(`${step} ends the URLs of an object, and is tried`, async () => {
        const key = `leaked ${step}.txt`
        await written(key)
        const hers = await issue('read', key)
        assert.equal(await statusOf(hers), 200)
        const member = { params: { team: 'demo', username: 'root' }, body: { role: 'member' } }
        await world.call('setMember', world.as.root, member)
        const { steps } = await world.call('revoke', world.as.root, {
          body: { target: { team: 'demo', key }, steps: [{ step }], reason: 'x' },
        })
        assert.deepEqual([steps[0]?.outcome, steps[0]?.verified], ['done', 'refused'], steps[0]?.detail)
        assert.equal(await statusOf(hers), 404)
      })

    if (shop.byHand)
      test('what is done by hand as the document says ends live URLs', async () => {
        await written('a')
        const hers = await issue('read', 'a')
        assert.equal(await statusOf(hers), 200)
        shop.byHand!()
        assert.equal(await statusOf(hers), 403)
      })
  })
}
