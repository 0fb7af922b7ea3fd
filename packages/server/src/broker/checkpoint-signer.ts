/** Which key signs the next checkpoint, and which it announces. */
import type { KeyObject } from 'node:crypto'
import { publicKeyText, SignpostError, type CheckpointKey } from '@signpost/contract'
import { privateKeyOf, privateKeyText, publicHalf, readPrivateKey } from '../audit/checkpoint-crypto.ts'
import {
  insertCheckpointKey,
  listCheckpointKeys,
  type CheckpointKeyRow,
  type CheckpointRow,
} from '../store/checkpoints.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, SecretBox } from './deps.ts'

export type SignerDeps = Pick<
  BrokerDeps,
  'store' | 'secretBox' | 'randomBytes' | 'newId' | 'clock' | 'checkpointKeys'
>

export interface SigningKey extends CheckpointKey {
  /** As `publicKeyText` writes it. */
  text: string
  privateKey: KeyObject
}

export interface Signer {
  origin: string
  key: SigningKey
  /** Signs from the next checkpoint on. */
  next: SigningKey | undefined
  /** Keeps a key that was made for this. */
  statements: Statement[]
}

/** Throws `credential_unavailable` where the key that has to sign is not there, and `conflict` where it is not ours to make a new one. */
export async function signerOf(
  deps: SignerDeps,
  newest: Pick<CheckpointRow, 'public_key' | 'next_key'> | undefined,
  rotateKey: boolean,
): Promise<Signer> {
  const { randomBytes: bytes } = deps
  const { given, previous } = deps.checkpointKeys ?? {}
  if (given && rotateKey)
    throw new SignpostError(
      'conflict',
      'The key comes from SIGNPOST_CHECKPOINT_KEY: give the new one there, and this one as SIGNPOST_CHECKPOINT_KEY_PREVIOUS.',
    )
  const current = newest && (newest.next_key || newest.public_key)
  const origin = current?.split('+')[0] ?? `signpost/${deps.newId()}`
  const held = await heldKeys(deps, origin)
  const present = current === undefined ? undefined : held.find(({ text }) => text === current)
  const statements: Statement[] = []
  const made = () => {
    const key = signingKey(origin, privateKeyOf(bytes(32)))
    const sealed_key = deps.secretBox.seal(privateKeyText(key.privateKey), bindingOf(key.text))
    statements.push(
      insertCheckpointKey(deps.store.db, { public_key: key.text, sealed_key, created_at: deps.clock() }),
    )
    return key
  }
  const isOwn = present?.isGiven === false
  const wanted = given ? signingKey(origin, given) : isOwn && !rotateKey ? present : undefined
  if (current === undefined || (present === undefined && previous === 'lost'))
    return { origin, key: wanted ?? made(), next: undefined, statements }
  if (!present)
    throw new SignpostError(
      'credential_unavailable',
      `No checkpoint can be signed: the key ${current} is not there. Give it as SIGNPOST_CHECKPOINT_KEY_PREVIOUS, or the master key that sealed it; if it is lost for good, set SIGNPOST_CHECKPOINT_KEY_PREVIOUS=lost.`,
    )
  const next = wanted ?? made()
  return { origin, key: present, next: next.text === present.text ? undefined : next, statements }
}

/** Does this server have the private half? */
export async function holdsKey(deps: SignerDeps, publicKey: string): Promise<boolean> {
  const held = await heldKeys(deps, publicKey.split('+')[0] ?? '')
  return held.some(({ text }) => text === publicKey)
}

async function heldKeys(
  { store, secretBox, checkpointKeys: { given, previous } = {} }: SignerDeps,
  origin: string,
): Promise<(SigningKey & { isGiven: boolean })[]> {
  const own = (await listCheckpointKeys(store.db)).flatMap((row) => openKey(row, secretBox) ?? [])
  const outside = [given, previous].filter((key) => typeof key === 'object')
  return [
    ...outside.map((key) => ({ ...signingKey(origin, key), isGiven: true })),
    ...own.map((key) => ({ ...signingKey(origin, key), isGiven: false })),
  ]
}

function signingKey(origin: string, privateKey: KeyObject): SigningKey {
  const key = publicHalf(origin, privateKey)
  return { ...key, text: publicKeyText(key), privateKey }
}

/** Undefined: no master key given opens it. */
function openKey({ public_key, sealed_key }: CheckpointKeyRow, secretBox: SecretBox): KeyObject | undefined {
  try {
    return readPrivateKey(secretBox.open(sealed_key, bindingOf(public_key)))
  } catch (error) {
    if (error instanceof SignpostError) return undefined
    throw error
  }
}

export function resealedKey({ public_key, sealed_key }: CheckpointKeyRow, secretBox: SecretBox): string {
  return secretBox.seal(secretBox.open(sealed_key, bindingOf(public_key)), bindingOf(public_key))
}

/** How many are sealed with the master key before the present one: for a warning at the start. */
export async function countKeysOfMasterKeyBefore({
  store,
  secretBox,
}: Pick<BrokerDeps, 'store' | 'secretBox'>): Promise<number> {
  const rows = await listCheckpointKeys(store.db)
  return rows.filter((row) => !secretBox.isPresent(row.sealed_key) && openKey(row, secretBox)).length
}

function bindingOf(publicKey: string): string {
  return `checkpoint-key:${publicKey}`
}
