/**
 * What a URL must do and must not do, as one table: URL x method x header x time. Half of it is refusals. The same table
 * runs on every store; where one cannot refuse, `accepts` says so by name, with Signpost's answer beside it.
 */
import type { SignRequest } from '../../../packages/server/src/domain/connector.ts'
import { guardCases } from './guard-cases.ts'
import type { RawRequest } from './send.ts'

export type StoreName =
  | 'local-store'
  | 'rgw'
  | 'gcs (rsa)'
  | 'gcs (hmac)'
  | 'azure (delegation)'
  | 'azure (account key)'

/** What the URL is made for; the key is filled in by the runner. */
export type Signed = Partial<SignRequest> & Pick<SignRequest, 'action' | 'method'>

export interface Case {
  name: string
  signed: Signed
  /** The object exists beforehand, with the body `stored`. */
  existing?: boolean
  body?: string
  /** What the client does differently from what it was told. */
  change?: (
    request: RawRequest,
    place: {
      key: string
      otherKey: string
      otherTeamKey: string
      encode: (key: string) => string
      marker: string | null
    },
  ) => RawRequest
  expect: 'works' | 'refused'
  /** Checked after `works`. */
  answer?: { status?: number; body?: string; header?: [string, RegExp] }
  /** Stores that accept what should be refused -> Signpost's answer to it. */
  accepts?: Partial<Record<StoreName, string>>
  /** Stores on which the case means nothing -> why. */
  notOn?: Partial<Record<StoreName, string>>
}

const read: Signed = { action: 'read', method: 'GET' }
const write: Signed = { action: 'write', method: 'PUT' }
const remove: Signed = { action: 'write', method: 'DELETE' }

const hourMs = 3_600_000
const onAzure = (why: string) => ({ 'azure (delegation)': why, 'azure (account key)': why })
const query =
  (edit: (query: string) => string) =>
  (request: RawRequest): RawRequest => {
    const [path = '', text = ''] = request.url.split('?')
    return { ...request, url: `${path}?${edit(text)}` }
  }
const header =
  (name: string, value: string | undefined) =>
  (request: RawRequest): RawRequest => {
    const { [name]: _, ...rest } = request.headers
    return { ...request, headers: value === undefined ? rest : { ...rest, [name]: value } }
  }
const method =
  (name: string) =>
  (request: RawRequest): RawRequest => ({ ...request, method: name })
/** Another body, with the length that it really has. */
const otherBody =
  (text: string) =>
  (request: RawRequest): RawRequest => ({
    ...request,
    body: Buffer.from(text),
    headers: { ...request.headers, 'content-length': String(text.length) },
  })
const markerName = /(^|&)(X-User|scid)=/

const noScid = { 'azure (account key)': 'a service SAS carries no requester' }
const sasNotMethod =
  'a SAS binds permissions, not a method; the answer names the method, and the log shows the operation'
const sasNotHeaders = 'a SAS binds no headers; `enforcement` says `verified-after`'

