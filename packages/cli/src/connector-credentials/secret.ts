import type { SecretReference } from '@signpost/contract'
import { UsageError } from '../errors.ts'
import type { CredentialFlags } from './flags.ts'

/** Where secrets come from: the file of a flag, the environment, or a question on the terminal. Never an argument. */
export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>
  readSecret(file: string, flag: string): Promise<string>
  /** Undefined where there is no terminal. */
  ask: ((question: string) => Promise<string>) | undefined
}

/** What is known when a credential is put together. */
export interface Given {
  flags: CredentialFlags
  sources: SecretSources
  /** The credential that is there, as the API shows it, where it is of the same type; else empty. */
  shown: Readonly<Record<string, unknown>>
}

/** One secret of a credential, and what gives it. */
export interface SecretFlag {
  /** As in the API. */
  field: string
  flag: string
  file: string | undefined
  /** A variable that the provider's own tools read. */
  variable?: string | undefined
}

/** The secret, or where the server finds it. */
export async function secretOf(
  { flags, sources, shown }: Given,
  { field, flag, file, variable }: SecretFlag,
): Promise<string | SecretReference> {
  if (file !== undefined) return sources.readSecret(file, flag)
  if (flags.secretFrom !== undefined) return referenceOf(flags.secretFrom)
  const there = shown[field]
  // Only a reference is ever shown.
  if (typeof there === 'object' && there !== null) return there as SecretReference
  const set = variable === undefined ? undefined : sources.env[variable]
  if (set) return set
  if (sources.ask) return sources.ask(`${flag.replace(/^--|-file$/g, '').replaceAll('-', ' ')} (not shown): `)
  const or = variable === undefined ? '' : `, or set ${variable}`
  throw new UsageError(`give ${flag} FILE (- for standard input) or --secret-from PLACE${or}`)
}

export function referenceOf(place: string): SecretReference {
  const [, kind, name] = /^(env|file):(.+)$/s.exec(place) ?? []
  if (kind === undefined || name === undefined)
    throw new UsageError('--secret-from takes env:SIGNPOST_SECRET_NAME or file:PATH, not a secret')
  return kind === 'env' ? { env: name } : { file: name }
}

/** The flag, else what is there already. */
export function textOf(
  { flags, shown }: Given,
  name: keyof CredentialFlags,
  variable?: string,
): string | undefined {
  const given = flags[name] ?? shown[name] ?? variable
  return typeof given === 'string' && given !== '' ? given : undefined
}

/** Fields without those that nobody told. */
export function fieldsOf(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

export function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new UsageError(what)
  return value
}
