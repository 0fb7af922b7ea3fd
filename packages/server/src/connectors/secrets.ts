import {
  SignpostError,
  type ConnectorSettings,
  type ResolvedSettings,
  type SecretReference,
} from '@signpost/contract'

/** Reads what a reference refers to. Throws `credential_unavailable`, naming the reference, where there is nothing. */
export type ReadSecret = (reference: SecretReference) => string

export const refuseReference: ReadSecret = () => {
  throw new SignpostError('credential_unavailable', 'This server reads no secrets by reference.')
}

/** Settings with every secret in its place. References stand in the credential alone. */
export function resolveSecrets(settings: ConnectorSettings, read: ReadSecret): ResolvedSettings {
  return resolved(settings, read) as ResolvedSettings
}

function resolved(value: unknown, read: ReadSecret): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, read))
  if (typeof value !== 'object' || value === null) return value
  if (isReference(value)) return read(value)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolved(one, read)]))
}

export function isReference(value: unknown): value is SecretReference {
  if (typeof value !== 'object' || value === null) return false
  const [name, ...others] = Object.keys(value)
  return others.length === 0 && (name === 'env' || name === 'file')
}
