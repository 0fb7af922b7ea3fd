/** Lines of an export without who it was: pseudonyms in the place of people, the same for the same as long as the key is. */
import { createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AuditEvent, ChainedAuditEvent } from '@signpost/contract'
import { UsageError } from './errors.ts'

const keyBytesMin = 16

/** Fields that say who it was. */
const fields = ['principalId', 'username', 'apiKeyId', 'address', 'agent', 'marker'] as const

/** Their details are heads, hashes and signatures: without these nothing could be verified. They name nobody but by `why`. */
const proofs: ReadonlySet<string> = new Set(['chain.open', 'audit.checkpoint', 'audit.expire', 'audit.erase'])

/** Details that are words of Signpost's own, or names of things. What stands under any other name may say who somebody is. */
const words =
  'action actions connector digest did failed kind operation organisationRole outcome permissions role step team type what'
const instant = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
const id = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
/** By their names, what they have to look like: other events have something else there, such as a key's networks as its `scope`. */
const plain: ReadonlyMap<string, RegExp> = new Map([
  ...words.split(' ').map((name): [string, RegExp] => [name, /^/]),
  ...['before', 'expiresAt', 'firstAt', 'from', 'since', 'to', 'until'].map((name): [string, RegExp] => [
    name,
    instant,
  ]),
  ...['grantId', 'restriction', 'revocation'].map((name): [string, RegExp] => [name, id]),
  ['scope', /^(?:team|organisation)$/],
])

/** Undefined: a key of its own for this one export. */
export async function readPseudonymKey(file: string | undefined): Promise<Buffer> {
  if (file === undefined) return randomBytes(32)
  const key = await readFile(file)
  if (key.length < keyBytesMin)
    throw new UsageError(`--pseudonym-key-file: must hold at least ${keyBytesMin} bytes, such as random ones`)
  return key
}

/** A line as it is, where it names nobody; else one that says that its event is not the one that was hashed. */
export function pseudonymisedLine(line: string, key: Buffer): string {
  const { chain, seq, hash, event } = JSON.parse(line) as ChainedAuditEvent
  const left = pseudonymised(event, (text) => pseudonymOf(text, key))
  if (JSON.stringify(left) === JSON.stringify(event)) return line
  const place = `"chain":${JSON.stringify(chain)},"seq":${seq},"hash":"${hash}"`
  return `{${place},"pseudonymised":true,"event":${JSON.stringify(left)}}\n`
}

function pseudonymised(event: AuditEvent, pseudonym: (text: string) => string): AuditEvent {
  const left = { ...event }
  for (const field of fields) if (left[field] !== undefined) left[field] = pseudonym(left[field])
  if (left.details === undefined) return left
  const isProof = proofs.has(event.type)
  const isKept = (name: string, value: string) =>
    isProof ? name !== 'why' : plain.get(name)?.test(value) === true
  left.details = Object.fromEntries(
    Object.entries(left.details).map(([name, value]) => [
      name,
      typeof value === 'string' && !isKept(name, value) ? pseudonym(value) : value,
    ]),
  )
  return left
}

/** The same text has the same pseudonym wherever it stands: a marker that is a username can be seen to be one. */
function pseudonymOf(text: string, key: Buffer): string {
  return `p-${createHmac('sha256', key).update(text).digest('hex').slice(0, 20)}`
}
