/** What people and workloads do with a bucket on a good day, one row a way; each is done by each of them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { IssuedUrl, UrlRequestInput } from '@signpost/contract'
import type { Holder } from './ledger.ts'
import { grantIn } from './notes.ts'
import type { Person, World } from './world.ts'

export interface Work {
  world: World
  person: Person
  team: string
  /** Of this person, relative to the team. */
  folder: string
}

export async function issue(
  { world, person, team }: Work,
  item: UrlRequestInput,
): Promise<{ issued: IssuedUrl; holder: Holder }> {
  const issued = await person.signpost.url(team, item)
  return { issued, holder: world.holder(person.username, team, issued) }
}

/** Issues a URL and uses it. */
export async function useNew(
  work: Work,
  item: UrlRequestInput,
  more: Parameters<World['use']>[2] & { expect?: number[] } = {},
): Promise<{ issued: IssuedUrl; holder: Holder; status: number; etag: string }> {
  const { expect, ...sent } = more
  const { issued, holder } = await issue(work, item)
  const { status, etag, text } = await work.world.use(holder, issued, sent)
  assert.ok((expect ?? issued.successStatuses).includes(status), `${JSON.stringify(item)}: ${status} ${text}`)
  return { issued, holder, status, etag }
}

const some = (size = 2000) => randomBytes(size)

/** In this order. */
export const ways: Record<string, (work: Work) => Promise<unknown>> = {
  'writes and reads': async (work) => {
    const key = `${work.folder}/plain.bin`
    await useNew(work, { action: 'write', key }, { body: some() })
    await useNew(work, { action: 'read', key })
    await useNew(work, { action: 'read', key, method: 'HEAD' })
    const range = { headers: { range: 'bytes=10-19' } }
    await useNew(work, { action: 'read', key }, { ...range, expect: [206] })
    await useNew(work, { action: 'read', key, downloadAs: 'a "b".bin' })
  },
  'uses one URL again and again': async (work) => {
    const { issued, holder } = await issue(work, { action: 'read', key: `${work.folder}/plain.bin` })
    for (let times = 0; times < 3; times += 1) await work.world.use(holder, issued)
  },
  'names objects as they like': async (work) => {
    for (const name of ['a b+c%41&=?#é/(1)*.bin', 'ü "quotes" [x]', "o'brien;x=1,2", 'sig=1&X-User=bob']) {
      const key = `${work.folder}/${name}`
      await useNew(work, { action: 'write', key }, { body: some(100) })
      await useNew(work, { action: 'read', key })
    }
  },
  'asks for what is not there': (work) =>
    useNew(work, { action: 'read', key: `${work.folder}/nothing` }, { expect: [404] }),
  'creates only, twice': async (work) => {
    const item = { action: 'write', key: `${work.folder}/once.bin`, createOnly: true } as const
    await useNew(work, item, { body: some() })
    // Azurite says that the SAS does not allow it.
    await useNew(work, item, { body: some(), expect: [403, 409, 412] })
  },
  'says what it will be': (work) =>
    useNew(
      work,
      { action: 'write', key: `${work.folder}/typed.bin`, contentType: 'text/x-test', contentLength: 5 },
      { body: Buffer.from('hello') },
    ),
  'deletes by a URL': async (work) => {
    const key = `${work.folder}/gone.bin`
    await useNew(work, { action: 'write', key }, { body: some() })
    await useNew(work, { action: 'write', key, method: 'DELETE' })
  },
  'asks for many at once': async (work) => {
    const { world, person, team, folder } = work
    const items = ['plain.bin', 'once.bin', 'typed.bin'].map((name) => ({
      action: 'read' as const,
      key: `${folder}/${name}`,
    }))
    for await (const answer of person.signpost.urls(team, items)) {
      assert.ok(answer.ok)
      await world.use(world.holder(person.username, team, answer.url), answer.url)
    }
  },
  'uploads in parts': async (work) => {
    const { world, person, team, folder } = work
    const key = `${folder}/parts.bin`
    const bytes = some(5 * 2 ** 20 + 1000)
    const opened = await person.signpost.call('openUpload', {
      params: { team },
      body: { key, sizeBytes: bytes.length, partSizeBytes: 5 * 2 ** 20 },
    })
    const params = { team, uploadId: opened.uploadId }
    const { parts } = await person.signpost.call('signParts', { params, body: { partNumbers: [1, 2] } })
    for (const part of parts) {
      const body = bytes.subarray((part.partNumber - 1) * 5 * 2 ** 20, part.partNumber * 5 * 2 ** 20)
      await world.use(world.holder(person.username, team, part), part, {
        body,
        what: `part ${part.partNumber}`,
      })
    }
    await person.signpost.call('completeUpload', { params, body: {} })
    world.ledger.own.push(`write ${team}/${key}`)
    await useNew(work, { action: 'read', key })
  },
  'gives up an upload': async ({ world, person, team, folder }) => {
    const key = `${folder}/dropped.bin`
    const { uploadId } = await person.signpost.call('openUpload', { params: { team }, body: { key } })
    const params = { team, uploadId }
    const { parts } = await person.signpost.call('signParts', { params, body: { partNumbers: [1] } })
    await world.use(world.holder(person.username, team, parts[0]!), parts[0]!, {
      body: some(),
      what: 'a part',
    })
    await person.signpost.call('abortUpload', { params })
  },
  'lists and deletes through Signpost': async ({ world, person, team, folder }) => {
    for await (const _ of person.signpost.list(team, { prefix: folder }));
    world.ledger.own.push('list ')
    await person.signpost.remove({ team, key: `${folder}/typed.bin` })
    world.ledger.own.push(`delete ${team}/${folder}/typed.bin`)
  },
  'follows /o': async ({ world, person, team, folder }) => {
    const path = `/o/${team}/${folder}/plain.bin`
    const kind = world.store.connectors[0]!.settings('any').kind
    // To write on Azure a client must send the grant's id, which no redirect can tell.
    for (const method of kind === 'azure' ? (['GET', 'HEAD'] as const) : (['GET', 'HEAD', 'PUT'] as const)) {
      const headers: Record<string, string> = {
        authorization: `Bearer ${person.token}`,
        ...(method === 'PUT' ? { 'content-length': '4' } : {}),
        ...(method === 'PUT' && kind === 's3' ? { 'x-amz-acl': 'private' } : {}),
      }
      await followed(world, person.username, team, { method, url: world.server.url + path, headers })
    }
  },
  'follows a share link': async ({ world, person, team, folder }) => {
    const body = { key: `${folder}/plain.bin` }
    const { url } = await person.signpost.call('createShareLink', { params: { team }, body })
    assert.ok(url)
    await followed(world, person.username, team, { method: 'GET', url, headers: {} })
  },
  'moves files with the SDK': async ({ world, person, team, folder }) => {
    const sdk = person.transfers(team)
    for (const size of [3000, 6 * 2 ** 20 + 5]) {
      const address = { team, key: `${folder}/sdk-${size}.bin` }
      const bytes = some(size)
      const parts = { singlePutMaxBytes: 2 ** 20, partSizeBytes: 5 * 2 ** 20 }
      await sdk.upload(address, bytes, { ...parts, verify: 'checksum' })
      const object = await sdk.download(address, { rangeBytes: 2 * 2 ** 20 })
      assert.ok(bytes.equals(await object.bytes()))
      if (size > 2 ** 20) world.ledger.own.push(`write ${team}/${address.key}`)
    }
  },
}

