/** What a URL or a form holds its writer to. Half of it is refusals, as in `cases.ts`. */
import { createHash } from 'node:crypto'
import type { Case, Signed } from './cases.ts'
import type { RawRequest } from './send.ts'

const write: Signed = { action: 'write', method: 'PUT' }
const form: Signed = { action: 'write', method: 'POST' }
const range = { min: 2, max: 5 }

const onAzure = (why: string) => ({ 'azure (delegation)': why, 'azure (account key)': why })
const onGcs = (why: string) => ({ 'gcs (rsa)': why, 'gcs (hmac)': why })
const onUnknownS3 = (why: string) => ({ 'local-store': why, rgw: why })
const noForms = onAzure('Azure has no forms: Signpost refuses to sign one')
const sasNotHeaders = 'a SAS binds no headers; `enforcement` says `verified-after`'
const after = (why: string) => `${why}; \`enforcement\` says \`verified-after\``

const digest = (algorithm: 'md5' | 'sha256', text: string) => ({
  checksum: { algorithm, value: createHash(algorithm).update(text).digest('base64') },
})
/** CRC-32C of `123456789`, the check value of RFC 3720. */
const digits = { checksum: { algorithm: 'crc32c' as const, value: '4waSgw==' } }

const noTags = {
  ...onGcs('Google’s objects have no tags; `enforcement` says `none`'),
  'local-store': 'the embedded store has no tags: it answers 501',
} as const

/** Changes one field of a form; undefined takes it out, a name that is not there is added. */
const field =
  (name: string, value: string | undefined) =>
  (request: RawRequest): RawRequest => {
    const { fields = {} } = request
    const same = Object.keys(fields).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name
    const { [same]: _, ...rest } = fields
    return { ...request, fields: value === undefined ? rest : { ...rest, [same]: value } }
  }
/** The first of these headers that the URL came with. */
const anyHeader =
  (names: RegExp, value: string | undefined) =>
  (request: RawRequest): RawRequest => {
    const entries = Object.entries(request.headers).flatMap(([name, old]) =>
      names.test(name) ? (value === undefined ? [] : [[name, value]]) : [[name, old]],
    )
    return { ...request, headers: Object.fromEntries(entries) as Record<string, string> }
  }
const withHeader =
  (name: string, value: string) =>
  (request: RawRequest): RawRequest => ({ ...request, headers: { ...request.headers, [name]: value } })

const works: Case[] = [
  {
    name: 'a form writes',
    signed: form,
    body: 'new',
    expect: 'works',
    answer: { status: 201 },
    notOn: noForms,
  },
  {
    name: 'a form writes a file of each size that its range allows',
    signed: { ...form, contentLengthRange: { min: 3, max: 3 }, contentType: 'text/x-test' },
    body: 'new',
    expect: 'works',
    notOn: noForms,
  },
  {
    name: 'a form overwrites',
    signed: form,
    existing: true,
    body: 'new',
    expect: 'works',
    notOn: noForms,
  },
  {
    name: 'a form with what the policy sets writes',
    signed: { ...form, writes: { metadata: { origin: 'signpost' } } },
    body: 'new',
    expect: 'works',
    notOn: noForms,
  },
  {
    name: 'what is changed in the URL of a form is not signed, and is of no use',
    signed: form,
    body: 'new',
    change: (request) => ({ ...request, url: request.url.replace('X-User=alice', 'X-User=mallory') }),
    expect: 'works',
    notOn: noForms,
  },
  {
    name: 'a range with PUT takes what is within',
    signed: { ...write, contentLengthRange: range },
    body: 'new',
    expect: 'works',
  },
  {
    name: 'the MD5 that was signed',
    signed: { ...write, ...digest('md5', 'right') },
    body: 'right',
    expect: 'works',
  },
  {
    name: 'the SHA-256 that was signed',
    signed: { ...write, ...digest('sha256', 'right') },
    body: 'right',
    expect: 'works',
  },
  { name: 'the CRC32C that was signed', signed: { ...write, ...digits }, body: '123456789', expect: 'works' },
  {
    name: 'metadata of the policy is written',
    signed: { ...write, writes: { metadata: { origin: 'signpost' } } },
    body: 'new',
    expect: 'works',
  },
  {
    name: 'a storage class of the policy is written',
    signed: { ...write, writes: { storageClass: 'STANDARD' } },
    body: 'new',
    expect: 'works',
    notOn: onAzure('its classes are access tiers: the next case'),
  },
  {
    name: 'an access tier of the policy is written',
    signed: { ...write, writes: { storageClass: 'Cool' } },
    body: 'new',
    expect: 'works',
    notOn: { ...onGcs('Azure alone'), ...onUnknownS3('Azure alone') },
  },
  {
    name: 'tags of the policy are written',
    signed: { ...write, writes: { tags: { 'cost center': 'a b+c/d=e' } } },
    body: 'new',
    expect: 'works',
    notOn: noTags,
  },
]

