/** A trust rule by options. */
import { readFile } from 'node:fs/promises'
import { InvalidArgumentError, type Command } from 'commander'
import type { CallInput, ClaimCondition } from '@signpost/contract'
import { UsageError } from './errors.ts'
import { keyScopeOf, withKeyScopeFlags, type KeyScopeFlags } from './key-scope-flags.ts'
import { parseDuration } from './parse.ts'

type Changes = CallInput<'updateTrustRule'>['body']

export interface TrustRuleFlags extends KeyScopeFlags {
  issuer?: string
  audience?: string
  for?: string
  claim?: ClaimCondition[]
  claimMatches?: ClaimCondition[]
  claimJson?: ClaimCondition[]
  tokenLife?: number
  jwksFile?: string
  allowInternal?: boolean
}

export function withTrustRuleFlags(command: Command, isNew: boolean): Command {
  const needed = (flags: string, what: string) =>
    isNew ? command.requiredOption(flags, what) : command.option(flags, what)
  needed('--issuer <url>', 'who signs the tokens, exactly as `iss` has it')
  needed('--audience <text>', 'what `aud` must hold')
  needed('--for <username>', 'the service account (or user) that the workload becomes')
  command
    .option('--claim <name=value>', 'a claim that must be this text; more than one: again', claimOf(textOf))
    .option(
      '--claim-matches <name=pattern>',
      'a claim that must match, * for anything but / and :; more than one: again',
      claimOf((matches) => ({ matches })),
    )
    .option('--claim-json <name=value>', 'a claim that must be this number, true or false', claimOf(jsonOf))
    .option('--token-life <time>', 'life of its access tokens, 1m to 1h; 15m unless told', parseDuration)
    .option('--jwks-file <file>', "the issuer's public keys (JWKS), where the server cannot reach it")
    .option('--allow-internal', 'the issuer may be at an internal address')
  return withKeyScopeFlags(command)
}

/** A name may hold dots and slashes, but no `=`. */
function claimOf(condition: (value: string) => Omit<ClaimCondition, 'claim'>) {
  return (text: string, before: ClaimCondition[] | undefined): ClaimCondition[] => {
    const at = text.indexOf('=')
    if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.')
    return [...(before ?? []), { claim: text.slice(0, at), ...condition(text.slice(at + 1)) }]
  }
}

const textOf = (equals: string) => ({ equals })

function jsonOf(text: string): Pick<ClaimCondition, 'equals'> {
  if (text === 'true' || text === 'false') return { equals: text === 'true' }
  if (/^-?\d{1,15}(\.\d+)?$/.test(text)) return { equals: Number(text) }
  throw new InvalidArgumentError('Write a number, true or false behind the =.')
}

/** What the options say; what is left out of them is left out. */
export async function trustRuleOf(flags: TrustRuleFlags): Promise<Changes> {
  const conditions = [...(flags.claim ?? []), ...(flags.claimMatches ?? []), ...(flags.claimJson ?? [])]
  const scope = keyScopeOf(flags)
  const body: Changes = {
    issuer: flags.issuer,
    audience: flags.audience,
    username: flags.for,
    conditions: conditions.length === 0 ? undefined : conditions,
    tokenSeconds: flags.tokenLife,
    scope,
    jwks: flags.jwksFile === undefined ? undefined : await readKeys(flags.jwksFile),
    allowInternal: flags.allowInternal,
  }
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
}

async function readKeys(file: string): Promise<NonNullable<Changes['jwks']>> {
  const text = await readFile(file, 'utf8')
  try {
    const { keys } = JSON.parse(text) as { keys: unknown }
    if (Array.isArray(keys)) return { keys: keys as { kty: string }[] }
  } catch {
    // What it is instead is nothing to show: it may be a private key.
  }
  throw new UsageError(`--jwks-file: ${file} is no JSON Web Key Set: {"keys": [...]}`)
}

/** What the server calls its fields, in options. */
const optionOf: Readonly<Record<string, string>> = {
  issuer: '--issuer',
  audience: '--audience',
  username: '--for',
  conditions: '--claim',
  tokenSeconds: '--token-life',
  jwks: '--jwks-file',
  allowInternal: '--allow-internal',
}

export async function inRuleOptions<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Error)
      error.message = error.message.replace(/^(\w+)(?=[.:])/, (field) => optionOf[field] ?? field)
    throw error
  }
}

/** For people: `repository=acme/model`, `sub~repo:acme/*`. */
export function conditionsText(conditions: readonly ClaimCondition[]): string {
  return conditions
    .map(({ claim, equals, matches }) =>
      matches === undefined ? `${claim}=${equals}` : `${claim}~${matches}`,
    )
    .join(' ')
}