const works: Case[] = [
  {
    name: 'a read URL reads',
    signed: read,
    existing: true,
    expect: 'works',
    answer: { status: 200, body: 'stored' },
  },
  {
    name: 'a read URL reads a range',
    signed: read,
    existing: true,
    change: header('range', 'bytes=2-3'),
    expect: 'works',
    answer: { status: 206, body: 'or' },
  },
  {
    name: 'a HEAD URL looks',
    signed: { action: 'read', method: 'HEAD' },
    existing: true,
    expect: 'works',
    answer: { status: 200 },
  },
  { name: 'a write URL writes', signed: write, body: 'new', expect: 'works' },
  { name: 'a write URL overwrites', signed: write, existing: true, body: 'new', expect: 'works' },
  { name: 'a write URL writes an empty object', signed: write, body: '', expect: 'works' },
  { name: 'a delete URL deletes', signed: remove, existing: true, expect: 'works' },
  {
    name: 'a write URL with a content type writes',
    signed: { ...write, contentType: 'text/x-test; charset=utf-8' },
    body: 'new',
    expect: 'works',
  },
  {
    name: 'a write URL with an exact length writes that length',
    signed: { ...write, contentLength: 3 },
    body: 'new',
    expect: 'works',
  },
  { name: 'a create-only URL creates', signed: { ...write, createOnly: true }, body: 'new', expect: 'works' },
  {
    name: 'a read URL downloads under the name that was signed',
    signed: { ...read, downloadAs: 'täst "1".bin' },
    existing: true,
    expect: 'works',
    answer: { header: ['content-disposition', /attachment;.*filename\*=UTF-8''t%C3%A4st/i] },
  },
  {
    name: 'a URL works until shortly before its end',
    signed: { ...read, signedAt: -hourMs + 60_000, expiresAt: 60_000 },
    existing: true,
    expect: 'works',
  },
  {
    name: 'headers that were not signed and mean nothing to the store do no harm',
    signed: read,
    existing: true,
    change: header('accept-language', 'de'),
    expect: 'works',
  },
  {
    name: 'a URL of a requester with an awkward name works',
    signed: {
      ...read,
      marker: {
        username: "o'brien+ä/b%c=d&e f@x",
        pseudonym: 'p',
        scid: '0b0b0b0b-0000-5000-8000-000000000001',
        grantId: 'g',
      },
    },
    existing: true,
    expect: 'works',
  },
]

