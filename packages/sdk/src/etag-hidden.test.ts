import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { createFetchTransport, createSignpost, type Transport } from './index.ts'
import { openRim, type Rim } from './testing/rim.ts'

describe('a browser from which CORS hides the ETag', () => {
  let rim: Rim
  before(async () => {
    rim = await openRim()
  })
  after(() => rim.close())

  const plain = createFetchTransport({ fetch })
  const hiding: Transport = {
    async send(request) {
      const response = await plain.send(request)
      return {
        ...response,
        crossOrigin: true,
        header: (name) => (['etag', 'content-range'].includes(name) ? null : response.header(name)),
      }
    },
  }
  const page = () => createSignpost({ url: rim.url, token: 'sp_test', transport: hiding })

  it('fails an upload in parts with an error that names the fix', async () => {
    const upload = page().upload('sp://vision/big', randomBytes(2500), { singlePutMaxBytes: 1000 })
    await assert.rejects(upload, {
      name: 'TransferError',
      code: 'etag_hidden',
      message: /expose the ETag header in the bucket's CORS configuration/,
    })
  })

  it('completes an upload in parts where the answer says that there is no ETag', async () => {
    const bytes = randomBytes(2500)
    const signpost = createSignpost({
      url: rim.url,
      token: 'sp_test',
      transport: hiding,
      fetch: async (...args) => {
        const response = await fetch(...args)
        if (!response.url.endsWith('/parts')) return response
        const text = (await response.text()).replaceAll('"enforcement"', '"etagExpected":false,"enforcement"')
        return new Response(text, { status: response.status, headers: response.headers })
      },
    })
    await signpost.upload('sp://vision/big', bytes, { singlePutMaxBytes: 1000 })
    assert.deepEqual(rim.objects.get('big'), bytes)
  })

  it('stores by one PUT, without an ETag to tell', async () => {
    const result = await page().upload('sp://vision/small', randomBytes(10))
    assert.equal(result.etag, null)
  })

  it('reads a large object by one request, since ranges could not be told apart', async () => {
    const bytes = randomBytes(5000)
    rim.objects.set('read', bytes)
    const object = await page().download('sp://vision/read', { rangeBytes: 1000 })
    assert.ok(bytes.equals(await object.bytes()))
  })
})
