import { openLocalStore, type LocalStore } from '@signpost/local-store'
import type { ConnectorSettings } from '@signpost/contract'
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createSecretReader } from '../connectors/secrets.ts'
import { createConnectorPool } from './connector-pool.ts'
import { openWorld, type World } from './testing/world.ts'

const pairs = ['one', 'two', 'three', 'four'].map((name) => ({
  accessKeyId: `key-${name}`,
  secretAccessKey: `secret-of-${name}`,
}))
const [one, two, three, four] = pairs as [Pair, Pair, Pair, Pair]
type Pair = { accessKeyId: string; secretAccessKey: string }

describe('connectors whose secrets are references', () => {
  let world: World
  let folder: string
  let bucket: LocalStore
  const warnings: string[] = []
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signpost-pool-'))
    mkdirSync(join(folder, 'secrets'))
    world = await openWorld()
    bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: pairs })
    await bucket.createBucket('data')
    const { store, secretBox, clock, newId } = world.deps
    const log = { ...world.deps.log, warn: (_: object, message: string) => void warnings.push(message) }
    const readSecret = createSecretReader({ env: {}, secretsDir: join(folder, 'secrets') })
    await world.deps.connectors.close()
    world.deps.connectors = createConnectorPool({
      store,
      secretBox,
      newId,
      log,
      connectorDeps: { clock, fetch, readSecret },
    })
    put(one)
    await world.call('createConnector', world.as.root, { body: { settings: settings() } })
    await world.call('createTeam', world.as.root, { body: { name: 'vision', connector: 'referring' } })
    const member = { params: { team: 'vision', username: 'alice' }, body: { role: 'member' } }
    await world.call('setMember', world.as.root, member)
    assert.equal(await signedBy(), one.accessKeyId)
  })
  beforeEach(() => void warnings.splice(0))
  after(async () => {
    await world.close()
    await bucket.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const settings = (changes: Partial<ConnectorSettings> = {}) =>
    ({
      kind: 's3',
      name: 'referring',
      bucket: 'data',
      endpoint: bucket.endpoint,
      region: 'us-east-1',
      addressing: 'path',
      marker: 'username',
      credential: { type: 'static', accessKeyId: { file: 'id' }, secretAccessKey: { file: 'secret' } },
      ...changes,
    }) as ConnectorSettings
  const put = (pair: Pair) => {
    writeFileSync(join(folder, 'secrets/id'), `${pair.accessKeyId}\n`)
    writeFileSync(join(folder, 'secrets/secret'), `${pair.secretAccessKey}\n`)
  }
  const issue = async () =>
    world.call('issueUrl', world.as.alice, {
      params: { team: 'vision' },
      body: { action: 'read', key: 'absent' },
    })
  /** Whose key signs, and that the store takes it. */
  const signedBy = async () => {
    const { url } = await issue()
    assert.equal((await fetch(url)).status, 404)
    return new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0]
  }
  const credentialEvents = async () =>
    (await world.events())
      .filter(({ type }) => type === 'connector.credential')
      .map(({ decision, reason, connector, details }) => ({ decision, reason, connector, ...details }))
  const look = () => world.deps.connectors.lookAtReferences()
  const references = { connector: 'referring', references: 'file id, file secret' }

  test('a new key in the files is used after the next look, and told once', async () => {
    await look()
    assert.deepEqual(await credentialEvents(), [])
    put(two)
    assert.equal(await signedBy(), one.accessKeyId, 'nothing is looked at on the way of a request')
    await look()
    await look()
    assert.equal(await signedBy(), two.accessKeyId)
    assert.deepEqual(await credentialEvents(), [{ decision: 'allow', reason: 'renewed', ...references }])
  })

  test('one that the bucket refuses is not taken, told once, asked for less often, and taken when it is right', async () => {
    const asked = () => readFileSync(bucket.accessLogFile, 'utf8').split('SignatureDoesNotMatch').length
    put({ accessKeyId: two.accessKeyId, secretAccessKey: 'secret-of-nobody' })
    await look()
    const askedOnce = asked()
    await look()
    assert.equal(asked(), askedOnce, 'not again at once')
    for (const seconds of [5, 10, 20, 40, 60]) {
      world.pass(seconds)
      await look()
    }
    assert.ok(asked() > askedOnce)
    assert.equal(await signedBy(), two.accessKeyId)
    assert.equal(warnings.length, 1)
    const examined = await world.call('runDoctor', world.as.root, {
      params: { connector: 'referring' },
      body: {},
    })
    const [renewed] = examined.checks.filter(({ name }) => name === 'credential.renewed')
    assert.equal(renewed?.result, 'fail')
    assert.match(renewed.seen, /stays in use\. .*refused/)
    assert.doesNotMatch(JSON.stringify(examined), /secret-of/)
    const refused = { decision: 'deny', reason: 'bucket_refused', ...references }
    assert.deepEqual((await credentialEvents()).slice(1), [refused])
    world.pass(60)
    put(three)
    await look()
    assert.equal(await signedBy(), three.accessKeyId)
    assert.equal(world.deps.connectors.heldBack('none'), undefined)
    assert.doesNotMatch(JSON.stringify(await world.events()), /secret-of/)
  })

  test('files that are gone, and half a pair, leave the one before in use', async () => {
    rmSync(join(folder, 'secrets/secret'))
    await look()
    assert.equal(await signedBy(), three.accessKeyId)
    writeFileSync(join(folder, 'secrets/id'), four.accessKeyId)
    writeFileSync(join(folder, 'secrets/secret'), three.secretAccessKey)
    world.pass(60)
    await look()
    assert.equal(await signedBy(), three.accessKeyId)
    const reasons = (await credentialEvents()).slice(3).map(({ reason }) => reason)
    assert.deepEqual(reasons, ['credential_unavailable', 'bucket_refused'])
    put(three)
    world.pass(60)
    await look()
    assert.equal((await credentialEvents()).length, 5, 'back as it was: nothing to tell')
  })

  test('a change that cannot be recorded is not taken until it can', async () => {
    put(four)
    world.breakRecord()
    await look()
    world.recover()
    assert.equal(await signedBy(), three.accessKeyId)
    world.pass(60)
    await look()
    assert.equal(await signedBy(), four.accessKeyId)
  })

  test('an update of other things keeps what is open, and takes no text that was not tried', async () => {
    const { id } = await world.call('getConnector', world.as.root, { params: { connector: 'referring' } })
    const version = async () =>
      (
        await world.deps.store.db.selectFrom('connectors').select('version').where('id', '=', id).execute()
      )[0]!.version
    const opened = async () => (await world.deps.connectors.open(id, await version())).connector
    const before = await opened()
    put({ accessKeyId: 'key-of-nobody', secretAccessKey: 'secret-of-nobody' })
    await world.call('updateConnector', world.as.root, {
      params: { connector: 'referring' },
      body: { policy: { networks: [] } },
    })
    assert.equal(await opened(), before)
    rmSync(join(folder, 'secrets/id'))
    const another = { params: { connector: 'referring' }, body: { policy: {} } }
    await world.call('updateConnector', world.as.root, another)
    assert.equal(await signedBy(), four.accessKeyId, 'not even where the files are gone')
    put(four)
    const changed = { settings: settings({ marker: 'pseudonym' }) }
    await world.call('updateConnector', world.as.root, { params: { connector: 'referring' }, body: changed })
    put({ accessKeyId: 'key-of-nobody', secretAccessKey: 'secret-of-nobody' })
    assert.notEqual(await opened(), before)
    assert.equal(await signedBy(), four.accessKeyId)
    put(four)
  })

  test('an update whose new secret the bucket refuses changes nothing', async () => {
    put({ accessKeyId: four.accessKeyId, secretAccessKey: 'secret-of-nobody' })
    const asked = { params: { connector: 'referring' }, body: { settings: settings() } }
    await world.refused('updateConnector', world.as.root, asked, 'bucket_refused')
    assert.equal(await signedBy(), four.accessKeyId)
    rmSync(join(folder, 'secrets/id'))
    const error = await world.refused('updateConnector', world.as.root, asked, 'credential_unavailable')
    assert.match(error.message, /file id below SIGNPOST_SECRETS_DIR is not there/)
    put(four)
  })

  test('what is shown of it is where the secrets are, and the address without them', async () => {
    const shown = await world.call('getConnector', world.as.alice, { params: { connector: 'referring' } })
    assert.deepEqual(shown.settings['credential'], {
      type: 'static',
      accessKeyId: { file: 'id' },
      secretAccessKey: { file: 'secret' },
    })
    const host = new URL(bucket.endpoint).host
    assert.equal(shown.address, `s3://${host}/data?region=us-east-1&tls=false`)
    assert.doesNotMatch(JSON.stringify(shown), /secret-of|key-four/)
  })
})
