/** What every kind of connector must do, whatever the store: run by the tests of each kind against a real server. */

import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { ResolvedSettings } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import type { OpenConnector, SignedRequest, SignRequest, StoredPart } from '../domain/connector.ts'
import { examineBucket } from './doctor/index.ts'
import { openConnector, type ConnectorDeps } from './index.ts'
import { testScope } from './test-scope.ts'

export interface ContractTarget {
  settings: ResolvedSettings
  deps: ConnectorDeps
  /** The same bucket with a credential that the store does not take. */
  wrongCredential: ResolvedSettings
  /** The same bucket at an address where nothing listens. */
  unreachable: ResolvedSettings
  /** Longest life of a URL with this credential, where that is shorter than a week. */
  longestLifeMs?: number
  stop(): Promise<void>
}

type Wish = Partial<Omit<SignRequest, 'key' | 'marker'>>

const user = 'ana@example.com'
const alphabet = [
  'a b.txt',
  'a+b=c&d.txt',
  "quote's (1)!*.txt",
  'per%cent%41.txt',
  'größe/данные/数据.txt',
  'x//y.txt',
]

export function connectorContract(
  name: string,
  options: { skip: false | string },
  start: () => Promise<ContractTarget>,
): void {
  describe(`${name}: connector contract`, options, () => {
    let target: ContractTarget
    let open: OpenConnector
    const prefix = `contract-${randomBytes(4).toString('hex')}/`

    before(async () => {
      target = await start()
      open = openConnector(target.settings, target.deps)
    })
    after(async () => {
      open.close()
      await target.stop()
    })

    const sign = async (key: string, wish: Wish = {}): Promise<SignedRequest> => {
      const signedAt = Math.floor(Date.now() / 1000) * 1000
      const expiresAt = wish.expiresAt ?? signedAt + 300_000
      const grantId = randomUUID()
      const marker = { username: user, pseudonym: 'p-81c2', scid: scidOf(user), grantId }
      const method = wish.method ?? 'GET'
      const action = method === 'GET' || method === 'HEAD' ? 'read' : 'write'
      const signer = await open.signer(testScope({ action, until: expiresAt }))
      return signer.sign({ action, method, key, signedAt, expiresAt, marker, ...wish })
    }
    const send = async (
      signed: SignedRequest,
      method: string,
      body?: Uint8Array<ArrayBuffer> | string,
      headers: Record<string, string> = signed.headers,
    ): Promise<Response> =>
      target.deps.fetch(signed.url, { method, headers, ...(body === undefined ? {} : { body }) })
    /** Sends, reads the answer to its end, and says whether the store counted it a success. */
    const succeeds = async (...call: Parameters<typeof send>): Promise<boolean> => {
      const answer = await send(...call)
      await answer.arrayBuffer()
      return call[0].successStatuses.includes(answer.status)
    }
    const write = async (key: string, body: string, wish: Wish = {}) => {
      const signed = await sign(key, { method: 'PUT', ...wish })
      const answer = await send(signed, 'PUT', body)
      const said = await answer.text()
      assert.ok(signed.successStatuses.includes(answer.status), `PUT: ${answer.status} ${codeIn(said)}`)
      return signed
    }
    const read = async (key: string): Promise<string> => {
      const answer = await send(await sign(key), 'GET')
      const body = await answer.text()
      assert.equal(answer.status, 200, codeIn(body))
      return body
    }

    test('what is put by a signed URL is got by a signed URL, whole and in part, and deleted', async () => {
      const key = `${prefix}one.txt`
      await write(key, 'hello, bucket')
      assert.equal(await read(key), 'hello, bucket')

      const get = await sign(key)
      const part = await send(get, 'GET', undefined, { ...get.headers, range: 'bytes=7-12' })
      assert.equal(part.status, 206)
      assert.equal(await part.text(), 'bucket')

      const head = await sign(key, { method: 'HEAD' })
      const answer = await send(head, 'HEAD')
      assert.ok(head.successStatuses.includes(answer.status))
      assert.equal(answer.headers.get('content-length'), '13')

      assert.ok(await succeeds(await sign(key, { method: 'DELETE' }), 'DELETE'))
      assert.equal(await open.head(key), null)
      const gone = await send(await sign(key), 'GET')
      await gone.arrayBuffer()
      assert.equal(gone.status, 404)
    })

    test('keys with any characters name the same object in URLs and operations', async () => {
      for (const name of alphabet) {
        const key = `${prefix}keys/${name}`
        await write(key, name)
        assert.equal(await read(key), name)
        assert.equal((await open.head(key))?.sizeBytes, Buffer.byteLength(name), name)
      }
      const listed = await open.list({ prefix: `${prefix}keys/`, limit: 100 })
      assert.deepEqual(
        listed.objects.map((object) => object.key.slice(`${prefix}keys/`.length)).toSorted(),
        alphabet.toSorted(),
      )
      for (const name of alphabet) await open.remove(`${prefix}keys/${name}`)
      assert.deepEqual((await open.list({ prefix: `${prefix}keys/`, limit: 100 })).objects, [])
    })

    test('a URL works for its own key, method and time only', async () => {
      const key = `${prefix}door.txt`
      await write(key, 'mine')
      const get = await sign(key)
      const url = new URL(get.url)
      url.pathname = url.pathname.replace('door.txt', 'other.txt')
      assert.equal((await send({ ...get, url: url.href }, 'GET')).status, 403)
      assert.equal(await succeeds(get, 'PUT', 'theirs'), false)
      assert.equal(await succeeds(get, 'DELETE'), false)
      const put = await sign(key, { method: 'PUT' })
      assert.equal(await succeeds(put, 'GET'), false)
      assert.equal(await succeeds(put, 'DELETE'), false)

      const at = Math.floor(Date.now() / 1000) * 1000
      const old = await sign(key, { signedAt: at - 120_000, expiresAt: at - 60_000 })
      assert.equal(await succeeds(old, 'GET'), false)
      assert.equal(await read(key), 'mine')
    })

    test('the marker stands in the URL, where the kind has one, and cannot be changed or removed', async () => {
      const key = `${prefix}marked.txt`
      await write(key, 'marked')
      const signed = await sign(key)
      if (signed.marker === null) return
      const url = new URL(signed.url)
      const name = open.kind === 'azure' ? 'scid' : 'X-User'
      assert.equal(url.searchParams.get(name), signed.marker)
      assert.equal(await succeeds(signed, 'GET'), true)
      url.searchParams.set(name, open.kind === 'azure' ? randomUUID() : 'bob')
      assert.equal(await succeeds({ ...signed, url: url.href }, 'GET'), false)
      url.searchParams.delete(name)
      assert.equal(await succeeds({ ...signed, url: url.href }, 'GET'), false)
    })

    test('the signature that is recorded is the one in the URL', async () => {
      const signed = await sign(`${prefix}any`)
      assert.ok(signed.signature.length > 20)
      assert.ok(
        signed.url.includes(signed.signature) || signed.url.includes(encodeURIComponent(signed.signature)),
      )
    })

    test('a content type is stored; another one is refused where the store is said to enforce it', async () => {
      const key = `${prefix}typed`
      const signed = await write(key, 'a,b', { contentType: 'text/csv' })
      assert.match((await open.head(key))?.contentType ?? '', /^text\/csv/)
      if (signed.enforcement['contentType'] !== 'storage') return
      const again = await sign(key, { method: 'PUT', contentType: 'text/csv' })
      const other = { ...again.headers, 'content-type': 'text/html' }
      assert.equal(await succeeds(again, 'PUT', '<b>', other), false)
      assert.equal(await read(key), 'a,b')
    })

    test('a body of another length is refused where the store is said to enforce it', async () => {
      const key = `${prefix}long`
      const signed = await write(key, '12345', { contentLength: 5 })
      assert.equal(await read(key), '12345')
      if (signed.enforcement['contentLength'] !== 'storage') return
      for (const body of ['123', '1234567']) {
        const again = await sign(key, { method: 'PUT', contentLength: 5 })
        const { 'content-length': _, ...headers } = again.headers
        assert.equal(await succeeds(again, 'PUT', body, headers), false)
      }
      assert.equal(await read(key), '12345')
    })

    test('a body with another digest is refused where the store is said to enforce it', async () => {
      const key = `${prefix}digested`
      for (const [algorithm, value] of digestsOf('right')) {
        const signed = await write(key, 'right', { checksum: { algorithm, value } })
        if (signed.enforcement['checksum'] !== 'storage') continue
        const again = await sign(key, { method: 'PUT', checksum: { algorithm, value } })
        assert.equal(await succeeds(again, 'PUT', 'wrong'), false, algorithm)
        const bare = Object.entries(again.headers).filter(([header]) => !/md5|checksum|hash/.test(header))
        assert.equal(await succeeds(again, 'PUT', 'wrong', Object.fromEntries(bare)), false, algorithm)
        assert.equal(await read(key), 'right')
      }
    })

    test('create-only never overwrites, whatever headers the client sends', async () => {
      const key = `${prefix}once`
      const first = await write(key, 'first', { createOnly: true })
      assert.equal(first.enforcement['createOnly'], 'storage')
      const second = await sign(key, { method: 'PUT', createOnly: true })
      assert.equal(await succeeds(second, 'PUT', 'second'), false)
      const bare = Object.entries(second.headers).filter(([header]) => !/^if-|generation/.test(header))
      assert.equal(await succeeds(second, 'PUT', 'second', Object.fromEntries(bare)), false)
      assert.equal(await read(key), 'first')
    })

    test('a download carries the file name, quotes and other alphabets included', async () => {
      const key = `${prefix}named`
      await write(key, 'named')
      const answer = await send(await sign(key, { downloadAs: 'Größe "1" 数.csv' }), 'GET')
      await answer.arrayBuffer()
      assert.equal(answer.status, 200)
      const disposition = answer.headers.get('content-disposition') ?? ''
      assert.match(disposition, /^attachment; filename="Gr__e _1_ _\.csv"; filename\*=UTF-8''Gr%C3%B6/)
    })

    test('parts that arrive out of order make up the object when they are completed', async () => {
      const key = `${prefix}parts.bin`
      const size = Math.max(open.partLimits.partSizeBytesMin, 256 * 1024)
      const bodies = [randomBytes(size), randomBytes(size), randomBytes(1000)]
      const contentType = 'application/x-parts'
      const storeUploadId = await open.createUpload({ key, id: randomUUID(), contentType })
      assert.deepEqual(await open.listParts({ key, storeUploadId }), [])
      for (const partNumber of [3, 1, 2]) {
        const body = new Uint8Array(bodies[partNumber - 1]!)
        const signed = await sign(key, { method: 'PUT', part: { storeUploadId, partNumber } })
        assert.equal(await succeeds(signed, 'PUT', body), true)
      }
      assert.equal(await open.head(key), null)
      const parts = await open.listParts({ key, storeUploadId })
      assert.deepEqual(
        parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]),
        [
          [1, size],
          [2, size],
          [3, 1000],
        ],
      )
      const done = await open.completeUpload({ key, storeUploadId, parts, contentType, createOnly: true })
      const stored = await open.head(key)
      assert.equal(stored?.sizeBytes, 2 * size + 1000)
      assert.equal(stored?.contentType, contentType)
      // Ceph leaves it out of its answer.
      assert.ok(done.etag === null || done.etag === stored?.etag)
      const answer = await send(await sign(key), 'GET')
      assert.deepEqual(sha256(await answer.arrayBuffer()), sha256(Buffer.concat(bodies)))
      await open.remove(key)
    })

    test('what the policy sets is in every object, in one piece and in parts', async () => {
      const writes = { metadata: { origin: 'signpost', run_id: 'a b' } }
      const whole = `${prefix}set.txt`
      await write(whole, 'whole', { writes })
      const key = `${prefix}set-in-parts.bin`
      const storeUploadId = await open.createUpload({ key, id: randomUUID(), writes })
      const part = await sign(key, { method: 'PUT', writes, part: { storeUploadId, partNumber: 1 } })
      assert.equal(await succeeds(part, 'PUT', 'parts'), true)
      const parts = await open.listParts({ key, storeUploadId })
      await open.completeUpload({ key, storeUploadId, parts, writes })
      for (const one of [whole, key]) {
        const { metadata } = (await open.head(one)) ?? {}
        // Ceph keeps an underscore as a hyphen.
        const run = metadata?.['run_id'] ?? metadata?.['run-id']
        assert.deepEqual([metadata?.['origin'], run], ['signpost', 'a b'], one)
      }
    })

    test('deletes an object only if it is still the one that was seen', async () => {
      const key = `${prefix}guarded.txt`
      await write(key, 'first')
      const etag = (await open.head(key))?.etag ?? ''
      await write(key, 'second')
      await fails('conflict', open.remove(key, { etag }))
      assert.equal(await read(key), 'second')
      await open.remove(key, { etag: (await open.head(key))?.etag ?? '' })
      assert.equal(await open.head(key), null)
      await open.remove(key, { etag })
    })

    test('a form brings what it says; the object names its grant, and has no other fields', async () => {
      const key = `${prefix}form.txt`
      if (open.kind === 'azure') {
        await assert.rejects(async () => sign(key, { method: 'POST' }), { code: 'unsupported_by_store' })
        return
      }
      const contentLengthRange = { min: 1, max: 4 }
      const form = await sign(key, { method: 'POST', contentType: 'text/csv', contentLengthRange })
      const post = async (body: string, more: Record<string, string> = {}) => {
        const data = new FormData()
        for (const [name, value] of Object.entries({ ...form.fields, ...more })) data.append(name, value)
        data.append('file', new Blob([body]))
        const answer = await target.deps.fetch(form.url, { method: 'POST', body: data })
        await answer.arrayBuffer()
        return answer.status
      }
      assert.deepEqual([await post('form')], form.successStatuses)
      const stored = await open.head(key)
      assert.deepEqual([stored?.sizeBytes, stored?.contentType], [4, 'text/csv'])
      assert.equal(stored?.metadata?.['signpost-grant'], new URL(form.url).searchParams.get('X-Grant'))
      for (const refused of [await post('larger'), await post('x', { 'x-amz-meta-more': 'y' })])
        assert.ok(refused >= 400 && refused < 500, String(refused))
      assert.equal(await read(key), 'form')
    })

    test('a part that never came makes the completion a conflict', async () => {
      const key = `${prefix}hole.bin`
      const storeUploadId = await open.createUpload({ key, id: randomUUID() })
      const parts: StoredPart[] = [
        { partNumber: 1, sizeBytes: 5, etag: '"00000000000000000000000000000000"' },
      ]
      await fails('conflict', open.completeUpload({ key, storeUploadId, parts }))
      assert.equal(await open.head(key), null)
      await open.abortUpload({ key, storeUploadId })
    })

    test('an aborted upload leaves no object; completing a create-only one over an object is a conflict', async () => {
      const key = `${prefix}aborted.bin`
      const storeUploadId = await open.createUpload({ key, id: randomUUID() })
      const signed = await sign(key, { method: 'PUT', part: { storeUploadId, partNumber: 1 } })
      assert.equal(await succeeds(signed, 'PUT', 'part'), true)
      await write(key, 'was faster')
      const parts = await open.listParts({ key, storeUploadId })
      if (parts.length > 0)
        await fails('conflict', open.completeUpload({ key, storeUploadId, parts, createOnly: true }))
      await open.abortUpload({ key, storeUploadId })
      assert.equal(await read(key), 'was faster')
    })

    test('lists by prefix, by folder and page by page', async () => {
      const base = `${prefix}list/`
      const keys = ['a.txt', 'b.txt', 'sub/c.txt', 'sub/d.txt', 'z & <z>.txt'].map((key) => base + key)
      for (const key of keys) await open.put(key, Buffer.from(key))
      const all = await open.list({ prefix: base, limit: 100 })
      assert.deepEqual(
        all.objects.map(({ key }) => key),
        keys,
      )
      assert.equal(all.nextCursor, null)
      assert.equal(all.objects[0]?.sizeBytes, Buffer.byteLength(keys[0]!))
      assert.ok(Math.abs(Date.now() - all.objects[0]!.lastModified) < 60_000)

      const folders = await open.list({ prefix: base, delimiter: '/', limit: 100 })
      assert.deepEqual(folders.prefixes, [`${base}sub/`])
      assert.deepEqual(
        folders.objects.map(({ key }) => key),
        [keys[0], keys[1], keys[4]],
      )

      const seen: string[] = []
      for (let cursor: string | undefined, pages = 0; pages < 10; pages++) {
        const page = await open.list({ prefix: base, limit: 2, ...(cursor === undefined ? {} : { cursor }) })
        assert.ok(page.objects.length <= 2)
        seen.push(...page.objects.map(({ key }) => key))
        if (page.nextCursor === null) break
        cursor = page.nextCursor
      }
      assert.deepEqual(seen, keys)
      assert.deepEqual((await open.list({ prefix: `${prefix}nothing/`, limit: 5 })).objects, [])
    })

    test('a listing and a head tell the same version of an object, in any key', async () => {
      for (const name of ['v.txt', 'größe 数.txt']) {
        const key = `${prefix}versions/${name}`
        await open.put(key, Buffer.from(name))
        const listed = (await open.list({ prefix: key, limit: 1 })).objects[0]!
        const head = await open.head(key)
        const second = (at: number | undefined) => Math.floor((at ?? 0) / 1000)
        assert.equal(bare(listed.etag), bare(head?.etag))
        assert.equal(listed.sizeBytes, head?.sizeBytes)
        if (head?.lastModified !== undefined)
          assert.equal(second(listed.lastModified), second(head.lastModified))
        await open.remove(key)
      }
    })

    test('whole objects are written and read by the server itself, empty, small and in parts, types included', async () => {
      if (!open.write || !open.read) return
      for (const sizeBytes of [0, 5, 16 * 2 ** 20, 33 * 2 ** 20 + 7]) {
        const key = `${prefix}whole/größe ${sizeBytes}`
        const body = randomBytes(sizeBytes)
        await open.write(key, inPieces(body), { sizeBytes, contentType: 'text/x-whole' })
        const head = await open.head(key)
        assert.equal(head?.sizeBytes, sizeBytes)
        assert.equal(head.contentType, 'text/x-whole')
        const read = async (options?: { etag: string }) => {
          const chunks: Uint8Array[] = []
          for await (const chunk of await open.read!(key, options)) chunks.push(chunk)
          return Buffer.concat(chunks)
        }
        assert.deepEqual(sha256(await read({ etag: head.etag! })), sha256(body))
        assert.deepEqual(sha256(await read()), sha256(body))
        await assert.rejects(read({ etag: '"00000000000000000000000000000000"' }))
        await open.remove(key)
        await fails('not_found', read())
      }
    })

    test('coding and metadata go along with what is written, whole and in parts; what fits no header stays behind', async () => {
      if (!open.write || !open.read) return
      const metadata = {
        'signpost-grant': 'g-1',
        color: 'blue green',
        größe: '1',
        bad: 'line\nbreak',
        alphabet: 'größe',
      }
      const kept = Object.entries({ 'signpost-grant': 'g-1', color: 'blue green' }).map(([name, value]) => [
        open.kind === 'azure' ? name.replaceAll('-', '_') : name,
        value,
      ])
      for (const sizeBytes of [7, 17 * 2 ** 20]) {
        const key = `${prefix}kept/${sizeBytes}`
        const body = randomBytes(sizeBytes)
        const like = { sizeBytes, contentType: 'text/plain', contentEncoding: 'gzip', metadata }
        await open.write(key, inPieces(body), like)
        const head = await open.head(key)
        assert.equal(head?.contentEncoding, 'gzip')
        assert.equal(head.sizeBytes, sizeBytes)
        assert.deepEqual(head.metadata, Object.fromEntries(kept))
        const chunks: Uint8Array[] = []
        for await (const chunk of await open.read(key)) chunks.push(chunk)
        assert.deepEqual(sha256(Buffer.concat(chunks)), sha256(body), 'as it is stored')
        await open.remove(key)
      }
      await open.put(`${prefix}plain`, Buffer.from('plain'))
      assert.equal((await open.head(`${prefix}plain`))?.contentEncoding, undefined)
    })

    test('what is put to be created only is not written over', async () => {
      const key = `${prefix}put-once`
      await open.put(key, Buffer.from('first'), { createOnly: true })
      await fails('conflict', open.put(key, Buffer.from('second'), { createOnly: true }))
      assert.equal(await read(key), 'first')
      await open.remove(key)
      await open.put(key, Buffer.from('third'), { createOnly: true })
      assert.equal(await read(key), 'third')
      await open.remove(key)
    })

    test('a source that ends early, goes on too long or breaks leaves what was there', async () => {
      if (!open.write) return
      const key = `${prefix}cut`
      await open.put(key, Buffer.from('before'))
      const breaking = async function* () {
        yield new Uint8Array(17 * 2 ** 20)
        throw new Error('broken')
      }
      const of = (sizeBytes: number) => ({ sizeBytes, contentType: null })
      for (const sizeBytes of [9, 11, 17 * 2 ** 20])
        await fails('bucket_unreachable', open.write(key, inPieces(randomBytes(10)), of(sizeBytes)))
      await assert.rejects(open.write(key, breaking(), of(18 * 2 ** 20)))
      assert.equal(await read(key), 'before')
      await open.remove(key)
    })

    test('a copy within the store is the object, its type included; a source that is not there is none', async () => {
      if (!open.copy) return
      const { bucket } = target.settings
      for (const name of alphabet) {
        const [key, copied] = [`${prefix}from/${name}`, `${prefix}to/${name}`]
        await write(key, name, { contentType: 'text/x-copied' })
        const sizeBytes = Buffer.byteLength(name)
        const done = await open.copy({ bucket, key, sizeBytes }, copied).then(
          () => true,
          (error: unknown) => {
            // The embedded store copies nothing, and says so.
            assert.ok(error instanceof SignpostError && /NotImplemented/.test(error.message), String(error))
            return false
          },
        )
        if (!done) return
        assert.equal(await read(copied), name)
        assert.match((await open.head(copied))?.contentType ?? '', /^text\/x-copied/)
        await open.remove(key)
        await fails('not_found', open.copy({ bucket, key, sizeBytes }, copied))
        await open.remove(copied)
      }
    })

    test('what is not there: head is null, removing is no error, an unknown upload has no parts', async () => {
      assert.equal(await open.head(`${prefix}nowhere`), null)
      await open.remove(`${prefix}nowhere`)
      const unknown = open.listParts({ key: `${prefix}nowhere`, storeUploadId: '2~none' })
      // Azure has no uploads, only blocks: none have come.
      if (open.kind === 'azure') assert.deepEqual(await unknown, [])
      else await fails('not_found', unknown)
    })

    test('answers a ping, and refuses one with a wrong credential by name and fix', async () => {
      await open.ping(5000)
      await open.ping(5000, prefix)
      const wrong = openConnector(target.wrongCredential, target.deps)
      const error = await fails(['bucket_refused', 'credential_unavailable'], wrong.ping(5000))
      for (const secret of secretsOf(target.wrongCredential)) {
        assert.ok(!error.message.includes(secret))
        assert.ok(!String((error.cause as Error | undefined)?.message).includes(secret))
      }
      wrong.close()
    })

    test('a store that is not there is unreachable by name, within a second', async () => {
      const nowhere = openConnector(target.unreachable, target.deps)
      await nowhere.ping(5000).catch(() => {}) // loads what is loaded on first use
      const startedAt = performance.now()
      const error = await fails('bucket_unreachable', nowhere.ping(5000))
      assert.ok(performance.now() - startedAt < 1000)
      assert.match(error.message, /127\.0\.0\.1:\d+/)
      await fails('bucket_unreachable', nowhere.head('any'))
      nowhere.close()
    })

    test('the latest expiry is one that can be signed and that the store takes', async () => {
      const key = `${prefix}late.txt`
      await write(key, 'late')
      const now = Math.floor(Date.now() / 1000) * 1000
      const expiresAt = Math.min(
        (await open.signer(testScope({ until: now + 604_800_000 }))).latestExpiry(now).at,
        now + 604_800_000,
      )
      assert.ok(expiresAt >= now + Math.min(6 * 86_400_000, target.longestLifeMs ?? Infinity) - 1000)
      assert.equal(await succeeds(await sign(key, { signedAt: now, expiresAt }), 'GET'), true)
    })

    const examine = (settings: ResolvedSettings, connector: OpenConnector) =>
      examineBucket(
        {
          settings,
          open: connector,
          prefix: `${prefix}examined/`,
          isShared: true,
          origins: [],
          policy: { networks: [], allowsAddress: () => true, writes: undefined },
        },
        { fetch: target.deps.fetch, clock: Date.now, newId: randomUUID },
      )

    test('the doctor finds nothing that fails, and leaves nothing behind', async () => {
      const { ok, checks } = await examine(target.settings, open)
      assert.deepEqual(
        checks.filter(({ result }) => result === 'fail'),
        [],
      )
      assert.equal(ok, true)
      assert.deepEqual((await open.list({ prefix: `${prefix}examined/`, limit: 5 })).objects, [])
    })

    test('the doctor names a wrong credential, and never shows it', async () => {
      const wrong = openConnector(target.wrongCredential, target.deps)
      const { ok, checks } = await examine(target.wrongCredential, wrong)
      assert.equal(ok, false)
      const failed = checks.filter(({ result }) => result === 'fail')
      assert.match(failed.map(({ name }) => name).join(), /^credential\.(?:known|secret|available)$/)
      assert.ok(failed[0]?.fix)
      for (const secret of secretsOf(target.wrongCredential))
        assert.ok(!JSON.stringify(checks).includes(secret))
      wrong.close()
    })
  })
}

