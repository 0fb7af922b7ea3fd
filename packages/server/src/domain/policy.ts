/** What server, connector and team say together: the shorter life, the networks in both lists, the team's word on writes. */
import type { Action, Policy, WritePolicy } from '@signpost/contract'
import { bothNetworks, cidrOf, membershipOf } from './network.ts'

export interface ExpiryLimits {
  defaultSeconds: number
  maxSeconds: number
}

export interface ServerExpiry {
  readSecondsDefault: number
  readSecondsMax: number
  writeSecondsDefault: number
  writeSecondsMax: number
}

export interface EffectivePolicy {
  expiry: Readonly<Record<Action, ExpiryLimits>>
  /** Empty: anywhere. VPC endpoints among them hold at the bucket alone. */
  networks: readonly string[]
  /** May this address ask? Always, where no address range is named. */
  allowsAddress: (address: string) => boolean
  writes: WritePolicy | undefined
  verification: { after: boolean; onFailure: 'quarantine' | 'delete' | 'keep'; readBytesMax: number }
}

export function effectivePolicy(server: ServerExpiry, connector: Policy, team: Policy): EffectivePolicy {
  const networks = bothNetworks(connector.networks ?? [], team.networks ?? [])
  const isIn = networks.some((network) => cidrOf(network)) ? membershipOf(networks) : () => true
  return {
    expiry: {
      read: limitsOf('read', server, connector, team),
      write: limitsOf('write', server, connector, team),
    },
    networks,
    allowsAddress: isIn,
    writes: writesOf(connector.writes, team.writes),
    verification: verificationOf({ ...connector.verification, ...team.verification }),
  }
}

function limitsOf(action: Action, server: ServerExpiry, connector: Policy, team: Policy): ExpiryLimits {
  const maxSeconds = Math.min(
    server[`${action}SecondsMax`],
    connector.expiry?.[`${action}SecondsMax`] ?? Infinity,
    team.expiry?.[`${action}SecondsMax`] ?? Infinity,
  )
  const wish =
    team.expiry?.[`${action}SecondsDefault`] ??
    connector.expiry?.[`${action}SecondsDefault`] ??
    server[`${action}SecondsDefault`]
  return { defaultSeconds: Math.min(wish, maxSeconds), maxSeconds }
}

function verificationOf(said: NonNullable<Policy['verification']>): EffectivePolicy['verification'] {
  const { after = true, onFailure = 'quarantine', readBytesMax = 2 ** 30 } = said
  return { after, onFailure, readBytesMax }
}

function writesOf(
  connector: WritePolicy | undefined,
  team: WritePolicy | undefined,
): WritePolicy | undefined {
  if (!connector || !team) return team ?? connector
  const both = { ...connector, ...team }
  if (connector.tags && team.tags) both.tags = { ...connector.tags, ...team.tags }
  if (connector.metadata && team.metadata) both.metadata = { ...connector.metadata, ...team.metadata }
  return both
}

/** The policy of a connector or team as it stands in the database: JSON, empty for none. */
export function storedPolicy(text: string): Policy {
  return text === '' ? {} : (JSON.parse(text) as Policy)
}

/** As it is stored. */
export function policyText(policy: Policy | undefined): string {
  return policy === undefined || Object.keys(policy).length === 0 ? '' : JSON.stringify(policy)
}

const policiesMax = 1000

/** Works out each pair of texts once: a request reads them with its target. */
export function createPolicyReader(
  server: ServerExpiry,
): (connector: string, team: string) => EffectivePolicy {
  const none = effectivePolicy(server, {}, {})
  const known = new Map<string, EffectivePolicy>()
  return (connector, team) => {
    if (connector === '' && team === '') return none
    const place = `${connector}\n${team}`
    let found = known.get(place)
    if (!found) {
      found = effectivePolicy(server, storedPolicy(connector), storedPolicy(team))
      if (known.size >= policiesMax) known.clear()
      known.set(place, found)
    }
    return found
  }
}
