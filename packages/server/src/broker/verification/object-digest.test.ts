import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenConnector, StoredObject } from '../../domain/connector.ts'
import { compareDigest } from './object-digest.ts'

const object: StoredObject = { sizeBytes: 4, etag: '"e"', contentType: null, versionId: null }
const checksum = { algorithm: 'sha256', value: createHash('sha256').update('four').digest('base64') } as const

/** A bucket that is not honest about what it sends. */
function sending(chunks: () => AsyncGenerator<Uint8Array>) {
  return { kind: 's3', read: () => Promise.resolve(chunks()) } as unknown as OpenConnector
}

test('a store that sends more than it has told is not listened to', async () => {
  let sent = 0
  const endless = sending(async function* () {
    for (; sent < 1000; sent += 1) yield Buffer.from('four')
  })
  await assert.rejects(compareDigest(endless, 'k', object, checksum, 100), { code: 'conflict' })
  assert.ok(sent < 5, `${sent} chunks were read`)
})

test('one that sends too slowly leaves it open', async () => {
  const slow = sending(async function* () {
    for (let index = 0; index < 1000; index += 1) {
      await sleep(5)
      yield Buffer.alloc(0)
    }
  })
  assert.equal(await compareDigest(slow, 'k', object, checksum, 100, 30), 'unknown')
})

test('one that sends what it told is compared', async () => {
  const honest = (text: string) =>
    sending(async function* () {
      yield* Array.from(text).map((letter) => Buffer.from(letter))
    })
  assert.equal(await compareDigest(honest('four'), 'k', object, checksum, 4), 'same')
  assert.equal(await compareDigest(honest('FOUR'), 'k', object, checksum, 4), 'other')
  assert.equal(await compareDigest(honest('four'), 'k', object, checksum, 3), 'unknown')
  await assert.rejects(compareDigest(honest('fou'), 'k', object, checksum, 4), { code: 'conflict' })
})
