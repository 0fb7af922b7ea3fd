/**
 * What only the organisation may say of a connector: where this server connects to (else a team's admin has it ask inside
 * its own network), and what it takes from its own surroundings (its identity, its secrets), which are not the team's.
 */
import type { ConnectorSettings } from '@signpost/contract'

export interface ReservedField {
  /** As in the request, such as `settings.credential.stsEndpoint`. */
  field: string
  what: 'address' | 'identity' | 'secret'
}

/** By name, so that a new one counts as soon as it is there. */
const ADDRESS = /(?:endpoint|host)$/i
/** Credentials of the machine that the server runs on. */
const OWN_IDENTITIES = new Set(['environment', 'metadata', 'managedIdentity'])

/**
 * The first field that somebody who is no admin of the organisation may not set. What stands already (`before`) may stay;
 * but where something of the server's own goes in, credential and addresses stay together: else its secret could be sent
 * to another address, or its identity used for another role.
 */
export function reservedField(
  settings: ConnectorSettings,
  before: ConnectorSettings | undefined,
  mayNameAddresses: boolean,
): ReservedField | undefined {
  const [now, was] = [leavesOf(settings), leavesOf(before)]
  const changed = [...now].filter(([path, value]) => was.get(path) !== value).map(([path]) => path)
  const gone = [...was.keys()].filter((path) => !now.has(path))
  const isBound = (path: string) => path.startsWith('settings.credential.') || isAddress(path)
  const own = ownFieldOf(now)
  if (own && [...changed, ...gone].some(isBound)) return own
  const address = mayNameAddresses ? undefined : changed.find(isAddress)
  return address === undefined ? undefined : { field: address, what: 'address' }
}

/** What of it only the organisation may say, for the record: `stsEndpoint http://…`, `secretAccessKey file b/key`. */
export function reservedTexts(settings: ConnectorSettings): string[] {
  const texts: string[] = []
  for (const [path, value] of leavesOf(settings)) {
    const [, field, place] = /^settings\.(.*)\.(env|file)$/.exec(path) ?? []
    if (field !== undefined) texts.push(`${field} ${place} ${String(value)}`)
    else if (isAddress(path) || isOwnIdentity(path, value))
      texts.push(`${path.slice('settings.'.length)} ${String(value)}`)
  }
  return texts
}

function isOwnIdentity(path: string, value: unknown): boolean {
  return (
    path.startsWith('settings.credential.') && path.endsWith('.type') && OWN_IDENTITIES.has(String(value))
  )
}

function isAddress(path: string): boolean {
  return ADDRESS.test(path)
}

function ownFieldOf(leaves: ReadonlyMap<string, unknown>): ReservedField | undefined {
  for (const [path, value] of leaves) {
    if (!path.startsWith('settings.credential.')) continue
    const [, field] = /^(.*)\.(?:env|file)$/.exec(path) ?? []
    if (field !== undefined) return { field, what: 'secret' }
    if (isOwnIdentity(path, value)) return { field: path, what: 'identity' }
  }
  return undefined
}

/** Every single value, by its path. */
function leavesOf(settings: ConnectorSettings | undefined): Map<string, unknown> {
  const leaves = new Map<string, unknown>()
  const walk = (path: string, value: unknown): void => {
    if (value === undefined) return
    if (typeof value !== 'object' || value === null) return void leaves.set(path, value)
    const isList = Array.isArray(value)
    for (const [name, one] of Object.entries(value))
      walk(isList ? `${path}[${name}]` : `${path}.${name}`, one)
  }
  walk('settings', settings)
  return leaves
}
