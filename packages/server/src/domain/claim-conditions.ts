/** What a rule asks of a token's claims. */
import type { ClaimCondition } from '@signpost/contract'
import type { Claims, TokenProblem } from './identity-token.ts'

/** Undefined: the condition holds. */
export function conditionProblem(condition: ClaimCondition, claims: Claims): TokenProblem | undefined {
  const { claim, equals, matches } = condition
  const value = claimAt(claims, claim)
  const wanted = equals === undefined ? `match ${JSON.stringify(matches)}` : `equal ${JSON.stringify(equals)}`
  if (value === undefined)
    return { reason: 'claim_missing', sentence: `${claim}: is not in the token; it must ${wanted}.` }
  const members: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (members.some((member) => holds(condition, member))) return undefined
  return {
    reason: 'claim_differs',
    sentence: `${claim}: is ${shown(value)}, which does not ${wanted}.`,
  }
}

/** By value and by type: the text "1" is not the number 1. A condition that asks for nothing never holds. */
function holds({ equals, matches }: ClaimCondition, value: unknown): boolean {
  if (equals === undefined && matches === undefined) return false
  if (equals !== undefined && value !== equals) return false
  return matches === undefined || (typeof value === 'string' && matchesGlob(matches, value))
}

/**
 * The claim of this name, else the claim that a path with dots leads to. Names may have dots themselves
 * (`kubernetes.io`): at each step the longest name that is there counts first.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
  const object = claims as Record<string, unknown>
  if (Object.hasOwn(object, path)) return object[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot)
    const found = Object.hasOwn(object, name) ? claimAt(object[name], path.slice(dot + 1)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

const delimiters = /([/:])/

/**
 * The whole value; `*` stands for any run of characters but `/` and `:`. So the delimiters of both must be the same ones
 * in the same order, and what is between them is compared piece by piece: no pattern takes long.
 */
export function matchesGlob(pattern: string, value: string): boolean {
  const patterns = pattern.split(delimiters)
  const pieces = value.split(delimiters)
  return (
    patterns.length === pieces.length && patterns.every((one, index) => matchesPiece(one, pieces[index]!))
  )
}

function matchesPiece(pattern: string, piece: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return pattern === piece
  if (piece.length < first.length + last.length) return false
  if (!piece.startsWith(first) || !piece.endsWith(last)) return false
  const end = piece.length - last.length
  let at = first.length
  for (const part of others) {
    const found = piece.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}