/** To where Signpost says, as curl -L and browsers do. */
async function followed(
  world: World,
  user: string,
  team: string,
  asked: { method: 'GET' | 'HEAD' | 'PUT'; url: string; headers: Record<string, string> },
): Promise<void> {
  const { method, headers } = asked
  const body = method === 'PUT' ? Buffer.from('four') : undefined
  const answer = await fetch(asked.url, { method, headers, redirect: 'manual', ...(body ? { body } : {}) })
  const url = answer.headers.get('location') ?? ''
  assert.equal(answer.status, 307, await answer.text())
  const { authorization: _, 'content-length': __, ...kept } = headers
  const issued = { grantId: grantIn(url), method, url, headers: kept } as IssuedUrl
  const { status, text } = await world.use(world.holder(user, team, issued), issued, {
    body,
    what: 'by a redirect',
  })
  assert.ok(status < 300, `${status} ${text}`)
}

/** A form: its URL holds no signature, and so its line proves nobody's. */
export async function useForm(work: Work): Promise<void> {
  const { issued } = await issue(work, { action: 'write', key: `${work.folder}/form.bin`, method: 'POST' })
  const form = new FormData()
  for (const [name, value] of Object.entries(issued.fields ?? {})) form.set(name, value)
  form.set('file', new Blob(['hello']))
  const request = new Request(issued.url, { method: 'POST', body: form })
  const headers = { 'content-type': request.headers.get('content-type') ?? '' }
  const sent = {
    method: 'POST',
    url: issued.url,
    headers,
    body: Buffer.from(await request.arrayBuffer()),
  } as const
  const { status } = await work.world.send('a form', sent, () => ({ told: 'likely form' }))
  assert.ok(issued.successStatuses.includes(status), String(status))
}

/** Not told in the ledger: what the tests prepare. */
export async function prepared(work: Work, key: string): Promise<void> {
  const { issued, holder } = await issue(work, { action: 'write', key })
  await work.world.use(holder, issued, { body: Buffer.from(`of ${key}`), what: 'prepares' })
}
