/** Runs the table of `cases.ts` on every store: what a URL must do, and what it must not. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SignRequest } from '../../../packages/server/src/domain/connector.ts'
import { requireServer } from '../../servers/install.ts'
import { cases, type Case, type StoreName } from './cases.ts'
import { send, type RawAnswer, type RawRequest } from './send.ts'
import { stores, type StoreUnderTest } from './stores.ts'

const encode = (key: string) => key.split('/').map(encodeURIComponent).join('/')
const marker = {
  username: 'alice',
  pseudonym: 'p-1',
  scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b',
  grantId: '0190a000-0000-7000-8000-000000000001',
}

async function signed(
  store: StoreUnderTest,
  place: { key: string },
  what: Case['signed'],
): Promise<{ request: SignRequest; raw: RawRequest }> {
  const now = Math.floor(Date.now() / 1000) * 1000
  const part = what.part
    ? {
        ...what.part,
        storeUploadId: await store.connector.createUpload({
          key: place.key,
          id: '0190a000-0000-7000-8000-00000000000a',
        }),
      }
    : undefined
  const request: SignRequest = {
    key: place.key,
    marker,
    ...what,
    signedAt: now + (what.signedAt ?? 0),
    expiresAt: now + (what.expiresAt ?? 600_000),
    ...(part ? { part } : {}),
  }
  const signer = await store.connector.signer({
    requester: { id: 'p', ...marker },
    team: 'team-a',
    prefix: 'team-a/',
    action: request.action,
    networks: [],
    until: request.expiresAt,
  })
  const { url, headers, fields } = await signer.sign(request)
  return { request, raw: { method: request.method, url, headers, ...(fields ? { fields } : {}) } }
}

async function tryCase(store: StoreUnderTest, found: Case, number: number): Promise<RawAnswer> {
  const place = {
    key: `team-a/case-${number}/object one.bin`,
    otherKey: `team-a/case-${number}/another.bin`,
    otherTeamKey: `team-b/case-${number}/secret.bin`,
  }
  await store.connector.put(place.otherKey, Buffer.from('another'))
  await store.connector.put(place.otherTeamKey, Buffer.from('secret'))
  if (found.existing) await store.connector.put(place.key, Buffer.from('stored'))
  const { raw } = await signed(store, place, found.signed)
  const request: RawRequest = { ...raw, body: found.body === undefined ? undefined : Buffer.from(found.body) }
  const changed = found.change
    ? found.change(request, { ...place, encode, marker: marker.username })
    : request
  if (found.change) assert.notDeepEqual(changed, request, 'the case changes something')
  return send(changed, store.ca)
}

async function check(store: StoreUnderTest, name: StoreName, found: Case, number: number): Promise<void> {
  const answer = await tryCase(store, found, number)
  const text = `${answer.status} ${answer.body.subarray(0, 300).toString()}`
  const success = answer.status >= 200 && answer.status < 300
  if (found.expect === 'works' || found.accepts?.[name]) {
    assert.ok(success, text)
    if (found.answer?.status) assert.equal(answer.status, found.answer.status)
    if (found.answer?.body !== undefined) assert.equal(answer.body.toString(), found.answer.body)
    if (found.answer?.header)
      assert.match(String(answer.headers[found.answer.header[0]]), found.answer.header[1])
    return
  }
  assert.ok(answer.status >= 400 && answer.status < 500, `should be refused, was ${text}`)
  assert.doesNotMatch(text, /secret$/, 'a refusal carries no data')
}

test('half of the table is refusals', () => {
  assert.ok(cases.filter((found) => found.expect === 'refused').length >= cases.length / 2)
})

for (const [name, { start, needs }] of Object.entries(stores) as [
  StoreName,
  NonNullable<(typeof stores)[StoreName]>,
][]) {
  describe(`a URL on ${name}`, needs ? requireServer(needs) : {}, () => {
    let store: StoreUnderTest
    before(async () => {
      store = await start()
    })
    after(() => store?.stop())
    for (const [number, found] of cases.entries()) {
      const why = found.notOn?.[name]
      if (why) continue
      const outcome =
        found.expect === 'works'
          ? 'works'
          : found.accepts?.[name]
            ? `is accepted here: ${found.accepts[name]}`
            : 'is refused'
      test(`${found.name}: ${outcome}`, () => check(store, name, found, number))
    }
  })
}
