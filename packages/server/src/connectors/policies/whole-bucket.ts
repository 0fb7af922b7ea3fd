import { bothNetworks } from '../../domain/network.ts'
import type { PolicyInput } from './input.ts'

/** For providers whose rule is for the whole bucket or account: one list for all of it. */
export function wholeBucketNetworks({ networkRules }: Pick<PolicyInput, 'networkRules'>): {
  networks: readonly string[]
  sentences: string[]
} {
  if (networkRules.length === 0) return { networks: [], sentences: [] }
  const whole = networkRules.filter(({ prefix }) => prefix === '')
  if (whole.length === 0)
    return {
      networks: [],
      sentences: [
        'The rule of this provider is for the whole bucket, and only teams have lists: set the list of the connector. The lists of the teams hold when URLs are asked for.',
      ],
    }
  const narrower = networkRules.filter((rule) => !whole.includes(rule)).map(({ name }) => name)
  const sentences =
    narrower.length === 0
      ? []
      : [
          `The rule of this provider is for the whole bucket: the lists of ${narrower.join(', ')} hold when URLs are asked for.`,
        ]
  return { networks: whole.map((rule) => rule.networks).reduce(bothNetworks), sentences }
}
