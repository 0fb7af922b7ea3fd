/** Checkpoints of a made-up trail of two chains, signed for tests. */
import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto'
import {
  checkpointKey,
  checkpointNote,
  checkpointText,
  digestOfHeads,
  noCheckpoint,
  publicKeyText,
  type CheckpointCrypto,
  type CheckpointHead,
} from '../checkpoint.ts'

export const crypto: CheckpointCrypto = {
  sha256Hex: (text) => hash('sha256', text),
  sha256HexOfBytes: (bytes) => hash('sha256', bytes),
  isSigned(publicKey, text, signature) {
    const x = Buffer.from(publicKey).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, Buffer.from(text), key, signature)
  },
}

/** The same key for the same number. */
export function keyFrom(number: number): KeyObject {
  const seed = Buffer.alloc(32, number)
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

export function signingKeyOf(origin: string, key: KeyObject) {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return checkpointKey(origin, Buffer.from(x, 'base64url'), crypto)
}

export interface TrailOptions {
  origin?: string
  /** By which key each is signed. */
  keys?: readonly KeyObject[]
  /** A key that differs from the one before was announced in the checkpoint before. */
  announced?: boolean
  /** Another text in the hashes from the fourth on. */
  fork?: string
  /** In this checkpoint a chain ends sooner than before. */
  cutAt?: number
  /** From this checkpoint on a chain is not there. */
  goneAt?: number
}

export interface Trail {
  notes: string[]
  publicKey: string
  publicKeyOf(key: KeyObject): string
  /** A checkpoint with this number that is right but for its key. */
  forge(number: number): string
}

export function createTrail(count: number, options: TrailOptions = {}): Trail {
  const { origin = 'signpost/test', keys = [], announced = false } = options
  const publicKeyOf = (key: KeyObject) => publicKeyText(signingKeyOf(origin, key))
  const texts: string[] = []
  const note = (number: number, key: KeyObject, nextKey?: KeyObject) => {
    const before = headsAt(number - 1, options)
    const heads = headsAt(number, options)
    const text = checkpointText({
      origin,
      number,
      at: `2026-11-23T10:00:0${number}.000Z`,
      previous: number === 1 ? noCheckpoint : hash('sha256', texts[number - 2]!),
      key: publicKeyOf(key),
      ...(nextKey ? { nextKey: publicKeyOf(nextKey) } : {}),
      chains: heads.length,
      chainsDigest: digestOfHeads(heads, crypto.sha256Hex),
      heads: heads.filter((head) => !before.some(({ hash: same }) => same === head.hash)),
    })
    texts[number - 1] ??= text
    return checkpointNote(text, signingKeyOf(origin, key), sign(null, Buffer.from(text), key))
  }
  const keyAt = (number: number) => keys[number - 1] ?? keyFrom(1)
  const notes = Array.from({ length: count }, (_, index) => {
    const next = keys[index + 1]
    const isNew = announced && next !== undefined && next !== keys[index]
    return note(index + 1, keyAt(index + 1), isNew ? next : undefined)
  })
  return {
    notes,
    publicKey: publicKeyOf(keyAt(1)),
    publicKeyOf,
    forge: (number) => note(number, keyFrom(99)),
  }
}

/** One chain grows all the time, the other at every second checkpoint. */
function headsAt(number: number, { fork = '', cutAt, goneAt }: TrailOptions): CheckpointHead[] {
  if (number === 0) return []
  const mark = number > 3 ? fork : ''
  const head = (chain: string, seq: number) => ({
    chain,
    seq,
    hash: hash('sha256', `${chain} ${seq} ${mark}`),
  })
  const all = [
    head('chain-a', number === cutAt ? 1 : number * 10),
    head('chain-b', 1 + Math.floor(number / 2)),
  ]
  return goneAt !== undefined && number >= goneAt ? all.slice(0, 1) : all
}
