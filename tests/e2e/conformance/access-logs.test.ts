/** What real stores write of signed requests, read by their formats: who asked, for what, and that no signature is left. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import type { AccessLogRecord } from '../../../packages/server/src/correlation/access-log-record.ts'
import { formatNamed } from '../../../packages/server/src/correlation/formats/index.ts'
import { parseLog } from '../../../packages/server/src/correlation/parse-log.ts'
import { requireServer } from '../../servers/install.ts'
import type { StoreName } from './cases.ts'
import { send } from './send.ts'
import { bucket, stores, type StoreUnderTest } from './stores.ts'

const username = 'älice+1@example.com, "x" & y=z?'
const marker = {
  username,
  pseudonym: 'p-1',
  scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b',
  grantId: '0190a000-0000-7000-8000-000000000001',
}
const key = 'team-a/a "b" + ü%41/sig=1.bin'

interface Expected {
  format: string
  markers: AccessLogRecord['markers']
  /** False: the log leaves out requests that the store refused for their signature. */
  tellsRefusals: boolean
  /** How a second marker before the signed URL's own fares. */
  second: { query: string; isTaken: boolean }
}

const byName = { user: [username], grant: [marker.grantId] }
const byScid = { user: [marker.scid], grant: [] }
/** Shared keys do not sign `scid`, so nothing is written there. */
const none = { user: [], grant: [] }
const bob = 'X-User=bob&'
const expected: Record<StoreName, Expected> = {
  'local-store': {
    format: 'local-store',
    markers: byName,
    tellsRefusals: true,
    second: { query: bob, isTaken: false },
  },
  rgw: { format: 'ceph-ops', markers: byName, tellsRefusals: false, second: { query: bob, isTaken: true } },
  'gcs (rsa)': {
    format: 'gcs-usage',
    markers: byName,
    tellsRefusals: true,
    second: { query: bob, isTaken: false },
  },
  'gcs (hmac)': {
    format: 'gcs-usage',
    markers: byName,
    tellsRefusals: true,
    second: { query: bob, isTaken: false },
  },
  'azure (delegation)': {
    format: 'azurite',
    markers: byScid,
    tellsRefusals: true,
    second: { query: 'scid=bob&', isTaken: false },
  },
  'azure (account key)': {
    format: 'azurite',
    markers: none,
    tellsRefusals: true,
    second: { query: 'scid=bob&', isTaken: true },
  },
}

async function signedUrl(store: StoreUnderTest, method: 'GET' | 'PUT') {
  const action = method === 'GET' ? ('read' as const) : ('write' as const)
  const signedAt = Math.floor(Date.now() / 1000) * 1000
  const until = signedAt + 600_000
  const scope = { requester: { id: 'p', ...marker }, team: 'team-a', prefix: 'team-a/', networks: [] }
  const signer = await store.connector.signer({ ...scope, action, until })
  const { url, headers } = await signer.sign({ action, method, key, marker, signedAt, expiresAt: until })
  return { method, url, headers, body: method === 'PUT' ? Buffer.from('hello') : undefined }
}

async function recordsOf(store: StoreUnderTest, format: string): Promise<AccessLogRecord[]> {
  const records: AccessLogRecord[] = []
  const context = { addressing: 'path' as const }
  // What stands behind the last line break may be half a line.
  const text = await readFile(store.logFile)
  const whole = Readable.from([text.subarray(0, text.lastIndexOf('\n') + 1)])
  for await (const lines of parseLog(formatNamed(format)!, whole, context))
    for (const line of lines) {
      assert.notEqual(line.outcome, 'unparsed', JSON.stringify(line))
      if (line.outcome === 'record') records.push(line.record)
    }
  return records
}

for (const [name, { start, needs }] of Object.entries(stores)) {
  describe(name, needs ? requireServer(needs) : {}, () => {
    const { format, markers, tellsRefusals, second } = expected[name as StoreName]
    let store: StoreUnderTest
    const answers: number[] = []
    const secrets: string[] = []
    let records: AccessLogRecord[]
    before(async () => {
      store = await start()
      const [put, get] = [await signedUrl(store, 'PUT'), await signedUrl(store, 'GET')]
      const twice = { ...get, url: get.url.replace('?', `?${second.query}`) }
      const forged = { ...get, url: get.url.replace(/(signature|sig)=[^&]{4}/i, '$1=0000') }
      let wanted = 0
      for (const request of [put, get, twice, forged]) {
        const { searchParams } = new URL(request.url)
        for (const [parameter, value] of searchParams)
          if (/sig(nature)?$/i.test(parameter)) secrets.push(value)
        answers.push((await send(request, store.ca)).status)
        if (tellsRefusals || request === put || request === get || (request === twice && second.isTaken))
          wanted += 1
        records = await untilTold(wanted)
      }
    })
    /** Some write after they have answered. */
    const untilTold = async (wanted: number) => {
      for (let tries = 0; ; tries += 1) {
        // One that is refused at its query may be told without its key.
        const told = (await recordsOf(store, format)).filter(
          ({ key: found, markers: { user } }) => found === key || user.length > 0,
        )
        if (told.length >= wanted || tries === 1200) return told
        await sleep(50)
      }
    }
    after(() => store.stop())

    test('tells who wrote and who read', () => {
      assert.deepEqual(
        answers.slice(0, 2).map((status) => status < 300),
        [true, true],
      )
      const found = records
        .slice(0, 2)
        .map((record) => [record.action, record.method, record.succeeded, record.bucket])
      assert.deepEqual(found, [
        ['write', 'PUT', true, bucket],
        ['read', 'GET', true, bucket],
      ])
      for (const record of records.slice(0, 2)) {
        assert.deepEqual(record.markers, markers)
        assert.deepEqual(record.oddNames, [])
        assert.equal(record.authentication, 'query')
        assert.equal(record.address, '127.0.0.1')
        assert.ok(Math.abs(record.at - Date.now()) < 60_000, new Date(record.at).toISOString())
        assert.deepEqual(record.doubts, [])
        if (name !== 'azure (account key)') assert.notEqual(record.urlSigner, null)
        assert.ok(record.expiresAt !== null && record.expiresAt > Date.now())
      }
    })

    test('tells both of two requesters, and never one of them as the only one', () => {
      assert.equal(answers[2]! < 300, second.isTaken)
      if (!second.isTaken && !tellsRefusals) return
      const record = records[2]!
      assert.deepEqual(record.markers.user, ['bob', ...markers.user])
      assert.equal(record.succeeded, second.isTaken)
      if (markers === none) assert.deepEqual(record.doubts, ['unsigned-marker'])
    })

    test('a forged signature is refused, and told as that where it is told', () => {
      assert.equal(answers[3], 403)
      const record = records[3]
      assert.equal(record !== undefined, tellsRefusals)
      if (record === undefined) return
      assert.equal(record.succeeded, false)
      assert.deepEqual(record.markers, markers)
    })

    test('no signature is left in what was read', async () => {
      const text = JSON.stringify(await recordsOf(store, format))
      assert.ok(secrets.length >= 4)
      for (const secret of secrets) {
        assert.ok(!text.includes(secret) && !text.includes(encodeURIComponent(secret)))
      }
      // It was there, but for stores that mask it themselves.
      const isMasked = name === 'local-store'
      const raw = await readFile(store.logFile, 'utf8')
      assert.equal(
        secrets.some((secret) => raw.includes(secret) || raw.includes(encodeURIComponent(secret))),
        !isMasked,
      )
    })
  })
}
