/** The ladder against Ceph: what ends, what lives on, and that nothing of others is touched. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { RevocationPlan, RevocationStepName } from '@signpost/contract'
import { requireServer } from '../../../../tests/servers/install.ts'
import { roleOnRgw, type RgwRole } from '../../../../tests/servers/rgw-role.ts'
import { startRgw, type Rgw } from '../../../../tests/servers/rgw.ts'
import { sign } from '../connectors/s3/credentials/testing/sign-and-send.ts'
import { testScope } from '../connectors/test-scope.ts'
import type { OpenConnector } from '../domain/connector.ts'
import { findConnector } from '../store/connectors.ts'
import { createConnectorPool } from './connector-pool.ts'
import type { Caller } from './deps.ts'
import { openWorld, type World } from './testing/world.ts'

const bucket = 'data'
const others = {
  Sid: 'AuditorsRead',
  Effect: 'Allow',
  Principal: { AWS: ['arn:aws:iam:::user/auditor'] },
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::data/*'],
}

describe('a revocation on Ceph', requireServer('rgw'), () => {
  let rgw: Rgw
  let role: RgwRole
  let world: World
  /** Opened with the bucket owner's key. */
  let owner: OpenConnector

  before(async () => {
    rgw = await startRgw()
    role = await roleOnRgw(rgw, [bucket])
    await rgw.admin(['user', 'create', '--uid=auditor', '--display-name=auditor'])
    await limitedRole(rgw)
    const { endpoint, region } = rgw
    const requestChecksumCalculation = 'WHEN_REQUIRED'
    const s3 = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: rgw,
      requestChecksumCalculation,
    })
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    for (const Key of ['demo/a.txt', 'speech/a.txt'])
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))
    s3.destroy()
  })
  after(() => rgw.stop())

  beforeEach(async () => {
    world = await openWorld()
    const { root } = world.as
    await connect('ceph', {})
    await world.call('updateTeam', root, { params: { team: 'demo' }, body: { connector: 'ceph' } })
    await world.call('createTeam', root, { body: { name: 'speech', connector: 'ceph' } })
    for (const username of ['alice', 'victor'])
      await world.call('setMember', root, { params: { team: 'speech', username }, body: { role: 'member' } })
    owner = world.deps.connectors.openUnsaved({
      ...settings('owner'),
      credential: { type: 'static', accessKeyId: rgw.accessKeyId, secretAccessKey: rgw.secretAccessKey },
    })
    await owner.configuration!.writePolicy!(JSON.stringify({ Version: '2012-10-17', Statement: [others] }))
  })
  afterEach(async () => {
    owner.close()
    await world.close()
  })

  const settings = (name: string) => ({
    name,
    kind: 's3' as const,
    bucket,
    endpoint: rgw.endpoint,
    region: rgw.region,
    addressing: 'path' as const,
    marker: 'username' as const,
  })
  const connect = (name: string, credential: object) =>
    world.call('createConnector', world.as.root, {
      body: {
        settings: {
          ...settings(name),
          credential: { type: 'assumeRole', roleArn: role.roleArn, source: role.source, ...credential },
        },
        check: false,
      },
    })
  const read = (caller: Caller, team = 'demo') =>
    world.call('issueUrl', caller, { params: { team }, body: { action: 'read', key: 'a.txt' } })
  const statusOf = async ({ url }: { url: string }) => {
    const answer = await fetch(url)
    await answer.arrayBuffer()
    return answer.status
  }
  /** With sessions of its own, for a requester of its own. */
  const anotherReplica = () => {
    const { store, secretBox, newId, log, clock } = world.deps
    const pool = createConnectorPool({ store, secretBox, newId, log, connectorDeps: { clock, fetch } })
    return {
      close: () => pool.close(),
      async read() {
        const row = await findConnector(store.db, 'ceph')
        const { connector } = await pool.open(row!.id, row!.version)
        return sign(connector, testScope({ prefix: 'demo/', action: 'read' }), 'GET', 'demo/a.txt')
      },
    }
  }
  const plan = (target: object) => world.call('planRevocation', world.as.root, { body: { target } })
  const revoke = (target: object, step: RevocationStepName, undo = false) =>
    world.call('revoke', world.as.root, {
      body: { target, steps: [{ step, connector: 'ceph' }], reason: 'a test', undo },
    })
  const stepOf = ({ steps }: RevocationPlan, name: RevocationStepName) => {
    const found = steps.find(({ step }) => step === name)
    assert.ok(found, `${name} should be in the plan`)
    return found
  }
  const statements = async () => {
    const { Statement } = JSON.parse((await owner.configuration!.readPolicy!())!) as {
      Statement: { Sid: string }[]
    }
    return Statement.map(({ Sid }) => Sid)
  }

  test("deny-requester ends alice's live URL and those that come, and victor's lives; --undo takes it back", async () => {
    const { alice, victor } = world.as
    const [hers, his] = [await read(alice), await read(victor)]
    assert.deepEqual([await statusOf(hers), await statusOf(his)], [200, 200])
    const found = stepOf(await plan({ username: 'alice' }), 'deny-requester')
    assert.deepEqual([found.can, found.stops], ['now', 'both'])
    assert.deepEqual(found.touches, { grants: 1, usernames: ['alice'] })
    assert.deepEqual(await statements(), ['AuditorsRead'], 'a plan sets nothing')

    const { steps } = await revoke({ username: 'alice' }, 'deny-requester')
    assert.deepEqual([steps[0]?.outcome, steps[0]?.verified], ['done', 'refused'], steps[0]?.detail)
    assert.deepEqual([await statusOf(hers), await statusOf(his)], [403, 200])
    assert.equal(await statusOf(await read(alice)), 403)
    assert.equal(await statusOf(await read(alice, 'speech')), 403)
    assert.equal((await statements())[0], 'AuditorsRead')
    const again = await revoke({ username: 'alice' }, 'deny-requester')
    assert.deepEqual([again.steps[0]?.verified, (await statements()).length], ['not-tried', 2])

    const undone = await revoke({ username: 'alice' }, 'deny-requester', true)
    assert.equal(undone.steps[0]?.outcome, 'done', undone.steps[0]?.detail)
    assert.equal(await statusOf(hers), 200)
    assert.deepEqual(await statements(), ['AuditorsRead'])
    const twice = await revoke({ username: 'alice' }, 'deny-requester', true)
    assert.equal(twice.steps[0]?.outcome, 'failed')
    assert.deepEqual(leftBehind(await owner.list({ prefix: '', limit: 100 })), [])
  })

  test('within a team it is for that team: URLs in another live on', async () => {
    const { alice } = world.as
    const [inDemo, inSpeech] = [await read(alice), await read(alice, 'speech')]
    const { steps } = await revoke({ username: 'alice', team: 'demo' }, 'deny-requester')
    assert.equal(steps[0]?.verified, 'refused', steps[0]?.detail)
    assert.deepEqual([await statusOf(inDemo), await statusOf(inSpeech)], [403, 200])
  })

  test('no username widens the deny: wildcards and variables in it are characters', async () => {
    const { root, alice, victor } = world.as
    const odd = ['*', '?lice', 'al*', '${aws:username}', '*:alice', 'x","*:alice', 'alice=*', 'víctor']
    for (const username of odd) {
      await world.call('createUser', root, { body: { username } })
      await world.call('setMember', root, { params: { team: 'demo', username }, body: { role: 'viewer' } })
      const caller = await world.callerFor(username)
      const [theirs, hers, his] = [await read(caller), await read(alice), await read(victor)]
      assert.equal(await statusOf(theirs), 200, username)
      const { steps } = await revoke({ username }, 'deny-requester')
      assert.deepEqual([steps[0]?.outcome, steps[0]?.verified], ['done', 'refused'], username)
      assert.deepEqual([await statusOf(theirs), await statusOf(hers), await statusOf(his)], [403, 200, 200])
    }
    assert.equal((await statements()).length, 1 + odd.length)
  })

  test('two that are denied at the same time are both denied', async () => {
    const [hers, his] = [await read(world.as.alice), await read(world.as.victor)]
    await Promise.all(
      ['alice', 'victor'].map((username) => revoke({ username, team: 'demo' }, 'deny-requester')),
    )
    assert.deepEqual([await statusOf(hers), await statusOf(his)], [403, 403])
    assert.equal((await statements()).length, 3)
  })

  test('end-sessions ends every URL from before, says whose, and new ones work', async () => {
    const { alice, victor } = world.as
    const [hers, his] = [await read(alice), await read(victor)]
    const found = stepOf(await plan({ username: 'alice' }), 'end-sessions')
    assert.deepEqual(found.touches, { grants: 2, usernames: ['alice', 'victor'] })
    assert.match(found.detail, /Live URLs of one other end by it too/)
    const replica = anotherReplica()
    const there = await replica.read()
    assert.equal(await statusOf(there), 200)
    const { steps } = await revoke({ username: 'alice' }, 'end-sessions')
    assert.deepEqual([steps[0]?.outcome, steps[0]?.verified], ['done', 'refused'], steps[0]?.detail)
    assert.deepEqual([await statusOf(hers), await statusOf(his)], [403, 403])
    assert.equal(await statusOf(there), 403)
    assert.equal(await statusOf(await replica.read()), 200, 'the sessions of other replicas are opened anew')
    await replica.close()
    assert.deepEqual([await statusOf(await read(alice)), await statusOf(await read(victor))], [200, 200])
    assert.deepEqual(await statements(), ['AuditorsRead', 'SignpostRevokeSessions'])
    const second = await revoke({ username: 'alice' }, 'end-sessions')
    assert.equal(second.steps[0]?.verified, 'refused')
    assert.equal((await statements()).length, 2, 'the later instant takes the place of the one before')
  })

  test('a key in which Ceph would see a wildcard is not denied in the policy', async () => {
    const { alice } = world.as
    const body = { action: 'read', key: 'v*.bin' }
    const { grantId } = await world.call('issueUrl', alice, { params: { team: 'demo' }, body })
    const { can, detail } = stepOf(await plan({ grantId }), 'deny-requester')
    assert.equal(can, 'no')
    assert.match(detail, /wildcard/)
    const { steps } = await revoke({ grantId }, 'deny-requester')
    assert.deepEqual([steps[0]?.outcome, await statements()], ['failed', ['AuditorsRead']])
  })

  test('where all share one session, none can be denied alone; where the role may not, the document says what to set', async () => {
    const { root, alice } = world.as
    await connect('together', { perRequester: false })
    await world.call('updateTeam', root, { params: { team: 'demo' }, body: { connector: 'together' } })
    await read(alice)
    const shared = await plan({ username: 'alice', team: 'demo' })
    assert.equal(stepOf(shared, 'deny-requester').can, 'no')
    assert.match(shared.cannot[0]!, /all requesters share one session/)
    assert.equal(stepOf(shared, 'end-sessions').can, 'now')

    await connect('limited', { roleArn: 'arn:aws:iam:::role/limited' })
    await world.call('updateTeam', root, { params: { team: 'demo' }, body: { connector: 'limited' } })
    const hers = await read(alice)
    assert.equal(await statusOf(hers), 200)
    const limited = (await plan({ username: 'alice', team: 'demo' })).steps.find(
      ({ step, connector }) => step === 'deny-requester' && connector === 'limited',
    )
    assert.equal(limited?.can, 'document')
    // Set by hand, it holds.
    await owner.configuration!.writePolicy!(limited.document!)
    assert.equal(await statusOf(hers), 403)
  })
})

function leftBehind({ objects }: { objects: { key: string }[] }): string[] {
  return objects.map(({ key }) => key).filter((key) => key.includes('.signpost'))
}

/** A role for objects alone, with nothing about the policy. */
async function limitedRole(rgw: Rgw): Promise<void> {
  const policy = (Statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [Statement] })
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: ['arn:aws:iam:::user/broker'] },
    Action: ['sts:AssumeRole'],
  }
  const rights = {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  }
  await rgw.admin(['role', 'create', '--role-name=limited', `--assume-role-policy-doc=${policy(trust)}`])
  const put = ['role-policy', 'put', '--role-name=limited', '--policy-name=objects']
  await rgw.admin([...put, `--policy-doc=${policy(rights)}`])
}
