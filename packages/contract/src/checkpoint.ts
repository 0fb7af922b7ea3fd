/**
 * Signed checkpoints of the audit trail: signed notes (c2sp.org/signed-note) whose text says how far every chain has come.
 * No clock, no key and no library here: what hashes and what checks signatures comes in.
 */
import type { Sha256Hex } from './audit-chain.ts'
import { bytesFromBase64, base64OfBytes, bytesFromHex } from './base64.ts'

export const checkpointHeader = 'signpost audit checkpoint v1'
/** `previous` of the first checkpoint. */
export const noCheckpoint = '0'.repeat(64)
/** Signature type of Ed25519, by c2sp.org/signed-note. */
const ed25519 = 1

export interface CheckpointHead {
  chain: string
  seq: number
  hash: string
}

/** What a checkpoint says. */
export interface Checkpoint {
  /** Of which deployment: also the name of its keys. */
  origin: string
  /** From 1, without gaps. */
  number: number
  /** ISO 8601, UTC, ms */
  at: string
  /** Digest of the checkpoint before. */
  previous: string
  /** The key that signs this one, as `publicKeyText` writes it. */
  key: string
  /** The key that signs from the next one on, where it is another. */
  nextKey?: string
  /** How many chains there are, and the digest of all their heads. */
  chains: number
  chainsDigest: string
  /** Those that were not so in the checkpoint before, in the order of their names. */
  heads: readonly CheckpointHead[]
}

export interface CheckpointCrypto {
  sha256Hex: Sha256Hex
  sha256HexOfBytes(bytes: Uint8Array): string
  /** Ed25519 (RFC 8032) over the text's UTF-8. `publicKey`: 32 bytes. */
  isSigned(publicKey: Uint8Array, text: string, signature: Uint8Array): boolean
}

export interface CheckpointKey {
  /** Name and id as they stand in a signature line's tuple. */
  name: string
  /** 4 bytes, hex */
  id: string
  publicKey: Uint8Array
}

/** The text that is signed. */
export function checkpointText(checkpoint: Checkpoint): string {
  const { origin, number, at, previous, key, nextKey, chains, chainsDigest, heads } = checkpoint
  const lines = [
    checkpointHeader,
    `origin ${origin}`,
    `number ${number}`,
    `time ${at}`,
    `previous ${previous}`,
    `key ${key}`,
    ...(nextKey === undefined ? [] : [`next-key ${nextKey}`]),
    `chains ${chains} ${chainsDigest}`,
    ...heads.map((head) => `chain ${headLine(head)}`),
  ]
  return `${lines.join('\n')}\n`
}

/** Digest of the heads of all chains, whatever order they come in. */
export function digestOfHeads(heads: Iterable<CheckpointHead>, sha256Hex: Sha256Hex): string {
  return sha256Hex(
    [...heads]
      .toSorted(byChain)
      .map((head) => `${headLine(head)}\n`)
      .join(''),
  )
}

/** By code units: the same everywhere. */
export function byChain(one: CheckpointHead, other: CheckpointHead): number {
  return one.chain < other.chain ? -1 : Number(one.chain > other.chain)
}

function headLine({ chain, seq, hash }: CheckpointHead): string {
  return `${chain} ${seq} ${hash}`
}

const hex = '[0-9a-f]{64}'
const whole = '[1-9][0-9]{0,14}'
const key = String.raw`[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}`
const preamble = new RegExp(
  [
    `^${checkpointHeader}`,
    String.raw`origin (?<origin>[^\s+]+)`,
    `number (?<number>${whole})`,
    String.raw`time (?<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)`,
    `previous (?<previous>${hex})`,
    `key (?<key>${key})`,
    `(?:next-key (?<nextKey>${key})\n)?chains (?<chains>0|${whole}) (?<chainsDigest>${hex})\n`,
  ].join('\n'),
  'u',
)
const headForm = new RegExp(`^chain ([0-9A-Za-z-]{1,64}) (${whole}) (${hex})$`, 'u')

