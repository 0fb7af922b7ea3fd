/** Audit events in bulk: of their shape and size, with hashes that are made up. One run for each: URLs asked for one by one. */
import { randomBytes } from 'node:crypto'
import { keyPlace, slotEvents, slotOf } from '../packages/server/src/store/key-place.ts'

export const chainEvents = 1_000_000
export const users = 5000
export const teams = 200
export const keys = 50_000
export const yearMs = 365 * 86_400_000
/** The first event is from then: ms since the epoch. */
export const begin = Date.parse('2025-11-01T00:00:00Z')
export const slotsInChain = Math.ceil((chainEvents + 1) / slotEvents)

const padded = (number: number) => String(number).padStart(12, '0')
export const userOf = (index: number) => `user-${(index * 7919) % users}`
export const teamOf = (index: number) => `team-${(index * 31) % teams}`
export const keyOf = (index: number) => `runs/${index % keys}/checkpoints/model.safetensors`
export const grantOf = (index: number) => `01990000-0000-7000-8000-${padded(index)}`
export const chainOf = (number: number) => `01900000-0000-7000-8000-${padded(number)}`
const principalOf = (index: number) => `018f0000-0000-7000-8000-${padded((index * 7919) % users)}`
const isRare = (index: number) => index % 100 === 0
const isRefused = (index: number) => index % 50 === 7
const typeOf = (index: number) => (isRare(index) ? 'user.update' : 'url.issue')
const decisionOf = (index: number) => (isRefused(index) ? 'deny' : 'allow')

export type Value = string | number | null
/** Gives the values of the event of a number, in the order of the columns. */
export type RowOf = (index: number) => Value[]

export const runColumns = 'chain, first_seq, last_seq, at, type, decision, principal_id, username, team'
export function runRows(total: number): RowOf {
  const atOf = timeOf(total)
  return (index) => {
    const chain = chainOf(Math.floor(index / chainEvents))
    const seq = (index % chainEvents) + 1
    const who = [principalOf(index), userOf(index), teamOf(index)]
    return [chain, seq, seq, atOf(index), typeOf(index), decisionOf(index), ...who]
  }
}

export const eventColumns = 'chain, seq, run_seq, at, object_key, key_place, grant_id, event, hash'
export function eventRows(total: number): RowOf {
  const atOf = timeOf(total)
  const hash = madeUpHashes()
  return (index) => {
    const chain = Math.floor(index / chainEvents)
    const seq = (index % chainEvents) + 1
    const at = atOf(index)
    const key = keyOf(index)
    const place = keyPlace(slotOf(chain * slotsInChain, seq), key)
    const grant = isRare(index) || isRefused(index) ? null : grantOf(index)
    return [chainOf(chain), seq, seq, at, key, place, grant, eventText(index, at, key, grant), hash()]
  }
}

/** When the event of a number was: ms since the epoch. */
export function timeOf(total: number): (index: number) => number {
  const step = Math.floor(yearMs / total)
  return (index) => begin + index * step
}

function eventText(index: number, at: number, key: string, grant: string | null): string {
  return (
    `{"id":"01980000-0000-7000-8000-${padded(index)}","at":"${new Date(at).toISOString()}","type":"${typeOf(index)}"` +
    `,"decision":"${decisionOf(index)}","reason":"member_read","principalId":"${principalOf(index)}"` +
    `,"principalKind":"user","username":"${userOf(index)}","apiKeyId":"abcdefghijkl","address":"192.0.2.17"` +
    `,"agent":"signpost-python/0.1.0","requestId":"018a0000-0000-7000-8000-000000000000","team":"${teamOf(index)}"` +
    `,"connector":"main","bucket":"team-bucket","key":"${key}","action":"read","method":"GET"` +
    `,"grantId":"${grant ?? ''}","expiresAt":"2026-01-01T00:00:00.000Z","limitedBy":"requested","marker":"someone"` +
    `,"signer":"AKIAEXAMPLE","signatureDigest":"${'0'.repeat(64)}"}`
  )
}

/** 64 hex digits each; random, as real ones are: a compressed disk gains nothing with them. */
function madeUpHashes(): () => string {
  let pool = ''
  let at = 0
  return () => {
    if (at === pool.length) {
      pool = randomBytes(32 * 4096).toString('hex')
      at = 0
    }
    at += 64
    return pool.slice(at - 64, at)
  }
}