const refusedForms: Case[] = (
  [
    {
      name: 'a form with too large a file',
      signed: { ...form, contentLengthRange: range },
      body: 'far too large',
    },
    { name: 'a form with too small a file', signed: { ...form, contentLengthRange: range }, body: 'x' },
    {
      name: 'a form with a file that has another length than was said',
      signed: { ...form, contentLength: 3 },
      body: 'four',
    },
    {
      name: 'a form for another key',
      change: (request, { otherKey }) => field('key', otherKey)(request),
    },
    {
      name: "a form for another team's key",
      change: (request, { otherTeamKey }) => field('key', otherTeamKey)(request),
    },
    {
      name: 'a form whose key is made of the name of the file',
      change: (request, { key }) => field('key', `${key}/\${filename}`)(request),
    },
    {
      name: 'a form with another content type',
      signed: { ...form, contentType: 'text/plain' },
      change: field('content-type', 'text/html'),
    },
    {
      name: 'a form without the content type that was signed',
      signed: { ...form, contentType: 'text/plain' },
      change: field('content-type', undefined),
    },
    { name: 'a form with a content type that was not signed', change: field('content-type', 'text/html') },
    { name: 'a form after its end', signed: { ...form, signedAt: -7_200_000, expiresAt: -3_600_000 } },
    {
      name: 'a form with a stretched policy',
      change: (request) => {
        const policy =
          Object.entries(request.fields ?? {}).find(([name]) => /^policy$/i.test(name))?.[1] ?? ''
        const wider = Buffer.from(policy, 'base64')
          .toString()
          .replace(/"expiration":"\d{4}/, '"expiration":"2099')
        return field('policy', Buffer.from(wider).toString('base64'))(request)
      },
    },
    {
      name: 'a form with another signature',
      change: (request) => {
        const name = Object.keys(request.fields ?? {}).find((one) => /signature$/i.test(one)) ?? ''
        return field(name, '0'.repeat(64))(request)
      },
    },
    { name: 'a form without its policy', change: field('policy', undefined) },
    { name: 'a form with a further field', change: field('x-amz-meta-more', 'x') },
    { name: 'a form that makes its object public', change: field('acl', 'public-read') },
    {
      name: 'a form that leads elsewhere when it is done',
      change: field('success_action_redirect', 'http://evil.example/'),
    },
    {
      name: 'a form that names another grant',
      change: (request) =>
        field(
          Object.keys(request.fields ?? {}).find((name) => name.endsWith('-meta-signpost-grant')) ?? '',
          'another',
        )(request),
    },
    {
      name: 'a form without the metadata of the policy',
      signed: { ...form, writes: { metadata: { origin: 'signpost' } } },
      change: (request) =>
        field(
          Object.keys(request.fields ?? {}).find((name) => name.endsWith('-meta-origin')) ?? '',
          undefined,
        )(request),
    },
  ] satisfies Partial<Case>[]
).map((found) => ({ signed: form, body: 'evil', ...found, expect: 'refused', notOn: noForms }))

const refused: Case[] = [
  {
    name: 'a body larger than its range',
    signed: { ...write, contentLengthRange: range },
    body: 'far too large',
    expect: 'refused',
    accepts: {
      ...onUnknownS3(after('S3 has ranges in forms only')),
      ...onAzure(sasNotHeaders),
    },
  },
  {
    name: 'a body smaller than its range',
    signed: { ...write, contentLengthRange: range },
    body: 'x',
    expect: 'refused',
    accepts: {
      ...onUnknownS3(after('S3 has ranges in forms only')),
      ...onAzure(sasNotHeaders),
    },
  },
  {
    name: 'a body without the range that was signed',
    signed: { ...write, contentLengthRange: range },
    body: 'far too large',
    change: anyHeader(/^(x-goog-content-length-range|x-(amz|ms)-meta-signpost[-_]grant)$/, undefined),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'another body than the SHA-256 that was signed',
    signed: { ...write, ...digest('sha256', 'right') },
    body: 'wrong',
    expect: 'refused',
    accepts: {
      rgw: after('Ceph does not compare it'),
      ...onGcs(after('Google has no such digest')),
      ...onAzure(sasNotHeaders),
    },
  },
  {
    name: 'another body than the CRC32C that was signed',
    signed: { ...write, ...digits },
    body: 'wrong',
    expect: 'refused',
    accepts: { rgw: after('Ceph does not compare it'), ...onAzure(sasNotHeaders) },
  },
  {
    name: 'a body without the digest that was signed',
    signed: { ...write, ...digest('md5', 'right') },
    body: 'wrong',
    change: anyHeader(/^content-md5$/, undefined),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'another storage class than the policy sets',
    signed: { ...write, writes: { storageClass: 'STANDARD' } },
    body: 'evil',
    change: anyHeader(/storage-class$|access-tier$/, 'REDUCED_REDUNDANCY'),
    expect: 'refused',
    notOn: onAzure('its classes are access tiers: the next case'),
  },
  {
    name: 'no access tier where the policy sets one',
    signed: { ...write, writes: { storageClass: 'Cool' } },
    body: 'evil',
    change: anyHeader(/access-tier$/, undefined),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
    notOn: { ...onGcs('Azure alone'), ...onUnknownS3('Azure alone') },
  },
  {
    name: 'a storage class that nobody set',
    signed: write,
    body: 'evil',
    change: (request) =>
      withHeader('x-goog-storage-class', 'NEARLINE')(withHeader('x-amz-storage-class', 'STANDARD')(request)),
    expect: 'refused',
    accepts: {
      rgw: 'Ceph takes unsigned x-amz- headers: set a storage class in the policy, and it is signed',
    },
    notOn: onAzure('headers of other stores mean nothing there'),
  },
  {
    name: 'other metadata than the policy sets',
    signed: { ...write, writes: { metadata: { origin: 'signpost' } } },
    body: 'evil',
    change: anyHeader(/-meta-origin$/, 'elsewhere'),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'no metadata where the policy sets some',
    signed: { ...write, writes: { metadata: { origin: 'signpost' } } },
    body: 'evil',
    change: anyHeader(/-meta-origin$/, undefined),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
  },
  {
    name: 'other tags than the policy sets',
    signed: { ...write, writes: { tags: { 'cost center': 'a b+c/d=e' } } },
    body: 'evil',
    change: anyHeader(/-(tagging|tags)$/, 'a=b'),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
    notOn: noTags,
  },
  {
    name: 'no tags where the policy sets some',
    signed: { ...write, writes: { tags: { 'cost center': 'a b+c/d=e' } } },
    body: 'evil',
    change: anyHeader(/-(tagging|tags)$/, undefined),
    expect: 'refused',
    accepts: onAzure(sasNotHeaders),
    notOn: noTags,
  },
]

export const guardCases: readonly Case[] = [...works, ...refusedForms, ...refused]