/** Undefined: it is no checkpoint's text, to the byte. */
export function readCheckpointText(text: string): Checkpoint | undefined {
  const found = preamble.exec(text)
  const heads = found && readHeads(text.slice(found[0].length))
  if (!found?.groups || !heads) return undefined
  const { origin = '', number, at = '', previous = '', nextKey, chains, chainsDigest = '' } = found.groups
  return {
    origin,
    number: Number(number),
    at,
    previous,
    key: found.groups['key'] ?? '',
    ...(nextKey === undefined ? {} : { nextKey }),
    chains: Number(chains),
    chainsDigest,
    heads,
  }
}

/** Line by line: one expression for all of them would take a stack as deep as there are chains. */
function readHeads(text: string): CheckpointHead[] | undefined {
  const lines = text.split('\n')
  if (lines.pop() !== '') return undefined
  const heads: CheckpointHead[] = []
  for (const line of lines) {
    const [, chain = '', seq, hash = ''] = headForm.exec(line) ?? []
    if (seq === undefined) return undefined
    heads.push({ chain, seq: Number(seq), hash })
  }
  return heads
}

/** `<name>+<id>+<base64 of the type and the key>`, as for signed notes. */
export function publicKeyText({ name, id, publicKey }: CheckpointKey): string {
  return `${name}+${id}+${base64OfBytes(Uint8Array.of(ed25519, ...publicKey))}`
}

export function checkpointKey(name: string, publicKey: Uint8Array, crypto: CheckpointCrypto): CheckpointKey {
  const beginning = new TextEncoder().encode(`${name}\n`)
  const id = crypto.sha256HexOfBytes(Uint8Array.of(...beginning, ed25519, ...publicKey)).slice(0, 8)
  return { name, id, publicKey }
}

/** Undefined: it is no Ed25519 key, or its id is not that of its name and bytes. */
export function readPublicKey(text: string, crypto: CheckpointCrypto): CheckpointKey | undefined {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/u.exec(text) ?? []
  const bytes = encoded === undefined ? undefined : bytesFromBase64(encoded)
  if (name === undefined || bytes?.[0] !== ed25519 || bytes.length !== 33) return undefined
  const found = checkpointKey(name, bytes.slice(1), crypto)
  return found.id === id ? found : undefined
}

/** The whole signed note. */
export function checkpointNote(text: string, { name, id }: CheckpointKey, signature: Uint8Array): string {
  return `${text}\n— ${name} ${base64OfBytes(Uint8Array.of(...bytesFromHex(id), ...signature))}\n`
}

export interface ReadNote {
  text: string
  signatures: { name: string; id: string; signature: Uint8Array }[]
}

/** Undefined: it is no signed note. A signature's encoding is taken only as it is written here: no two texts are the same note. */
export function readNote(note: string): ReadNote | undefined {
  const end = note.lastIndexOf('\n\n')
  const lines = note.slice(end + 2).split('\n')
  if (end === -1 || lines.length < 2 || lines.pop() !== '') return undefined
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? []
    const bytes = bytesFromBase64(encoded)
    if (bytes === undefined || bytes.length < 5) return undefined
    const id = Array.from(bytes.slice(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('')
    return { name, id, signature: bytes.slice(4) }
  })
  if (!signatures.every((one) => one !== undefined)) return undefined
  return { text: note.slice(0, end + 1), signatures }
}

/** Notes that stand one after another in a file, as `fileOfNotes` writes them; what is none of it comes as it stands. */
export function notesInFile(text: string): string[] {
  return text
    .split(new RegExp(`(?<=\n)(?=${checkpointHeader}\n)`))
    .filter((part) => part !== '')
    .map((part) => (part.endsWith('\n\n') ? part.slice(0, -1) : part))
}

/** How a note stands in a file: an empty line follows it. */
export function noteInFile(note: string): string {
  return `${note}\n`
}