const refused: Case[] = [
  {
    name: 'another method: a read URL does not write',
    signed: read,
    existing: true,
    change: method('PUT'),
    body: 'evil',
    expect: 'refused',
  },
  {
    name: 'another method: a read URL does not delete',
    signed: read,
    existing: true,
    change: method('DELETE'),
    expect: 'refused',
  },
  {
    name: 'another method: a write URL does not read',
    signed: write,
    existing: true,
    change: method('GET'),
    expect: 'refused',
  },
  {
    name: 'another method: a write URL does not delete',
    signed: write,
    existing: true,
    change: method('DELETE'),
    expect: 'refused',
  },
  {
    name: 'another method: a delete URL does not write',
    signed: remove,
    existing: true,
    change: method('PUT'),
    body: 'evil',
    expect: 'refused',
  },
  {
    name: 'another method: a HEAD URL does not read',
    signed: { action: 'read', method: 'HEAD' },
    existing: true,
    change: method('GET'),
    expect: 'refused',
    accepts: onAzure(sasNotMethod),
  },
  {
    name: 'another key',
    signed: read,
    existing: true,
    change: (request, { key, otherKey, encode }) => ({
      ...request,
      url: request.url.replace(encode(key), encode(otherKey)),
    }),
    expect: 'refused',
  },
  {
    name: 'another key to write',
    signed: write,
    body: 'evil',
    change: (request, { key, otherKey, encode }) => ({
      ...request,
      url: request.url.replace(encode(key), encode(otherKey)),
    }),
    expect: 'refused',
  },
  {
    name: "another team's key",
    signed: read,
    existing: true,
    change: (request, { key, otherTeamKey, encode }) => ({
      ...request,
      url: request.url.replace(encode(key), encode(otherTeamKey)),
    }),
    expect: 'refused',
  },
  {
    name: 'a climb out of the prefix in the path',
    signed: read,
    existing: true,
    change: (request, { key, encode }) => ({
      ...request,
      url: request.url.replace(encode(key), `${encode(key)}/../../other/x`),
    }),
    expect: 'refused',
  },
  {
    name: 'a list of the bucket with a read URL',
    signed: read,
    existing: true,
    change: (request, { key, encode }) => ({ ...request, url: request.url.replace(`/${encode(key)}`, '') }),
    expect: 'refused',
  },
  {
    name: 'later than expiry',
    signed: { ...read, signedAt: -2 * hourMs, expiresAt: -hourMs },
    existing: true,
    expect: 'refused',
  },
  {
    name: 'later than expiry, to write',
    signed: { ...write, signedAt: -2 * hourMs, expiresAt: -1000 },
    body: 'evil',
    expect: 'refused',
  },
  {
    name: 'a stretched expiry',
    signed: { ...read, signedAt: -2 * hourMs, expiresAt: -hourMs },
    existing: true,
    change: query((text) =>
      text.replace(/(Expires=)\d+/, '$1604800').replace(/(^|&)se=[^&]*/, '$1se=2099-01-01T00%3A00%3A00Z'),
    ),
    expect: 'refused',
  },
  {
    name: 'the marker changed',
    signed: read,
    existing: true,
    change: query((text) =>
      text
        .replace(markerName, '$1$2=mallory')
        .replace(/=mallory[^&]*/, '=11111111-1111-5111-8111-111111111111'),
    ),
    expect: 'refused',
    notOn: noScid,
  },
  {
    name: 'the marker removed',
    signed: read,
    existing: true,
    change: query((text) => text.replace(/(^|&)(X-User|scid)=[^&]*/, '').replace(/^&/, '')),
    expect: 'refused',
    notOn: noScid,
  },
  {
    name: 'the marker doubled, appended',
    signed: read,
    existing: true,
    change: query((text) => `${text}&${/scid=/.test(text) ? 'scid' : 'X-User'}=mallory`),
    expect: 'refused',
    notOn: noScid,
  },
  {
    name: 'the marker doubled, in front',
    signed: read,
    existing: true,
    change: query((text) => `${/scid=/.test(text) ? 'scid' : 'X-User'}=mallory&${text}`),
    expect: 'refused',
    notOn: noScid,
    accepts: {
      rgw: 'Ceph keeps the last value, so the signature still matches, and logs both: a log reader must take more than one marker for tampering',
    },
  },
  {
    name: 'the marker re-cased',
    signed: read,
    existing: true,
    change: query((text) => text.replace('X-User=', 'x-user=').replace(/(^|&)scid=/, '$1SCID=')),
    expect: 'refused',
    notOn: noScid,
  },
  {
    name: 'an extra parameter',
    signed: read,
    existing: true,
    change: query((text) => `${text}&x-extra=1`),
    expect: 'refused',
    accepts: onAzure('Azure ignores parameters that it does not know; nothing is granted by one'),
  },
  {
    name: 'an extra subresource',
    signed: write,
    body: 'evil',
    change: query((text) => `${text}&acl`),
    expect: 'refused',
    accepts: onAzure('Azure ignores parameters that it does not know; nothing is granted by one'),
  },
  { name: 'no query at all', signed: read, existing: true, change: query(() => ''), expect: 'refused' },
  {
    name: 'a changed signature',
    signed: read,
    existing: true,
    change: query((text) =>
      text.replace(
        /(Signature=|sig=)(.)/,
        (_all, name: string, first: string) => `${name}${first === 'a' ? 'b' : 'a'}`,
      ),
    ),
    expect: 'refused',
  },
  {
    name: 'no signature',
    signed: read,
    existing: true,
    change: query((text) => text.replace(/(^|&)(X-\w+-Signature|sig)=[^&]*/, '')),
    expect: 'refused',
  },
  {
    name: 'permissions raised',
    signed: read,
    existing: true,
    change: (request) => ({
      ...query((text) => text.replace(/(^|&)sp=r/, '$1sp=rw'))(request),
      method: 'PUT',
      body: Buffer.from('evil'),
    }),
    expect: 'refused',
  },
  {
    name: 'another content type than signed',
    signed: { ...write, contentType: 'text/plain' },
    body: 'evil',
    change: (request) =>
      header(
        request.headers['content-type'] ? 'content-type' : 'x-ms-blob-content-type',
        'text/html',
      )(request),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'no content type where one was signed',
    signed: { ...write, contentType: 'text/plain' },
    body: 'evil',
    change: (request) =>
      header('x-ms-blob-content-type', undefined)(header('content-type', undefined)(request)),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'a larger body than signed',
    signed: { ...write, contentLength: 3 },
    body: 'new',
    change: otherBody('far more than that'),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'a smaller body than signed',
    signed: { ...write, contentLength: 3 },
    body: 'new',
    change: otherBody('x'),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'a create-only URL on what exists',
    signed: { ...write, createOnly: true },
    existing: true,
    body: 'evil',
    expect: 'refused',
  },
  {
    name: 'a create-only URL without its header',
    signed: { ...write, createOnly: true },
    existing: true,
    body: 'evil',
    change: (request) =>
      header('x-goog-if-generation-match', undefined)(header('if-none-match', undefined)(request)),
    expect: 'refused',
  },
  {
    name: 'another body than the MD5 that was signed',
    signed: { ...write, checksum: { algorithm: 'md5', value: '1B2M2Y8AsgTpgAmY7PhCfg==' } },
    body: 'evil',
    expect: 'refused',
  },
  {
    name: 'a copy by an unsigned copy-source header',
    signed: write,
    body: '',
    change: (request, { otherTeamKey, encode }) => {
      const source = new URL(request.url).pathname.startsWith('/bucket/')
        ? `/bucket/${encode(otherTeamKey)}`
        : `/bucket/${encode(otherTeamKey)}`
      return {
        ...request,
        headers: { ...request.headers, 'x-amz-copy-source': source, 'x-goog-copy-source': source },
      }
    },
    expect: 'refused',
    accepts: {
      rgw: 'Ceph copies what the credential may read: give each team a credential of its own that reaches its prefix only (next test)',
    },
    notOn: onAzure('the source of a copy needs an authorisation of its own on Azure'),
  },
  {
    name: 'an object made public by an unsigned header',
    signed: write,
    body: 'evil',
    change: (request) => header('x-amz-acl', 'public-read')(header('x-goog-acl', 'public-read')(request)),
    expect: 'refused',
    notOn: onAzure('Azure has no ACL by header on blobs'),
  },
  {
    name: 'a URL of another deployment (another secret)',
    signed: read,
    existing: true,
    change: query((text) =>
      text.replace(
        /(Signature=|sig=)[^&]*/,
        (_all, name: string) =>
          `${name}${name === 'sig=' ? encodeURIComponent(Buffer.alloc(32, 7).toString('base64')) : '0'.repeat(64)}`,
      ),
    ),
    expect: 'refused',
  },
  {
    name: 'a part URL for another part',
    signed: { ...write, part: { storeUploadId: '', partNumber: 1 } },
    body: 'evil',
    change: query((text) =>
      text
        .replace('partNumber=1', 'partNumber=2')
        .replace(
          /blockid=[^&]*/,
          `blockid=${encodeURIComponent(Buffer.from('another-block-id-000000000000001').toString('base64'))}`,
        ),
    ),
    expect: 'refused',
    accepts: onAzure(
      'a SAS binds no block id; only blocks that this upload planned are put together at completion',
    ),
  },
  {
    name: 'a part URL for the whole object',
    signed: { ...write, part: { storeUploadId: '', partNumber: 1 } },
    body: 'evil',
    change: (request) =>
      header(
        'x-ms-blob-type',
        'BlockBlob',
      )(
        query((text) => text.replace(/(^|&)(partNumber|uploadId|comp|blockid)=[^&]*/g, '').replace(/^&/, ''))(
          request,
        ),
      ),
    expect: 'refused',
    accepts: onAzure('a SAS with `w` opens the blob, not one block; the key is the same'),
  },
  {
    name: 'a part URL to read',
    signed: { ...write, part: { storeUploadId: '', partNumber: 1 } },
    change: method('GET'),
    expect: 'refused',
  },
  { name: 'a POST with a write URL', signed: write, body: 'evil', change: method('POST'), expect: 'refused' },
  {
    name: 'a date in the far future',
    signed: { ...read, signedAt: 2 * 24 * hourMs, expiresAt: 2 * 24 * hourMs + hourMs },
    existing: true,
    expect: 'refused',
    accepts: { rgw: 'Ceph accepts a date in the future; Signpost signs with its own clock only' },
    notOn: onAzure('a SAS has no date of signing; its start is left out'),
  },
]

export const cases: readonly Case[] = [...works, ...refused, ...guardCases]