/** As a network gives it. */
async function* inPieces(body: Uint8Array, bytes = 1_000_003): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < body.byteLength; from += bytes) yield body.subarray(from, from + bytes)
}

function bare(etag: string | null | undefined): string | undefined {
  return etag?.replaceAll('"', '')
}

/** Waits for a failure with the code, and gives it. */
async function fails(code: string | string[], promise: Promise<unknown>): Promise<SignpostError> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof SignpostError, String(error))
  assert.ok([code].flat().includes(error.code), `${error.code}: ${error.message}`)
  return error
}

function digestsOf(body: string) {
  const of = (algorithm: 'md5' | 'sha256') => createHash(algorithm).update(body).digest('base64')
  return [
    ['md5', of('md5')],
    ['sha256', of('sha256')],
    // CRC32C of "right", big-endian
    ['crc32c', crc32c(body)],
  ] as const
}

/** Bit by bit: Node's zlib has CRC32 only. Castagnoli polynomial, reflected. */
function crc32c(text: string): string {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  const digest = Buffer.alloc(4)
  digest.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return digest.toString('base64')
}

function sha256(bytes: ArrayBuffer | Uint8Array): string {
  return createHash('sha256').update(new Uint8Array(bytes)).digest('hex')
}

function secretsOf({ credential }: ResolvedSettings): string[] {
  const isSecret = /secret|key$|token$/i
  const secretsIn = (some: object): string[] =>
    Object.entries(some).flatMap(([name, value]) => {
      if (typeof value === 'object' && value !== null) return secretsIn(value as object)
      return isSecret.test(name) && typeof value === 'string' ? [value] : []
    })
  return secretsIn(credential)
}

/** Error bodies repeat strings to sign and key ids: only the code is shown. */
function codeIn(body: string): string {
  return /<Code>([^<]*)/.exec(body)?.[1] ?? ''
}
