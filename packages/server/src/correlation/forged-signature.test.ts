/** URLs with somebody else's name and a signature that no store looked at: whoever may read without one wrote them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNamed } from './formats/index.ts'
import { accessKeyId, type Access } from './formats/testing/made-access.ts'
import { access } from './formats/testing/mutate.ts'
import { makers } from './formats/testing/made-lines.ts'
import { matchAccess } from './match-access.ts'
import { grantFacts, knownBucket, matchInput } from './testing/facts.ts'
import type { GrantFacts } from './verdict.ts'

const signer = 'AKIAEXAMPLE'
const read: Access = { ...access, method: 'GET', status: 200 }
const grant = grantFacts({
  issuedAt: read.at,
  expiresAt: read.at + 3_600_000,
  grantId: read.grantId,
  bucket: read.bucket,
  key: read.key,
  marker: read.username,
  signer,
})

function judged(format: string, text: string, context: object, over: Partial<GrantFacts> = {}) {
  const parsed = formatNamed(format)!.parse(text.replaceAll(accessKeyId, signer), context)
  assert.equal(parsed.outcome, 'record', text)
  const kind = format === 'gcs-usage' ? 'gcs' : 's3'
  const bucket = knownBucket({ bucket: read.bucket, kind, signers: new Set([signer]) })
  const verdict = matchAccess(parsed.record, matchInput({ bucket, grant: { ...grant, ...over } }))
  return `${verdict.finding} ${verdict.username}`
}

/** As the store tells of a request without a signature. */
const unsigned: Record<string, (text: string) => string> = {
  's3-server-access': (text) =>
    text
      .replace(/arn:\S+/, '-')
      .replace('SigV4', '-')
      .replace('QueryString', '-'),
  'ceph-bucket-logging': (text) => text.replace(/arn:\S+/, 'anonymous'),
  'ceph-ops': (text) =>
    text
      .replace(`"access_key_id":"${accessKeyId}"`, '"access_key_id":""')
      .replace('"user":"signer"', '"user":"anonymous"'),
  minio: (text) => text.replace(`,"accessKey":"${accessKeyId}"`, ''),
  versitygw: (text) => text.replace(`"Requester":"${accessKeyId}"`, '"Requester":""'),
  coreweave: (text) => text.replace(`"accessKeyId":"${accessKeyId}",`, ''),
  'gcs-usage': (text) => text,
}

test('a name beside a signature that no store looks at is put down to nobody, in any log', () => {
  const tricks: ((query: string) => string)[] = [
    (query) => query.replaceAll(/X-(Amz|Goog)-(\w+)/g, (name) => name.toLowerCase()),
    (query) => query.replace(/X-(?:Amz|Goog)-Algorithm=[^&]*&/, ''),
    (query) => query.replace(/X-(Amz|Goog)-Algorithm/, 'X-$1-algorithm'),
    (query) => query.replace(/X-(?:Amz|Goog)-Signature/, 'Signature'),
    (query) => query.replace(/X-(?:Amz|Goog)-Signature/, 'sig'),
    (query) =>
      query
        .replace(/X-(?:Amz|Goog)-Credential=[^&]*/, `AWSAccessKeyId=${signer}`)
        .replace(/X-(?:Amz|Goog)-Signature/, 'Signature'),
  ]
  for (const [format, anonymous] of Object.entries(unsigned)) {
    const { make } = makers.find((one) => one.format === format)!
    const honest = make(read)
    assert.equal(judged(format, honest.text, honest.context), 'matched alice', format)
    for (const [index, trick] of tricks.entries()) {
      const { text, context } = make(read, trick)
      assert.notEqual(text, honest.text)
      assert.match(judged(format, anonymous(text), context), /^(?!matched).* null$/, `${format} ${index}`)
    }
  }
})

test('nor is it where the store itself says that nobody signed, whatever the URL says', () => {
  for (const format of ['s3-server-access', 'ceph-bucket-logging', 'ceph-ops']) {
    const { text, context } = makers.find((one) => one.format === format)!.make(read)
    assert.equal(judged(format, unsigned[format]!(text), context), 'not_issued_here null', format)
  }
})

test('a form of somebody else, sent to an address with a signature in it, is no form of the user it names', () => {
  const { text, context } = makers
    .find(({ format }) => format === 's3-server-access')!
    .make({ ...read, method: 'PUT' })
  const form = text.replace('"PUT /', '"POST /').replace('REST.PUT.OBJECT', 'REST.POST.OBJECT')
  assert.equal(
    judged('s3-server-access', form, context, { action: 'write', method: 'POST' }),
    'not_issued_here null',
  )
})

test('a path that is written otherwise does not take an access of Azure out of its container', () => {
  const { text } = makers.find(({ format }) => format === 'azure-resource')!.make(read)
  const parsed = formatNamed('azure-resource')!.parse(text.replace('.net/', '.net//'), {})
  assert.ok(parsed.outcome === 'record')
  const { bucket, key, doubts } = parsed.record
  assert.deepEqual([bucket, key, doubts], [read.bucket, read.key, ['key']])
})

test('a time of another century is none, and a request without an outcome is no success', () => {
  const make = makers.find(({ format }) => format === 's3-server-access')!.make
  for (const year of ['0001', '1999', '2100', '9999']) {
    const text = make(read).text.replace('/2026:', `/${year}:`)
    assert.deepEqual(formatNamed('s3-server-access')!.parse(text, {}), {
      outcome: 'unparsed',
      reason: 'time',
    })
  }
  const { text, context } = make(read)
  assert.equal(judged('s3-server-access', text.replace(' 200 - ', ' - - '), context), 'likely null')
})
